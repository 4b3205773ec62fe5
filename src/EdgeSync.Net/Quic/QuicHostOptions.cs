using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Quic;

/// <summary>What a <see cref="QuicHost"/> is made with.</summary>
/// <param name="Quic">Of each connection; its protocols are those that are accepted.</param>
/// <param name="Entropy">Of ids, keys and tokens.</param>
public sealed record QuicHostOptions(QuicOptions Quic, Entropy Entropy)
{
    /// <summary>Where to bind, one socket each; port 0 for any free one. Empty opens no UDP socket.</summary>
    public IReadOnlyList<IPEndPoint> Bind { get; init; } =
        [new(IPAddress.Any, 0), new(IPAddress.IPv6Any, 0)];

    /// <summary>Whether clients are taken.</summary>
    public bool Accepts { get; init; }

    /// <summary>Whether every client must prove its address by a Retry.</summary>
    public bool AlwaysRetries { get; init; }

    /// <summary>Whether the kernel may split and join datagrams.</summary>
    public bool UsesOffload { get; init; } = true;

    /// <summary>Whether the base library's sockets are used where there is something better.</summary>
    internal bool IsPortable { get; init; }

    /// <summary>Connections that may wait for <see cref="QuicHost.AcceptAsync"/>; more are refused.</summary>
    public int AcceptQueue { get; init; } = 128;

    /// <summary>
    /// Whether a client is taken, when its key is known; null: all are. Others are closed with
    /// <see cref="NotAdmittedCode"/> before they can open a stream or learn an address. Called under the host's lock:
    /// it must not wait.
    /// </summary>
    public Func<HostConnection, bool>? Admits { get; init; }

    /// <summary>The code by which a client is refused whom <see cref="Admits"/> does not take.</summary>
    public const ulong NotAdmittedCode = 403;

    /// <summary>Called with connections before they are accepted, under the host's lock: it must not wait.</summary>
    public Action<HandshakeEvent>? Observer { get; init; }
}

/// <summary>What happened to a client's connection before it was accepted.</summary>
/// <param name="Failure">Null when the first packet came; else why the handshake failed.</param>
public readonly record struct HandshakeEvent(HostConnection Connection, CloseReason? Failure);
