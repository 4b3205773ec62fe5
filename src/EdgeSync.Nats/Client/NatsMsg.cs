using System.Text;
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

    /// <summary>Copied out of the buffer that it was read from.</summary>
    internal static NatsMsg From(in NatsOp op, string subject, ref ClientCounters counters)
    {
        NatsHeaders? headers = null;
        if (op.HeaderBytes > 0 && !NatsHeaders.TryParse(op.Headers, out headers))
        {
            // Spec: servers pass on blocks that they do not understand.
            counters.BadHeaders++;
            headers = null;
        }

        var reply = op.Reply.IsEmpty ? null : Encoding.UTF8.GetString(op.Reply);
        return new NatsMsg(subject, reply, headers, op.Body.IsEmpty ? default : op.Body.ToArray());
    }
}
