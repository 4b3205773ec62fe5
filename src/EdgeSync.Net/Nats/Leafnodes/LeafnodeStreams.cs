using System.Net.Security;
using System.Net.Sockets;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats.Leafnodes;

/// <summary>Opens the stream of a leaf link, up to the hub's first line.</summary>
internal static class LeafnodeStreams
{
    /// <returns>The stream, and whether it is inside TLS already.</returns>
    public static async Task<(Stream Stream, bool IsTls)> OpenAsync(
        Uri url, LeafnodeDialing dialing, CancellationToken cancellationToken)
    {
        if (LeafUrl.IsWebSocket(url))
            return (
                await WebSocketStream.ConnectAsync(url, "/leafnode", dialing, cancellationToken), url.Scheme == "wss");

        var stream = dialing.OpenStream is { } open
            ? await open(url, cancellationToken)
            : await ConnectAsync(url, cancellationToken);
        return dialing.TlsFirst ? (await SecureAsync(stream, url, dialing, cancellationToken), true) : (stream, false);
    }

    public static async Task<Stream> SecureAsync(
        Stream stream, Uri url, LeafnodeDialing dialing, CancellationToken cancellationToken)
    {
        var secured = new SslStream(stream);
        try
        {
            await secured.AuthenticateAsClientAsync(OptionsFor(url, dialing.Tls), cancellationToken);
            return secured;
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }
    }

    internal static SslClientAuthenticationOptions OptionsFor(Uri url, SslClientAuthenticationOptions? given) => new()
    {
        TargetHost = given?.TargetHost ?? url.DnsSafeHost,
        ClientCertificates = given?.ClientCertificates,
        ClientCertificateContext = given?.ClientCertificateContext,
        CertificateChainPolicy = given?.CertificateChainPolicy,
        RemoteCertificateValidationCallback = given?.RemoteCertificateValidationCallback,
        EnabledSslProtocols = given?.EnabledSslProtocols ?? default,
    };

    private static async Task<Stream> ConnectAsync(Uri url, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(url.DnsSafeHost, LeafUrl.PortOf(url), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
