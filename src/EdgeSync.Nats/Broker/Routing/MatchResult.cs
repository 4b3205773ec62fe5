namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// The subscriptions that match a subject. Immutable but for <see cref="IsStale"/>, so it may be cached.
/// </summary>
internal sealed class MatchResult
{
    /// <summary>
    /// A connection caches no larger result beside the trie's: thousands of them would keep thousands of lists.
    /// </summary>
    public const int KeptSizeMax = 64;

    public static readonly MatchResult None = new() { Plain = [], Links = [], Queues = [] };

    /// <summary>Plain subscriptions of clients, each a delivery of its own.</summary>
    public required Subscription[] Plain { get; init; }

    /// <summary>Leaf links with at least one plain interest, each once.</summary>
    public required LeafLink[] Links { get; init; }

    public required QueueMatch[] Queues { get; init; }

    /// <summary>Set when a subscription was added or removed that may change the result: query the trie
    /// again.</summary>
    public bool IsStale { get; set; }

    public bool IsEmpty => Plain.Length == 0 && Links.Length == 0 && Queues.Length == 0;

    public int Count => Plain.Length + Links.Length + Queues.Length;

    /// <summary>References held, those of queue groups too.</summary>
    public int Size => Plain.Length + Links.Length + Queues.Sum(q => 8 + q.Locals.Length + q.Remotes.Length);
}

/// <summary>One queue group that matches a subject, over all its patterns.</summary>
internal sealed class QueueMatch
{
    public required byte[] Name { get; init; }

    /// <summary>Members that are clients here: preferred.</summary>
    public required Subscription[] Locals { get; init; }

    /// <summary>Members behind leaf links.</summary>
    public required Subscription[] Remotes { get; init; }
}
