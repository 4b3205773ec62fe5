using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats;

/// <summary>How much memory a broker takes on this machine, and how it gives it back.</summary>
public static class BrokerMemory
{
    private const long LargestBudget = 192L << 20;
    private const long SmallestBudget = 4L << 20;

    /// <summary>An eighth of what the process may have is free to wait for receivers.</summary>
    private const int Part = 8;

    /// <summary>Subscriptions take a sixteenth, and so do operations that have arrived in part.</summary>
    private const int SmallPart = 16;

    /// <summary>A connection with its buffers and loops, from above.</summary>
    private const int ConnectionBytes = 24 * 1024;

    /// <summary>
    /// What may wait for all receivers together, on a machine or in a control group with so much memory.
    /// </summary>
    public static long PendingBytesFor(long availableBytes) =>
        Math.Clamp(availableBytes / Part, SmallestBudget, LargestBudget);

    /// <summary>The same, where we run.</summary>
    public static long PendingBytesHere => PendingBytesFor(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The limits of a broker, as shares of the memory that this process may have (ADR 17).</summary>
    public static BrokerOptions Limit(BrokerOptions options) =>
        Limit(options, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The same, for a process that has so much memory.</summary>
    public static BrokerOptions Limit(BrokerOptions options, long availableBytes) => options with
    {
        TotalPendingBytesMax = PendingBytesFor(availableBytes),
        SubscriptionBytesMax = Math.Clamp(availableBytes / SmallPart, SmallestBudget, LargestBudget),
        PartialBytesMax = Math.Clamp(availableBytes / SmallPart, SmallestBudget, LargestBudget),
        ConnectionsMax = (int)Math.Clamp(availableBytes / Part / ConnectionBytes, 256, options.ConnectionsMax),
    };

    /// <summary>
    /// After a burst: the heap shrinks to what is in use. The collector alone keeps what it had, in case that it comes
    /// again.
    /// </summary>
    internal static void HandBack() =>
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
