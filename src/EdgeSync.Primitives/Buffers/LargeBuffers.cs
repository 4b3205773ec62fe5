namespace EdgeSync.Primitives;

/// <summary>
/// A few arrays of megabytes that are used again instead of being collected: one reply of a clone is followed by the
/// next, and a new array for each costs its collection, its page faults and its copies while it grows. Thread-safe.
/// Empty on a small machine, and after <see cref="Clear"/>.
/// </summary>
public static class LargeBuffers
{
    private const int KeptMax = 3;
    private const int KeptBytesMax = 8 << 20;
    private const long SmallMachineBytes = 512L << 20;

    private static readonly Lock Gate = new();
    private static readonly List<byte[]> Kept = [];

    /// <summary>
    /// Whether this machine's memory is so small that middling arrays are left to the collector, too.
    /// </summary>
    public static bool IsSmallMachine { get; } =
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < SmallMachineBytes;

    /// <summary>An array of at least so many bytes, with any content.</summary>
    internal static byte[] Rent(int bytes)
    {
        lock (Gate)
        {
            // The largest: what grows does not have to be copied again.
            var best = -1;
            for (var i = 0; i < Kept.Count; i++)
                if (Kept[i].Length >= bytes && (best < 0 || Kept[i].Length > Kept[best].Length)) best = i;
            if (best >= 0)
            {
                var found = Kept[best];
                Kept.RemoveAt(best);
                return found;
            }
        }

        return GC.AllocateUninitializedArray<byte>(bytes);
    }

    internal static void Return(byte[] array)
    {
        if (IsSmallMachine || array.Length > KeptBytesMax) return;

        lock (Gate)
        {
            if (Kept.Count < KeptMax)
            {
                Kept.Add(array);
                return;
            }

            var smallest = 0;
            for (var i = 1; i < Kept.Count; i++)
                if (Kept[i].Length < Kept[smallest].Length) smallest = i;
            if (Kept[smallest].Length < array.Length) Kept[smallest] = array;
        }
    }

    /// <summary>Bytes of the arrays that wait for their next use.</summary>
    public static long KeptBytes
    {
        get
        {
            lock (Gate) return Kept.Sum(array => (long)array.Length);
        }
    }

    /// <summary>Leaves all of them to the collector: the process is idle.</summary>
    public static void Clear()
    {
        lock (Gate) Kept.Clear();
    }
}
