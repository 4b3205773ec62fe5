namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// Everybody whom a subject concerns. Immutable but for <see cref="IsStale"/>, so it may be remembered.
/// </summary>
internal sealed class MatchResult
{
    /// <summary>
    /// A connection keeps no larger answer beside the trie's: thousands of them would keep thousands of lists.
    /// </summary>
    public const int KeptSizeMax = 64;

    public static readonly MatchResult None = new() { Plain = [], Links = [], Queues = [] };

    /// <summary>Plain subscriptions of clients, each a delivery of its own.</summary>
    public required Subscription[] Plain { get; init; }

    /// <summary>Leaf links with at least one plain interest, each once.</summary>
    public required LeafLink[] Links { get; init; }

    public required QueueMatch[] Queues { get; init; }

    /// <summary>Set when a subscription came or went that may change the answer: ask the trie again.</summary>
    public bool IsStale { get; set; }

    public bool IsEmpty => Plain.Length == 0 && Links.Length == 0 && Queues.Length == 0;

    public int Count => Plain.Length + Links.Length + Queues.Length;

    /// <summary>References held, those of queue groups too.</summary>
    public int Size => Plain.Length + Links.Length + Queues.Sum(q => 8 + q.Locals.Length + q.Remotes.Length);
}

/// <summary>One queue group that a subject concerns, over all patterns that match it.</summary>
internal sealed class QueueMatch
{
    public required byte[] Name { get; init; }

    /// <summary>Members that are clients here: preferred.</summary>
    public required Subscription[] Locals { get; init; }

    /// <summary>Members behind leaf links.</summary>
    public required Subscription[] Remotes { get; init; }
}
