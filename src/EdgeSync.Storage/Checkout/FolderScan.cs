using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>A file that a check-in should contain and cannot.</summary>
/// <param name="Name">A file, or a folder with all that is in it.</param>
/// <param name="Reason">Such as "is a named pipe".</param>
public sealed record SkippedFile(string Name, string Reason);

/// <summary>The result of a scan of a folder.</summary>
public sealed class FolderListing
{
    private readonly HashSet<string> _skipped = new(StringComparer.Ordinal);
    private readonly List<SkippedFile> _reasons = [];

    public SortedDictionary<string, ScannedFile> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>By name.</summary>
    public IReadOnlyList<SkippedFile> Skipped => _reasons;

    /// <summary>Whether the state of a file is unknown: it, or a folder above it, could not be read.</summary>
    public bool IsUnknown(string name)
    {
        if (_skipped.Count == 0) return false;

        for (var end = name.Length; end > 0; end = name.LastIndexOf('/', end - 1))
            if (_skipped.Contains(name[..end])) return true;
        return false;
    }

    /// <summary>Removes a file that turned out to be unreadable.</summary>
    public void Skip(string name, string reason)
    {
        Files.Remove(name);
        if (_skipped.Add(name)) _reasons.Add(new SkippedFile(name, reason));
    }
}

/// <summary>
/// Lists the files below a folder as a check-in would name them. Links are files, never followed; anything but a
/// regular file or a link is skipped and reported, since reading it may never end. Nothing is opened here but folders.
/// </summary>
public sealed class FolderScan(DiskFolder disk, FolderRules rules, int artifactBytesMax)
{
    private const int CheckoutBytesMin = 1024;

    /// <param name="folder">Where to start; the top is the empty name.</param>
    /// <param name="tracked">Names of the previous check-in: stock keeps files that it would not add.</param>
    /// <param name="remembered">The content of a file whose size and time have not changed, or null.</param>
    public FolderListing List(string folder, Func<string, bool> tracked, Func<DiskEntry, ArtifactId?> remembered)
    {
        var found = new FolderListing();
        var waiting = new Stack<string>([folder]);
        while (waiting.TryPop(out var at))
        {
            var entries = ListOne(at, found);
            if (at != folder && entries.Any(IsCheckout)) continue;

            foreach (var entry in entries)
            {
                if (rules.IsReserved(entry)) continue;

                if (entry.Kind == DiskKind.Folder)
                {
                    if (rules.Enters(entry.Name, folder)) waiting.Push(entry.Name);
                }
                else if (!rules.IsIgnored(entry.Name, folder))
                {
                    Add(entry, found, tracked, remembered);
                }
            }
        }

        return found;
    }

    /// <summary>One named file.</summary>
    public void Add(
        DiskEntry entry, FolderListing found, Func<string, bool> tracked, Func<DiskEntry, ArtifactId?> remembered)
    {
        if (Refusal(entry, tracked) is { } refusal) found.Skip(entry.Name, refusal);
        else
            found.Files[entry.Name] = new ScannedFile(disk, entry)
            {
                Remembered = entry.Kind == DiskKind.Regular ? remembered(entry) : null
            };
    }

    private string? Refusal(DiskEntry entry, Func<string, bool> tracked) =>
        entry.Kind is not (DiskKind.Regular or DiskKind.Link) ? $"is {entry.What}"
        : entry.Size > artifactBytesMax ? $"is larger than {artifactBytesMax} bytes"
        : !tracked(entry.Name)
            && !PathName.IsSimpleStrict(PathText.ToBytes(entry.Name)) ? "has a name that not every system can hold"
        : null;

    /// <summary>The database of a checkout; another one inside keeps its own files.</summary>
    // Spec: vfile_top_of_checkout in vfile.c.
    internal static bool IsCheckout(DiskEntry entry) =>
        entry.Kind == DiskKind.Regular && entry.Size >= CheckoutBytesMin
        && entry.Name.AsSpan(entry.Name.LastIndexOf('/') + 1) is ".fslckout" or "_FOSSIL_" or ".fos";

    // The top must be readable: without it the scan has no result.
    private IReadOnlyList<DiskEntry> ListOne(string folder, FolderListing found)
    {
        try
        {
            return disk.List(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && folder.Length > 0)
        {
            found.Skip(folder, $"cannot be read: {e.Message}");
            return [];
        }
    }
}
