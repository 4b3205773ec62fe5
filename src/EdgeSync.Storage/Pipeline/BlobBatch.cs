using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Blobs on their way from the walker through the checks to the consumer, with the arena their texts are in.
/// </summary>
internal sealed class BlobBatch
{
    /// <summary>Many tiny texts make a batch too.</summary>
    public const int CountMax = 512;

    private readonly List<WalkedBlob> _blobs = [];

    public WalkRun? Run { get; private set; }

    public int Count { get; private set; }

    /// <summary>All checks are done: the consumer may take it.</summary>
    public bool IsChecked { get; set; }

    public WalkedBlob this[int index] => _blobs[index];

    public void Begin(WalkRun run)
    {
        Invariant.Require(Count == 0);
        Run = run;
        IsChecked = false;
    }

    public WalkedBlob Add()
    {
        if (Count == _blobs.Count) _blobs.Add(new WalkedBlob());
        var blob = _blobs[Count++];
        blob.Reset();
        return blob;
    }

    /// <summary>Releases the blob's text.</summary>
    public static void DropText(WalkedBlob blob)
    {
        blob.Slice.Arena?.Release();
        blob.Slice = default;
        blob.Text = default;
        blob.Artifact = null;
    }

    /// <summary>Releases everything, ready for the next use.</summary>
    public void Clear()
    {
        for (var i = 0; i < Count; i++) DropText(_blobs[i]);
        Count = 0;
        Run = null;
    }
}
