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

    /// <summary>Our side was reset with this code.</summary>
    public ulong? ResetCode { get; set; }

    public bool ResetAcked { get; set; }

    /// <summary>The peer's side was reset, and the application knows.</summary>
    public bool WasReset { get; set; }

    public ulong? StopCode { get; set; }

    public bool NeedsReset { get; set; }

    public bool NeedsStop { get; set; }

    public bool NeedsLimit { get; set; }

    /// <summary>In the queue of streams with bytes to send.</summary>
    public bool IsQueued { get; set; }

    /// <summary>In the queue of streams with other frames to send.</summary>
    public bool IsControlQueued { get; set; }

    /// <summary>The application was told that there is something to read, and has not read all of it.</summary>
    public bool ReadableTold { get; set; }

    /// <summary>The application found the buffer full, and waits.</summary>
    public bool WaitsForRoom { get; set; }

    public bool IsSendDone => Send is null || ResetAcked || (ResetCode is null && Send.IsDone);

    public bool IsReceiveDone => Receive is null || WasReset || Receive.IsAtEnd;

    public void Dispose()
    {
        Send?.Dispose();
        Receive?.Dispose();
    }
}
