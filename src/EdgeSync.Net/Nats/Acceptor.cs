using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats.Transports;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Prepares an accepted socket for the protocol: TLS before or after INFO, or the WebSocket upgrade.
/// </summary>
internal sealed class Acceptor(NatsBrokerOptions options, BrokerDriver driver)
{
    private readonly SslServerAuthenticationOptions? _tls = options.Tls is { } tls ? ServerOptions(tls) : null;

    /// <summary>A pump whose INFO is queued, for TCP in clear or inside TLS.</summary>
    /// <exception cref="AuthenticationException">The handshake failed.</exception>
    public async Task<BrokerPump> AcceptAsync(Socket socket, ConnectionKind kind)
    {
        var origin = OriginOf(socket, kind, ConnectionTransport.Tcp);
        if (_tls is null) return new BrokerPump(driver, new SocketTransport(socket), origin);

        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var transport = new TlsTransport(stream, socket);
        if (options.Tls!.HandshakeFirst && await BeginsAsync(socket))
        {
            await HandshakeAsync(stream, origin);
            return new BrokerPump(driver, transport, origin);
        }

        // INFO in clear, which requires TLS; then the handshake.
        var pump = new BrokerPump(driver, transport, origin);
        var info = new List<OutputSegment>();
        driver.TryTakeOutput(pump.Connection, info);
        try
        {
            foreach (var segment in info)
            {
                await socket.SendAsync(segment.Buffer.AsMemory(0, segment.Length));
                driver.OutputSent(pump.Connection, segment);
            }

            await HandshakeAsync(stream, origin);
            return pump;
        }
        catch
        {
            driver.Detach(pump.Connection, CloseReason.TlsHandshakeFailure);
            throw;
        }
    }

    /// <summary>Inside TLS when the broker has it, as in web servers.</summary>
    public async Task<BrokerPump> AcceptWebSocketAsync(Socket socket)
    {
        var origin = OriginOf(socket, ConnectionKind.Client, ConnectionTransport.WebSocket);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (_tls is not null)
        {
            var secured = new SslStream(stream);
            await HandshakeAsync(secured, origin);
            stream = secured;
        }

        using var patience = new CancellationTokenSource(options.Broker.AuthenticationTimeout, driver.Clock);
        var offer = new WebSocketOffer
        {
            Origins = options.WebSocketOrigins,
            AcceptsLeaves = options.LeafListen is not null,
            Compresses = options.WebSocketCompression,
        };
        var upgrade = await WebSocketUpgrade.AcceptAsync(stream, offer, patience.Token);
        var kind = upgrade.IsLeaf ? ConnectionKind.Leaf : ConnectionKind.Client;
        return new BrokerPump(driver, new WebSocketTransport(upgrade, socket), origin with { Kind = kind });
    }

    /// <summary>Whether the other side begins the handshake by itself, in time.</summary>
    private async Task<bool> BeginsAsync(Socket socket)
    {
        var fallback = options.Tls!.HandshakeFallback;
        if (fallback <= TimeSpan.Zero) return true;

        using var patience = new CancellationTokenSource(fallback, driver.Clock);
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.Peek, patience.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task HandshakeAsync(SslStream stream, ConnectionOrigin origin)
    {
        using var patience = new CancellationTokenSource(options.Tls!.Timeout, driver.Clock);
        await stream.AuthenticateAsServerAsync(_tls!, patience.Token);
        origin.TlsVersion = stream.SslProtocol switch
        {
            SslProtocols.Tls13 => "1.3",
            SslProtocols.Tls12 => "1.2",
            var other => other.ToString(),
        };
        origin.TlsCipherSuite = stream.NegotiatedCipherSuite.ToString();
    }

    private ConnectionOrigin OriginOf(Socket socket, ConnectionKind kind, ConnectionTransport transport)
    {
        var (remote, local) = ((IPEndPoint)socket.RemoteEndPoint!, (IPEndPoint)socket.LocalEndPoint!);
        return new ConnectionOrigin
        {
            Kind = kind,
            Transport = transport,
            Address = (remote.Address.IsIPv4MappedToIPv6 ? remote.Address.MapToIPv4() : remote.Address).ToString(),
            Group = AddressGroup.Of(remote.Address).ToString(),
            Port = remote.Port,
            ListenAddress = local.Address.ToString(),
            ListenPort = local.Port,
            IsTls = _tls is not null,
        };
    }

    private static SslServerAuthenticationOptions ServerOptions(NatsBrokerTls tls) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(tls.Certificate, tls.Chain, offline: true),
        ClientCertificateRequired = tls.ClientAuthorities is not null,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        CertificateChainPolicy = tls.ClientAuthorities is { } authorities ? TrustOnly(authorities) : null,
    };

    private static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
