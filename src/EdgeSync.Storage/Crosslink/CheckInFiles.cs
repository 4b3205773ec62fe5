using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>A file that a check-in carries under a new name.</summary>
internal readonly record struct FileRename(int Name, int OldName);

/// <summary>The parts of a check-in that a comparison needs: its files, and the other check-ins that it
/// names.</summary>
internal sealed class CheckInFiles
{
    public required double JulianDay { get; init; }

    /// <summary>F cards of this manifest itself; for a delta manifest only the differences.</summary>
    public required FileSet Own { get; init; }

    /// <summary>F cards that carry an old name.</summary>
    public required FileRename[] Renames { get; init; }

    public required ArtifactId Baseline { get; init; }

    public required ArtifactId[] Parents { get; init; }

    /// <summary>Only those taken (<c>Q +</c>), in card order.</summary>
    public required ArtifactId[] Cherrypicks { get; init; }

    public bool IsDelta => !Baseline.IsEmpty;

    private HashSet<int>? _renamed;

    public bool IsRenamed(int name)
    {
        if (Renames.Length == 0) return false;
        _renamed ??= [.. Renames.Select(rename => rename.Name)];
        return _renamed.Contains(name);
    }

    public static CheckInFiles From(Artifact artifact, NameTable names)
    {
        var files = artifact.Files;
        var entries = new FileEntry[files.Count];
        List<FileRename>? renames = null;
        for (var i = 0; i < entries.Length; i++)
        {
            var file = files[i];
            var name = names.NumberOf(file.Name);
            entries[i] = new FileEntry(name, names.NumberOf(file.Id), file.Permission);
            if (file.HasOldName) (renames ??= []).Add(new FileRename(name, names.NumberOf(file.OldName)));
        }

        return From(artifact, FileSet.FromOrdered(entries), renames is null ? [] : [.. renames]);
    }

    public static CheckInFiles From(Artifact artifact, FileSet own, FileRename[] renames) => new()
    {
        JulianDay = artifact.JulianDay,
        Own = own,
        Renames = renames,
        Baseline = artifact.Baseline,
        Parents = artifact.Parents.ToArray(),
        Cherrypicks = TakenFrom(artifact.Cherrypicks),
    };

    /// <summary>
    /// An artifact of another kind where a check-in should be: stock treats it as an empty check-in.
    /// </summary>
    public static CheckInFiles Of(double julianDay) => new()
    {
        JulianDay = julianDay,
        Own = FileSet.Empty,
        Renames = [],
        Baseline = default,
        Parents = [],
        Cherrypicks = [],
    };

    private static ArtifactId[] TakenFrom(ReadOnlySpan<CherrypickCard> cards)
    {
        if (cards.IsEmpty) return [];
        var taken = new List<ArtifactId>();
        foreach (var card in cards)
            if (!card.IsBackout) taken.Add(card.Target);
        return [.. taken];
    }
}

/// <summary>The files of a check-in together with those of its baseline, if it is a delta manifest.</summary>
internal readonly record struct WholeFiles(CheckInFiles CheckIn, FileSet? Baseline)
{
    public bool IsDelta => CheckIn.IsDelta;

    /// <summary>
    /// The file of this name, in this manifest or its baseline; false when there is none.
    /// </summary>
    public bool TryFind(int name, NameTable names, out FileEntry entry)
    {
        if (CheckIn.Own.TryFind(name, names, out entry)) return !entry.IsDeleted;
        return Baseline is not null && Baseline.TryFind(name, names, out entry);
    }
}
