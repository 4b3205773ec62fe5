using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>A message that arrived. The data is a copy of its own and may be kept.</summary>
/// <param name="Headers">Null without a header block, or when it breaks the grammar.</param>
public readonly record struct NatsMsg(string Subject, string? ReplyTo, NatsHeaders? Headers, ReadOnlyMemory<byte> Data)
{
    /// <summary>What counts against the bounds of a queue.</summary>
    public int Size => Subject.Length + (ReplyTo?.Length ?? 0) + Data.Length;

    /// <summary>A server's answer to a request that nobody listens for.</summary>
    public bool HasNoResponders => Data.IsEmpty && Headers is { Code: 503 };
}
