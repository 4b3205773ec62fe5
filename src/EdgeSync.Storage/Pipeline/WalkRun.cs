namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// A piece of the forest that one worker walks at a time: one large tree, or several small ones. Runs are delivered to
/// the consumer one after the other, so that the order is the same for any number of threads. Guarded by the walk's
/// lock.
/// </summary>
internal sealed class WalkRun(int index, int firstRoot, int rootCount)
{
    private long _heldBytes;

    public int Index => index;

    public int FirstRoot => firstRoot;

    public int RootCount => rootCount;

    /// <summary>Batches in order: some wait for their checks, some for the consumer.</summary>
    public Queue<BlobBatch> Batches { get; } = new();

    public TreeWalker? Walker { get; set; }

    /// <summary>A worker is expanding it.</summary>
    public bool IsClaimed { get; set; }

    /// <summary>Everything was expanded.</summary>
    public bool IsWalked { get; set; }

    public bool IsDelivered => IsWalked && Batches.Count == 0;

    public bool MayBeWalked => !IsClaimed && !IsWalked;

    /// <summary>Arena bytes of this run that are held.</summary>
    public long HeldBytes => Interlocked.Read(ref _heldBytes);

    public void AddHeld(long bytes) => Interlocked.Add(ref _heldBytes, bytes);

    /// <summary>Cuts the forest's roots into runs of about so many bytes.</summary>
    public static WalkRun[] Plan(BlobForest forest, long bytesMin)
    {
        const int BytesPerRoot = 512;
        var runs = new List<WalkRun>();
        for (var first = 0; first < forest.Roots.Length;)
        {
            var end = first;
            for (long bytes = 0; end < forest.Roots.Length && bytes < bytesMin; end++)
                bytes += forest.TreeBytes[end] + BytesPerRoot;
            runs.Add(new WalkRun(runs.Count, first, end - first));
            first = end;
        }

        return [.. runs];
    }
}
