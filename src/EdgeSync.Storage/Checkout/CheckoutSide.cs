using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// The tracked files on the disk as one side of a comparison. A file that is missing, or that was removed with
/// <c>rm</c>, is not in it.
/// </summary>
public sealed class CheckoutSide : IComparedTree
{
    private readonly WorkingCheckout _checkout;
    private readonly List<TrackedFile> _tracked;

    /// <summary>Compares the tracked files with the disk; those that changed are read for their hash.</summary>
    /// <exception cref="EdgeSyncException">A file cannot be read.</exception>
    public CheckoutSide(WorkingCheckout checkout)
        : this(checkout, changedOnly: false)
    {
    }

    private CheckoutSide(WorkingCheckout checkout, bool changedOnly)
    {
        _checkout = checkout;
        var (files, missing) = (new List<ComparedFile>(), new HashSet<string>(StringComparer.Ordinal));
        using var reading = checkout.Repository.Database.BeginRead();
        var states = new List<DiskState>();
        _tracked = checkout.Refresh(usesHash: false, states);
        for (var i = 0; i < _tracked.Count; i++)
        {
            var (file, disk) = (_tracked[i], states[i]);
            if (!file.IsDeleted && !disk.IsFile) missing.Add(file.Name);
            if (file.IsDeleted || !disk.IsFile || (changedOnly && IsOfCheckin(file))) continue;

            var old = file.IsRenamed ? PathText.ToBytes(file.OriginalName!) : [];
            files.Add(new ComparedFile(PathText.ToBytes(file.Name), IdOf(file), disk.Permission, old));
        }

        Sort(files);
        (Files, Missing) = (files, missing);
    }

    /// <summary>
    /// The check-in that is checked out and the disk, without the files that are the same on both sides: the rows of
    /// the checkout are enough, and the manifest is not read.
    /// </summary>
    /// <exception cref="EdgeSyncException">A file cannot be read.</exception>
    public static (IComparedTree Checkin, CheckoutSide Disk) Changes(WorkingCheckout checkout)
    {
        using var reading = checkout.Repository.Database.BeginRead();
        var disk = new CheckoutSide(checkout, changedOnly: true);
        return (new RowsSide(disk), disk);
    }

    public IReadOnlyList<ComparedFile> Files { get; }

    public IEnumerable<string> Names => _tracked.Where(f => !f.IsDeleted).Select(f => f.Name);

    /// <summary>Names of tracked files that are missing on the disk, or are not files there.</summary>
    public IReadOnlySet<string> Missing { get; }

    public byte[] Read(ComparedFile file) => Read(file.Name);

    private static void Sort(List<ComparedFile> files) =>
        files.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));

    private static bool HasContentOfCheckin(TrackedFile file) => !file.IsAdded
        && file.Change is ChangeState.Unchanged or ChangeState.BecameExecutable or ChangeState.LostExecutable;

    private static bool IsOfCheckin(TrackedFile file) => !file.IsRenamed && HasContentOfCheckin(file);

    private ArtifactId IdOf(TrackedFile file)
    {
        if (HasContentOfCheckin(file)) return _checkout.Repository.Content.NameOf(file.Content);

        // Under the name's own kind of hash, so that a content that came back to the check-in's is equal to it.
        var kind = file.IsAdded ? HashKind.Sha3 : _checkout.Repository.Content.NameOf(file.Content).Kind;
        using var content = Content(file.Name);
        return ArtifactHash.Compute(kind, content.Span);
    }

    private byte[] Read(string name)
    {
        using var content = Content(name);
        return content.Span.ToArray();
    }

    private ArtifactContent Content(string name)
    {
        var disk = _checkout.Disk;
        if (disk.Find(name) is { Kind: DiskKind.Link } && _checkout.AllowsLinks)
            return ArtifactContent.Copy(disk.ReadLink(name));

        using var stream = disk.OpenRead(name);
        if (stream.Length > _checkout.Repository.Content.ArtifactBytesMax)
            throw new EdgeSyncException(
                ErrorKind.System, $"{disk.Describe(name)} has {stream.Length} bytes, more than an artifact can have");

        var content = ArtifactContent.Rent((int)stream.Length);
        stream.ReadExactly(content.Room);
        return content;
    }

    /// <summary>The files of the check-in that are not the same on the disk.</summary>
    private sealed class RowsSide : IComparedTree
    {
        // Read under the same lock as the rows: who reads the differences may take long, and holds no lock.
        private const int AheadBytesMax = 4 * 1024 * 1024;

        private readonly CheckoutSide _disk;
        private readonly Dictionary<ArtifactId, byte[]> _ahead = [];

        public RowsSide(CheckoutSide disk)
        {
            _disk = disk;
            var content = disk._checkout.Repository.Content;
            var files = new List<ComparedFile>();
            foreach (var file in disk._tracked)
            {
                var isSame = !file.IsDeleted && !disk.Missing.Contains(file.Name) && IsOfCheckin(file);
                if (file.IsAdded || isSame) continue;

                files.Add(new ComparedFile(
                    PathText.ToBytes(file.OriginalName ?? file.Name), content.NameOf(file.Content), file.Permission,
                    []));
            }

            Sort(files);
            Files = files;
            var bytes = 0;
            foreach (var file in files)
            {
                if (bytes > AheadBytesMax) break;
                if (content.Read(content.Find(file.Id), out var text) != ContentState.Available) continue;

                using (text) _ahead[file.Id] = text!.Span.ToArray();
                bytes += _ahead[file.Id].Length;
            }
        }

        public IReadOnlyList<ComparedFile> Files { get; }

        public IEnumerable<string> Names =>
            _disk._tracked.Where(f => !f.IsAdded).Select(f => f.OriginalName ?? f.Name);

        public byte[] Read(ComparedFile file)
        {
            if (_ahead.TryGetValue(file.Id, out var text)) return text;

            using var content = _disk._checkout.Repository.Content.Get(file.Id);
            return content.Span.ToArray();
        }
    }
}
