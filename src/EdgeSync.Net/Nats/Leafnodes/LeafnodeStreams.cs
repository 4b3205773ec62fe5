using System.Net.Security;
using System.Net.Sockets;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats;

/// <summary>Opens what a leaf link runs through, up to where the hub speaks its first line.</summary>
internal static class LeafnodeStreams
{
    /// <returns>The stream, and whether it is safe already.</returns>
    public static async Task<(Stream Stream, bool IsTls)> OpenAsync(Uri url, LeafnodeDialing dialing, CancellationToken cancellationToken)
    {
        var stream = dialing.OpenStream is { } open ? await open(url, cancellationToken) : await ConnectAsync(url, dialing.ProxyOf(url), cancellationToken);
        try
        {
            var isTls = url.Scheme == "wss" || (dialing.TlsFirst && url.Scheme != "ws");
            if (isTls) stream = await SecureAsync(stream, url, dialing, cancellationToken);
            if (LeafUrl.IsWebSocket(url)) stream = await WebSocketStream.ConnectAsync(stream, url, "/leafnode", cancellationToken);
            return (stream, isTls);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public static async Task<Stream> SecureAsync(Stream stream, Uri url, LeafnodeDialing dialing, CancellationToken cancellationToken)
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

    private static SslClientAuthenticationOptions OptionsFor(Uri url, SslClientAuthenticationOptions? given) => new()
    {
        TargetHost = given?.TargetHost ?? url.DnsSafeHost,
        ClientCertificates = given?.ClientCertificates,
        ClientCertificateContext = given?.ClientCertificateContext,
        CertificateChainPolicy = given?.CertificateChainPolicy,
        RemoteCertificateValidationCallback = given?.RemoteCertificateValidationCallback,
        EnabledSslProtocols = given?.EnabledSslProtocols ?? default,
    };

    private static async Task<Stream> ConnectAsync(Uri url, Uri? proxy, CancellationToken cancellationToken)
    {
        if (proxy is null) return await ConnectAsync(url.DnsSafeHost, LeafUrl.PortOf(url), cancellationToken);

        var stream = await ConnectAsync(proxy.DnsSafeHost, proxy.Port, cancellationToken);
        try
        {
            await HttpProxy.OpenTunnelAsync(stream, proxy, url.IdnHost, LeafUrl.PortOf(url), cancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<Stream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
