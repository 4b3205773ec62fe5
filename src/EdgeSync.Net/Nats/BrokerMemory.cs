using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats;

/// <summary>The memory limits of a broker on this machine, and its return to the system.</summary>
public static class BrokerMemory
{
    private const long LargestBudget = 192L << 20;
    private const long SmallestBudget = 4L << 20;

    /// <summary>An eighth of the process's memory is for output that waits for receivers.</summary>
    private const int Part = 8;

    /// <summary>Subscriptions take a sixteenth, and so do operations that have arrived in part.</summary>
    private const int SmallPart = 16;

    /// <summary>A connection with its buffers and loops, upper estimate.</summary>
    private const int ConnectionBytes = 24 * 1024;

    /// <summary>
    /// The output that may wait for all receivers together, on a machine or in a control group with so much memory.
    /// </summary>
    public static long PendingBytesFor(long availableBytes) =>
        Math.Clamp(availableBytes / Part, SmallestBudget, LargestBudget);

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
    /// After a burst: shrinks the heap to what is in use. The collector alone would keep it.
    /// </summary>
    internal static void HandBack() =>
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
