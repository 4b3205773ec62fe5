using System.Net.Security;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats.Leafnodes;

/// <summary>How streams to the hub of a remote are opened, beyond what an address can express.</summary>
public sealed record LeafnodeDialing
{
    /// <summary>
    /// The trusted authorities and our certificate. When set, TLS is used whether the hub requires it or not; when
    /// null, it is used when the hub or the address (<c>tls</c>, <c>wss</c>) requires it, with the trust of the system.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>TLS precedes the first line of the hub.</summary>
    public bool TlsFirst { get; init; }

    /// <summary>
    /// Opens a stream to an address: a tunnel, a serial line, a test. The caller owns the stream from then on. Null
    /// connects by TCP; for an address inside WebSocket through the HTTP proxy of the environment (<c>https_proxy</c>,
    /// <c>http_proxy</c>, <c>all_proxy</c>, <c>no_proxy</c>).
    /// </summary>
    public Func<Uri, CancellationToken, ValueTask<Stream>>? OpenStream { get; init; }

    /// <summary>The peer that <see cref="OpenStream"/> has identified, in place of the address.</summary>
    public string? PeerName { get; init; }

    /// <summary>Called after each change of state, on the broker's own threads: be quick, do not throw.</summary>
    public Action<LeafRemoteStatus>? OnChanged { get; init; }
}
