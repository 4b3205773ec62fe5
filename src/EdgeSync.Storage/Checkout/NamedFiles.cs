using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// The files named for a check-in. A folder stands for the files in it that belong into a check-in; for a file named
/// itself, a problem is an error.
/// </summary>
public sealed class NamedFiles(DiskFolder disk, FolderRules rules, int artifactBytesMax, Func<string, bool> isTracked)
{
    private readonly FolderScan _scan = new(disk, rules, artifactBytesMax);

    /// <param name="names">From the top of the folder; the top itself is the empty name.</param>
    /// <exception cref="EdgeSyncException">One of them does not exist, or cannot be part of a check-in.</exception>
    public FolderListing Find(IEnumerable<string> names)
    {
        var found = new FolderListing();
        foreach (var name in names)
        {
            if (name.Length == 0)
            {
                AddFolder(name, found);
                continue;
            }

            if (rules.IsReserved(PathText.Of(Encoding.UTF8.GetBytes(name)))) throw Reserved(name);

            var entry = Require(name);
            if (rules.IsReserved(entry)) throw Reserved(name);

            if (entry.Kind == DiskKind.Folder) AddFolder(entry.Name, found);
            else AddFile(entry, found);
        }

        return found;
    }

    private void AddFile(DiskEntry entry, FolderListing found)
    {
        var one = new FolderListing();
        _scan.Add(entry, one, isTracked, _ => null);
        if (one.Skipped is [var refused, ..])
            throw new EdgeSyncException(ErrorKind.Usage, $"{disk.Describe(refused.Name)} {refused.Reason}");

        found.Files[entry.Name] = one.Files[entry.Name];
    }

    private void AddFolder(string folder, FolderListing found)
    {
        try
        {
            disk.List(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(ErrorKind.System, $"{disk.Describe(folder)} cannot be read", inner: e);
        }

        var listing = _scan.List(folder, isTracked, _ => null);
        foreach (var (name, file) in listing.Files) found.Files[name] = file;
        foreach (var skipped in listing.Skipped) found.Skip(skipped.Name, skipped.Reason);
    }

    private EdgeSyncException Reserved(string name) => new(
        ErrorKind.Usage, $"{disk.Describe(name)} is not for check-ins: it belongs to a repository, a checkout or "
            + $"another version control");

    // The given text is the name; text that we printed may be its PathText.
    private DiskEntry Require(string name)
    {
        if ((disk.Find(PathText.Of(Encoding.UTF8.GetBytes(name))) ?? disk.Find(name)) is { } entry) return entry;

        for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = name.IndexOf('/', slash + 1))
        {
            if (disk.Find(name[..slash]) is { Kind: DiskKind.Link })
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"{disk.Describe(name)} lies behind the link {name[..slash]}",
                    "name it by the folder that it is in");
        }

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"{disk.Describe(name)} does not exist", "--rm NAME removes a file");
    }
}
