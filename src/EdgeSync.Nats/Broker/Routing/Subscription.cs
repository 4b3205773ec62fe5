namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// One wish to receive: of a client (named by its sid) or of a leaf link (named by subject and queue).
/// </summary>
internal sealed class Subscription(BrokerConnection owner, byte[] subject, byte[]? queue, byte[] sid)
{
    public BrokerConnection Owner { get; } = owner;

    public byte[] Subject { get; } = subject;

    /// <summary>The queue group, or null.</summary>
    public byte[]? Queue { get; } = queue;

    public byte[] Sid { get; } = sid;

    /// <summary>What it was counted as in the account of memory.</summary>
    public long Cost { get; init; }

    /// <summary>The leaf links know of it.</summary>
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
