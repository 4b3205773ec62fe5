using EdgeSync.Agent.Watch;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Watch;

/// <summary>The state of a file when folder and repository last agreed about it.</summary>
/// <param name="Size">With <paramref name="ModifiedTicks"/>: while both are unchanged, the content is not read
/// again.</param>
internal readonly record struct RememberedFile(FolderEntry Entry, long Size, long ModifiedTicks);

/// <summary>The stored state of a folder.</summary>
/// <param name="Base">The check-in of its last commit or first comparison; empty: none yet.</param>
internal sealed record FolderPast(Dictionary<string, RememberedFile> Files, ArtifactId Base);

/// <summary>
/// The stored state of a watched folder: a row per file in <c>fx_watch</c> (a name that stock's rebuild leaves alone).
/// It stays with this repository and is not synced.
/// </summary>
internal static class FolderMemory
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS fx_watch(
          folder TEXT, path TEXT, hash TEXT, perm INTEGER, size INTEGER, modified INTEGER, PRIMARY KEY(folder, path)
        ) WITHOUT ROWID
        """;

    /// <summary>Null when the folder was never scanned.</summary>
    public static FolderPast? Read(Repository repository, string folder)
    {
        if (!repository.Database.HasTable("fx_watch")) return null;

        var files = new Dictionary<string, RememberedFile>(StringComparer.Ordinal);
        var isKnown = false;
        var checkin = default(ArtifactId);
        using var select = repository.Database.Prepare(
            "SELECT path, hash, perm, size, modified FROM fx_watch WHERE folder=?1");
        select.BindText(1, folder);
        while (select.Step())
        {
            isKnown = true;
            if (!ArtifactId.TryParse(select.Text(1) ?? "", out var id)) continue;
            if (select.Text(0) is { Length: > 0 } path)
                files[path] = new RememberedFile(
                    new FolderEntry(id, (FilePermission)select.Int64(2)), select.Int64(3), select.Int64(4));
            else checkin = id;
        }

        return isKnown ? new FolderPast(files, checkin) : null;
    }

    /// <summary>
    /// Sets and removes (null) files, in one transaction. The row without a name is that of the folder: its check-in.
    /// </summary>
    public static void Write(
        Repository repository, string folder, ArtifactId checkin, IEnumerable<KeyValuePair<string,
        RememberedFile?>> files)
    {
        using var transaction = repository.Begin();
        repository.Database.Execute(Schema);
        using var replace = repository.Database.Prepare("REPLACE INTO fx_watch VALUES(?1,?2,?3,?4,?5,?6)");
        using var delete = repository.Database.Prepare("DELETE FROM fx_watch WHERE folder=?1 AND path=?2");
        replace.BindText(1, folder).BindText(2, "").BindText(3, checkin.IsEmpty ? "" : checkin.ToString()).Bind(4, 0)
            .Bind(5, 0).Bind(6, 0).Run();
        foreach (var (path, file) in files)
        {
            if (file is { } known)
            {
                replace.BindText(1, folder).BindText(2, path).BindText(3, known.Entry.Id.ToString())
                    .Bind(4, (long)known.Entry.Permission).Bind(5, known.Size).Bind(6, known.ModifiedTicks).Run();
            }
            else
            {
                delete.BindText(1, folder).BindText(2, path).Run();
            }
        }

        transaction.Commit();
    }
}
