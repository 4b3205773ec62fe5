using System.Net.Security;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats;

/// <summary>How streams to the hub of a remote are opened, where that is more than an address can say.</summary>
public sealed record LeafnodeDialing
{
    /// <summary>
    /// Whom to trust and which certificate to show. When set, TLS is used whether the hub asks for it or not; when null, it is used
    /// when the hub or the address (<c>tls</c>, <c>wss</c>) asks, with the trust of the system.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>TLS comes before the first line of the hub, not after it.</summary>
    public bool TlsFirst { get; init; }

    /// <summary>Opens a stream to an address: a tunnel, a serial line, a test. Null dials TCP. The stream is ours from then on.</summary>
    public Func<Uri, CancellationToken, ValueTask<Stream>>? OpenStream { get; init; }

    /// <summary>The HTTP proxy for an address, or null for none; by default what the environment names for addresses inside WebSocket.</summary>
    public Func<Uri, Uri?> ProxyOf { get; init; } = HttpProxy.FromEnvironment;

    /// <summary>Told after each change of state, on the broker's own threads: be quick, do not throw.</summary>
    public Action<LeafRemoteStatus>? OnChanged { get; init; }
}
