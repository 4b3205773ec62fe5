using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// The tracked files on the disk as one side of a comparison. A file that is missing, or that was removed with
/// <c>rm</c>, is not in it.
/// </summary>
public sealed class CheckoutSide : IComparedTree
{
    private readonly WorkingCheckout _checkout;

    /// <summary>Compares the tracked files with the disk; those that changed are read for their hash.</summary>
    /// <exception cref="EdgeSyncException">A file cannot be read.</exception>
    public CheckoutSide(WorkingCheckout checkout)
    {
        _checkout = checkout;
        var (files, missing) = (new List<ComparedFile>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var file in checkout.Refresh())
        {
            var disk = checkout.StateOf(file.Name);
            if (!file.IsDeleted && !disk.IsFile) missing.Add(file.Name);
            if (file.IsDeleted || !disk.IsFile) continue;

            var old = file.IsRenamed ? PathText.ToBytes(file.OriginalName!) : [];
            files.Add(new ComparedFile(PathText.ToBytes(file.Name), IdOf(file), disk.Permission, old));
        }

        files.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
        (Files, Missing) = (files, missing);
    }

    public IReadOnlyList<ComparedFile> Files { get; }

    /// <summary>Names of tracked files that are not on the disk, or are no files there.</summary>
    public IReadOnlySet<string> Missing { get; }

    public byte[] Read(ComparedFile file) => Read(file.Name);

    private ArtifactId IdOf(TrackedFile file)
    {
        var hasContentOfCheckin = !file.IsAdded
            && file.Change is ChangeState.Unchanged or ChangeState.BecameExecutable or ChangeState.LostExecutable;
        if (hasContentOfCheckin) return _checkout.Repository.Content.NameOf(file.Content);

        // Under the name's own kind of hash, so that a content that came back to the check-in's is equal to it.
        var kind = file.IsAdded ? HashKind.Sha3 : _checkout.Repository.Content.NameOf(file.Content).Kind;
        return ArtifactHash.Compute(kind, Read(file.Name));
    }

    private byte[] Read(string name)
    {
        var disk = _checkout.Disk;
        if (disk.Find(name) is { Kind: DiskKind.Link } && _checkout.AllowsLinks) return disk.ReadLink(name);

        using var stream = disk.OpenRead(name);
        if (stream.Length > _checkout.Repository.Content.ArtifactBytesMax)
            throw new EdgeSyncException(
                ErrorKind.System, $"{disk.Describe(name)} has {stream.Length} bytes, more than an artifact can have");

        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
