using EdgeSync.Primitives;
using EdgeSync.Quic.Streams;

namespace EdgeSync.Quic.Connections;

/// <summary>One stream: a sending side, a receiving side, or both. Spec: RFC 9000 §2, §3, §4.</summary>
internal sealed class QuicStream(ulong id, SendBuffer? send, ReceiveBuffer? receive) : IDisposable
{
    public ulong Id { get; } = id;

    public SendBuffer? Send { get; } = send;

    public ReceiveBuffer? Receive { get; } = receive;

    /// <summary>Bytes that the peer lets us send.</summary>
    public ulong SendLimit { get; set; }

    /// <summary>Bytes that we let the peer send.</summary>
    public ulong ReceiveLimit { get; set; }

    /// <summary>Bytes that may arrive before they are read.</summary>
    public int Window { get; set; }

    /// <summary>When <see cref="ReceiveLimit"/> was moved last, as the peer was told.</summary>
    public Instant? LimitMovedAt { get; set; }

    /// <summary><see cref="ReceiveLimit"/> has moved since.</summary>
    public bool IsLimitNew { get; set; }

    /// <summary>Bytes by which the send buffer has grown.</summary>
    public int SendGrowth { get; set; }

    /// <summary>Our side was reset with this code.</summary>
    public ulong? ResetCode { get; set; }

    public bool ResetAcked { get; set; }

    /// <summary>The peer's side was reset, and the event was delivered.</summary>
    public bool WasReset { get; set; }

    public ulong? StopCode { get; set; }

    /// <summary>The application has read the peer's side to its end.</summary>
    public bool IsEndRead { get; set; }

    public bool NeedsReset { get; set; }

    public bool NeedsStop { get; set; }

    public bool NeedsLimit { get; set; }

    /// <summary>In the queue of streams with bytes to send.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Bytes that were sent in the turn that goes on.</summary>
    public long TurnBytes { get; set; }

    /// <summary>In the queue of streams with other frames to send.</summary>
    public bool IsControlQueued { get; set; }

    /// <summary>A readable event was delivered, and the application has not read everything.</summary>
    public bool ReadableTold { get; set; }

    /// <summary>The application found the buffer full, and waits.</summary>
    public bool WaitsForRoom { get; set; }

    public bool IsSendDone => Send is null || ResetAcked || (ResetCode is null && Send.IsDone);

    public bool IsReceiveDone => Receive is null || WasReset || Receive.IsAtEnd;

    /// <summary>The end of the peer's side was delivered: the stream need not be kept for it.</summary>
    public bool IsEndKnown => Receive is null || WasReset || IsEndRead || StopCode is not null;

    public void Dispose()
    {
        Send?.Dispose();
        Receive?.Dispose();
    }
}
