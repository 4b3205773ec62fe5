using System.Net.Security;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats;

/// <summary>How streams to the hub of a remote are opened, where that is more than an address can say.</summary>
public sealed record LeafnodeDialing
{
    /// <summary>
    /// Whom to trust and which certificate to show. When set, TLS is used whether the hub asks for it or not; when
    /// null, it is used when the hub or the address (<c>tls</c>, <c>wss</c>) asks, with the trust of the system.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>TLS comes before the first line of the hub, not after it.</summary>
    public bool TlsFirst { get; init; }

    /// <summary>
    /// Opens a stream to an address: a tunnel, a serial line, a test. The stream is ours from then on.
    /// Null dials TCP; for an address inside WebSocket through the HTTP proxy that the environment names
    /// (<c>https_proxy</c>,
    /// <c>http_proxy</c>, <c>all_proxy</c>, <c>no_proxy</c>).
    /// </summary>
    public Func<Uri, CancellationToken, ValueTask<Stream>>? OpenStream { get; init; }

    /// <summary>Told after each change of state, on the broker's own threads: be quick, do not throw.</summary>
    public Action<LeafRemoteStatus>? OnChanged { get; init; }
}
