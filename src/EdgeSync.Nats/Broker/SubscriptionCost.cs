namespace EdgeSync.Nats.Broker;

/// <summary>
/// The memory of one subscription: an upper estimate, which SubscriptionMemoryTests compares with the heap.
/// </summary>
internal static class SubscriptionCost
{
    /// <summary>
    /// The subscription, its places in the tables of its connection and of the leaf links, and its place in the trie.
    /// </summary>
    private const int Base = 640;

    /// <summary>A level of the trie with one token: its table, its node, the token.</summary>
    private const int PerToken = 360;

    /// <summary>
    /// Subject and queue are in the subscription, in the trie and in the table of the leaf links; a link that is behind
    /// holds the key once more.
    /// </summary>
    private const int Copies = 4;

    public static long Of(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid) =>
        Base + ((1L + subject.Count((byte)'.')) * PerToken) + (Copies * (subject.Length + queue.Length))
        + (2 * sid.Length);
}
