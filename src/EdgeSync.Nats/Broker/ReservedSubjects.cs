namespace EdgeSync.Nats.Broker;

/// <summary>Subjects between servers, which clients may not use.</summary>
// Spec: client protocol, reserved subjects.
internal static class ReservedSubjects
{
    public static bool IsTarget(ReadOnlySpan<byte> subject) =>
        subject is [(byte)'_', (byte)'G', ..] && subject.StartsWith("_GR_."u8);

    public static bool IsReply(ReadOnlySpan<byte> reply) =>
        reply is [(byte)'_' or (byte)'$', (byte)'R' or (byte)'J' or (byte)'G', ..]
        && (reply.StartsWith("_R_."u8) || reply.StartsWith("$JS.ACK."u8) || reply.StartsWith("_GR_."u8));
}
