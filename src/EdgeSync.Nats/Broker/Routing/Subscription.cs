namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// A subscription of a client (named by its sid) or of a leaf link (named by subject and queue).
/// </summary>
internal sealed class Subscription(BrokerConnection owner, byte[] subject, byte[]? queue, byte[] sid)
{
    public BrokerConnection Owner { get; } = owner;

    public byte[] Subject { get; } = subject;

    /// <summary>The queue group, or null.</summary>
    public byte[]? Queue { get; } = queue;

    public byte[] Sid { get; } = sid;

    /// <summary>Its size in the memory account.</summary>
    public long Cost { get; init; }

    /// <summary>It was announced to the leaf links.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>Members behind a leaf link; 0 is never chosen. A client counts as one.</summary>
    public int Weight { get; set; } = 1;

    /// <summary>Messages delivered since it was made.</summary>
    public long Delivered { get; set; }

    /// <summary>Ends after this many deliveries; 0 is never.</summary>
    public long DeliveredMax { get; set; }

    /// <summary>True when a denied subject lies below its wildcard, so that each delivery is checked.</summary>
    public bool IsFiltered { get; set; }

    /// <summary>Its place in the list of the trie's node, so that removal takes no search.</summary>
    public int Slot { get; set; } = -1;
}
