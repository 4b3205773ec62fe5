using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Writes the working files of a checkout: each whole or not at all, none outside of it or through a link.
/// </summary>
internal sealed class CheckoutWriter(WorkingCheckout checkout)
{
    private readonly HashSet<string> _leftFolders = new(StringComparer.Ordinal);

    /// <summary>
    /// What stands against writing these files, before anything is: a folder where a file belongs, a file or link
    /// where a folder belongs.
    /// </summary>
    /// <exception cref="EdgeSyncException">Something does.</exception>
    public void RequireRoom(IEnumerable<string> names, IReadOnlySet<string> leaving)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var obstacles = new List<string>();
        foreach (var name in names)
        {
            if (!PathName.IsSimple(PathText.ToBytes(name)))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, $"the check-in names a file '{name}', which is not a relative path");
            if (checkout.Disk.Find(name) is { Kind: DiskKind.Folder } && !IsLeaving(name, leaving))
                obstacles.Add(name);
            for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0;
                slash = name.IndexOf('/', slash + 1))
            {
                var folder = name[..slash];
                if (seen.Add(folder) && !leaving.Contains(folder)
                    && checkout.Disk.Find(folder) is { Kind: not DiskKind.Folder }) obstacles.Add(folder);
            }
        }

        if (obstacles.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"folders, files or links are where others belong in {checkout.LocalRoot}; nothing was written",
                "move them away")
            { Candidates = [.. obstacles.Take(11)] };
    }

    /// <summary>Writes a content of the repository; answers its time in seconds.</summary>
    public long Write(string name, RecordId content, FilePermission permission)
    {
        using var text = checkout.Repository.Content.Get(content);
        return Write(name, text.Span, permission);
    }

    public long Write(string name, ReadOnlySpan<byte> content, FilePermission permission)
    {
        if (permission == FilePermission.Symlink && !checkout.AllowsLinks) permission = FilePermission.Regular;
        checkout.Disk.Write(name, content, permission, replace: true);
        return checkout.StateOf(name).ModifiedSeconds;
    }

    /// <summary>Removes a file; its empty folder goes with <see cref="RemoveLeftFolders"/>.</summary>
    public void Remove(string name)
    {
        checkout.Disk.Remove(name);
        for (var slash = name.LastIndexOf('/'); slash > 0 && _leftFolders.Add(name[..slash]);
            slash = name.LastIndexOf('/', slash - 1))
            ;
    }

    /// <summary>Folders that became empty, but for the current one and those that the settings keep.</summary>
    public void RemoveLeftFolders()
    {
        var here = Path.GetRelativePath(checkout.Place.Root, Environment.CurrentDirectory).Replace('\\', '/');
        var kept = EmptyFolders().ToHashSet(StringComparer.Ordinal);
        foreach (var folder in _leftFolders.OrderByDescending(f => f, StringComparer.Ordinal))
            if (folder != here && !kept.Contains(folder)) checkout.Disk.RemoveFolder(folder);
    }

    /// <summary>Removes the empty folders that files have left where a file is to be.</summary>
    public void FreeFolder(string name)
    {
        if (checkout.Disk.Find(name) is not { Kind: DiskKind.Folder }) return;

        foreach (var folder in _leftFolders.Where(f => f.StartsWith(name + "/", StringComparison.Ordinal))
            .OrderByDescending(f => f, StringComparer.Ordinal)) checkout.Disk.RemoveFolder(folder);
        checkout.Disk.RemoveFolder(name);
    }

    /// <summary>Creates the folders of the setting <c>empty-dirs</c>; answers what could not be.</summary>
    public List<string> CreateEmptyFolders()
    {
        var refused = new List<string>();
        foreach (var folder in EmptyFolders())
        {
            try
            {
                if (!PathName.IsSimple(PathText.ToBytes(folder))) refused.Add(folder);
                else checkout.Disk.CreateFolder(folder);
            }
            catch (EdgeSyncException)
            {
                refused.Add(folder);   // a file is there: the rest of the command does not depend on it
            }
        }

        return refused;
    }

    /// <summary>The files of the setting <c>manifest</c>, for other tools.</summary>
    // Spec: manifest_to_disk in checkout.c.
    public void WriteManifestFiles(RecordId version)
    {
        var names = checkout.Settings.ManifestNames;
        var tracked = checkout.Tables.Files(version).Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in (ReadOnlySpan<string>)["manifest", "manifest.uuid", "manifest.tags"])
        {
            if (names.Contains(name)) checkout.Disk.Write(name, ContentOf(name, version), default, replace: true);
            else if (!tracked.Contains(name) && checkout.Disk.Find(name) is { Kind: DiskKind.Regular })
                checkout.Disk.Remove(name);
        }
    }

    private byte[] ContentOf(string name, RecordId version)
    {
        var repository = checkout.Repository;
        switch (name)
        {
            case "manifest":
                using (var content = repository.Content.Get(version))
                {
                    // Spec: sterilize_manifest in manifest.c: a copy must not become an artifact when it is committed.
                    return content.Span.StartsWith("-----BEGIN PGP"u8)
                        ? content.Span.ToArray()
                        : [
                            .. content.Span,
                            .. "# Remove this line to create a well-formed Fossil manifest.\n"u8];
                }

            case "manifest.uuid":
                return Encoding.ASCII.GetBytes(repository.Content.NameOf(version) + "\n");
            default:
                return Encoding.UTF8.GetBytes(CheckinDescription.TagList(repository, version));
        }
    }

    private string[] EmptyFolders() =>
        checkout.Settings["empty-dirs"]?.Split(
            [',', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static bool IsLeaving(string folder, IReadOnlySet<string> leaving) =>
        leaving.Any(name => name.StartsWith(folder + "/", StringComparison.Ordinal));
}
