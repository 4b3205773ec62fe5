using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The memory of this process: of the machine, of its control group, or by <c>--memory-limit</c>, which is the
/// collector's hard limit. Caches and queues are shares of it.
/// </summary>
internal static class MemoryLimit
{
    public const string Variable = "EDGESYNC_MEMORY_LIMIT";

    /// <summary>The program alone needs a third of this.</summary>
    private const long Smallest = 48L << 20;

    /// <summary>Building, packing and sending a request takes several times its size.</summary>
    private const int RequestPart = 48;

    private const int MessagePart = 2;
    private const int ExchangePart = 4;
    private const int WindowPart = 8;

    /// <summary>The largest size at which a request of ours is closed.</summary>
    public static int RequestBytesMax => RequestBytesFor(Available);

    /// <summary>The largest reply of a peer, unpacked.</summary>
    public static int MessageBytesMax => (int)Math.Clamp(Available / MessagePart, 16L << 20, 1L << 30);

    /// <summary>The bytes kept for unfinished transfers over NATS.</summary>
    public static int TransferBytesMax => (int)Math.Clamp(Available / ExchangePart, 8L << 20, 128L << 20);

    /// <summary>The bytes by which windows of iroh connections may grow where round trips are long.</summary>
    public static int WindowGrowth => (int)Math.Clamp(Available / WindowPart, 1L << 20, 64L << 20);

    /// <summary>The memory for messages of unauthenticated clients, over HTTP and NATS.</summary>
    public static ByteBudget Messages => Asked.Messages;

    // Read once, after the limit was applied.
    private static long Available => Asked.Bytes;

    public static int RequestBytesFor(long availableBytes) =>
        (int)Math.Clamp(availableBytes / RequestPart, 1L << 20, 16L << 20);

    /// <exception cref="EdgeSyncException">Not a size, or too small to work.</exception>
    public static void Apply(string? size)
    {
        var name = size is null ? Variable : "--memory-limit";
        size ??= Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(size)) return;
        if (!Sizes.TryParse(size, out var bytes))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{name}: invalid size '{size}' (examples: 96M, 1G)", "bytes, or 96M, 1G");
        if (bytes < Smallest)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{name} must be at least {Smallest >> 20}M, not {size}",
                "--memory-limit 48M or more");

        AppContext.SetData("GCHeapHardLimit", (ulong)bytes);
        try
        {
            GC.RefreshMemoryLimit();
        }
        catch (InvalidOperationException e)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"{name}: this much cannot be reserved: {e.Message}",
                "--memory-limit with a smaller size", e);
        }
    }

    private static class Asked
    {
        public static readonly ByteBudget Messages = ByteBudget.OfProcess();
        public static readonly long Bytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }
}
