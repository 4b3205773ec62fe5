namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>What one derivation by Argon2id costs, here and for each guess.</summary>
/// <param name="MemoryKibibytes">Memory of the derivation.</param>
/// <param name="Passes">Over that memory.</param>
public sealed record StretchCost(int MemoryKibibytes, int Passes)
{
    /// <summary>
    /// 64 MiB and three passes with one lane: the memory and passes of RFC 9106's second recommendation. A small
    /// computer has the memory; a daemon derives once, when it starts.
    /// </summary>
    public static StretchCost Default { get; } = new(64 * 1024, 3);
}
