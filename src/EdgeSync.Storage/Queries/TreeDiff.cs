using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Queries;

/// <summary>One file of one side of a comparison.</summary>
/// <param name="Path">Its name, as bytes.</param>
/// <param name="Id">Of its content.</param>
/// <param name="OldPath">Its name in the check-in before; empty when it has not changed.</param>
public sealed record ComparedFile(byte[] Path, ArtifactId Id, FilePermission Permission, byte[] OldPath)
{
    /// <summary>The name as text (<see cref="PathText"/>).</summary>
    public string Name => PathText.Of(Path);
}

/// <summary>One side of a comparison: the files of a check-in, or those of a folder.</summary>
public interface IComparedTree
{
    /// <summary>In the order of the bytes of their names.</summary>
    IReadOnlyList<ComparedFile> Files { get; }

    /// <summary>Names of all files, also of those left out above because they are on both sides.</summary>
    IEnumerable<string> Names => Files.Select(f => f.Name);

    /// <summary>The content of one of the files.</summary>
    /// <exception cref="EdgeSyncException">It cannot be read.</exception>
    byte[] Read(ComparedFile file);
}

/// <summary>A check-in as one side of a comparison.</summary>
public sealed class CheckinSide(Repository repository, RecordId checkin) : IComparedTree
{
    public RecordId Checkin => checkin;

    public IReadOnlyList<ComparedFile> Files { get; } = FilesOf(repository, checkin);

    public byte[] Read(ComparedFile file)
    {
        using var content = repository.Content.Get(file.Id);
        return content.Span.ToArray();
    }

    private static List<ComparedFile> FilesOf(Repository repository, RecordId checkin)
    {
        var files = new List<ComparedFile>();
        foreach (var file in CheckInTree.Load(repository, checkin).Files)
            files.Add(new ComparedFile(file.Name.ToArray(), file.Id, file.Permission, file.OldName.ToArray()));
        return files;
    }
}

/// <summary>A file that is not the same on both sides.</summary>
/// <param name="From">Null for a new file.</param>
/// <param name="To">Null for a deleted one. Another name than that of <paramref name="From"/>: renamed.</param>
public sealed record TreeChange(ComparedFile? From, ComparedFile? To)
{
    /// <summary>The name on the left if there is one, as stock has it.</summary>
    public ComparedFile Named => From ?? To!;

    /// <summary>The name on the right if there is one.</summary>
    public byte[] NameNow => (To ?? From!).Path;

    public bool IsRenamed => From is not null && To is not null && !From.Path.AsSpan().SequenceEqual(To.Path);
}

/// <summary>Compares the file lists of two trees.</summary>
public static class TreeDiff
{
    /// <summary>
    /// What differs in content, in the order of the names; unchanged contents under new names only when
    /// <paramref name="pairsRenames"/>.
    /// </summary>
    /// <param name="from">The older side.</param>
    /// <param name="to">The newer side.</param>
    /// <param name="pairsRenames">
    /// A deleted file and a new one whose old name it was are one change; otherwise two, as in stock.
    /// </param>
    public static IEnumerable<TreeChange> Between(IComparedTree from, IComparedTree to, bool pairsRenames)
    {
        var changes = Merge(from.Files, to.Files).ToList();
        if (!pairsRenames) return changes;

        var deleted = changes.Where(c => c.To is null).ToDictionary(c => c.From!.Name, StringComparer.Ordinal);
        foreach (var change in changes.Where(c => c.From is null && c.To!.OldPath.Length > 0).ToList())
        {
            if (!deleted.Remove(PathText.Of(change.To!.OldPath), out var old)) continue;

            changes.Remove(old);
            changes[changes.IndexOf(change)] = new TreeChange(old.From, change.To);
        }

        return changes;
    }

    private static IEnumerable<TreeChange> Merge(IReadOnlyList<ComparedFile> from, IReadOnlyList<ComparedFile> to)
    {
        for (int i = 0, j = 0; i < from.Count || j < to.Count;)
        {
            var order = i == from.Count ? 1 : j == to.Count ? -1
                : from[i].Path.AsSpan().SequenceCompareTo(to[j].Path);
            if (order < 0) yield return new TreeChange(from[i++], null);
            else if (order > 0) yield return new TreeChange(null, to[j++]);
            else if (from[i].Id == to[j].Id) (i, j) = (i + 1, j + 1);
            else yield return new TreeChange(from[i++], to[j++]);
        }
    }
}
