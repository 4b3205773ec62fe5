namespace EdgeSync.Primitives;

/// <summary>
/// Hashes many independent texts at once. A hash is a chain of steps that wait for each other, so one text leaves most of
/// a processor's vector unit idle; several texts side by side fill it.
/// </summary>
public static class HashBatch
{
    /// <summary>Names every message; <paramref name="results"/> is as long as <paramref name="messages"/>.</summary>
    public static void Compute(
        HashKind kind, ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<ArtifactId> results)
    {
        Invariant.Require(messages.Length == results.Length);
        for (var i = 0; i < messages.Length; i++) results[i] = ArtifactHash.Compute(kind, messages[i].Span);
    }

    /// <summary>The MD5 of every message; <paramref name="results"/> is as long as <paramref name="messages"/>.</summary>
    public static void ComputeMd5(ReadOnlySpan<ReadOnlyMemory<byte>> messages, Span<Md5Digest> results)
    {
        Invariant.Require(messages.Length == results.Length);
        for (var i = 0; i < messages.Length; i++) results[i] = Md5Hasher.Compute(messages[i].Span);
    }
}
