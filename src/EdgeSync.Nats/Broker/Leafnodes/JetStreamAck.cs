namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// A delivery of a JetStream consumer crosses a leaf link with the subject of the stream appended to its reply:
/// <c>$JS.ACK.stream.consumer.…@subject</c>. Clients receive the two apart; further links get it unchanged.
/// </summary>
// Spec: leafnode protocol, encoded ack replies.
internal static class JetStreamAck
{
    public static bool TrySplit(ReadOnlySpan<byte> reply, out ReadOnlySpan<byte> ack, out ReadOnlySpan<byte> subject)
    {
        ack = subject = default;
        if (!reply.StartsWith("$JS.ACK."u8)) return false;

        var at = reply.LastIndexOf((byte)'@');
        if (at < 0 || at == reply.Length - 1) return false;

        ack = reply[..at];
        subject = reply[(at + 1)..];
        return true;
    }
}
