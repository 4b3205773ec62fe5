using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Watch;

/// <summary>A file of a check-in.</summary>
public readonly record struct FolderEntry(ArtifactId Id, FilePermission Permission);

/// <summary>A file on the disk; its content is only read when it is compared.</summary>
public sealed record FolderFile(FilePermission Permission, Func<ArtifactId, bool> HasContent)
{
    internal bool Is(FolderEntry? entry) => entry is { } e && e.Permission == Permission && HasContent(e.Id);
}

/// <summary>The result of one scan of a folder.</summary>
/// <param name="Changed">New content or permission for files of the check-in.</param>
/// <param name="Adopted">Files that folder and tip have in common now, to be recorded; null: recorded no
/// longer.</param>
/// <param name="Conflicts">Changed here and, differently, by others: skipped.</param>
/// <param name="Refusal">Why nothing of it is committed, or null.</param>
public sealed record FolderChanges(
    IReadOnlyList<string> Added, IReadOnlyList<string> Changed, IReadOnlyList<string> Removed,
    IReadOnlyList<KeyValuePair<string, FolderEntry?>> Adopted, IReadOnlyList<string> Conflicts, string? Refusal)
{
    public bool IsEmpty => Added.Count + Changed.Count + Removed.Count == 0;
}

/// <summary>Compares three states of a folder, file by file: the recorded one, the present one, and the tip of the
/// branch. Only local edits go into the next check-in; it does not revert changes of others.
/// <code>
/// disk = known              not edited here                   nothing, whatever the tip
/// disk = tip                updated from the tip              recorded
/// known = tip, disk ≠       edited here                       added, changed, removed
/// all three differ          edited here and there             a conflict: skipped and reported
/// disk unknown              unreadable                        nothing: the tip's version stays
/// </code>
/// </summary>
public static class FolderPlan
{
    /// <param name="isUnknown">Whether the state of a file is unknown, by its name.</param>
    public static FolderChanges Plan(
        IReadOnlyDictionary<string, FolderEntry> known, IReadOnlyDictionary<string, FolderFile> disk,
        IReadOnlyDictionary<string, FolderEntry> tip,
        Func<string, bool> isUnknown)
    {
        List<string> added = [], changed = [], removed = [], conflicts = [];
        List<KeyValuePair<string, FolderEntry?>> adopted = [];
        foreach (var name in known.Keys.Union(disk.Keys).Order(StringComparer.Ordinal))
        {
            var before = Find(known, name);
            var there = Find(tip, name);
            var here = disk.GetValueOrDefault(name);
            if (here is null ? before is null || isUnknown(name) : here.Is(before)) continue;

            if (here is null ? there is null : here.Is(there)) adopted.Add(new(name, there));
            else if (there != before) conflicts.Add(name);
            else if (here is null) removed.Add(name);
            else if (there is null) added.Add(name);
            else changed.Add(name);
        }

        // An unmounted disk and a folder emptied on purpose look the same: the latter needs the user.
        var isWiped = disk.Count == 0 && removed.Count > 0 && removed.Count + conflicts.Count >= known.Count;
        return isWiped
            ? new FolderChanges(
                [], [], [], [], [], $"the folder is empty, but {known.Count} files were known in it: is it mounted?")
            : new FolderChanges(added, changed, removed, adopted, conflicts, null);
    }

    /// <summary>A comment with as many names as fit.</summary>
    public static string Comment(FolderChanges changes)
    {
        const int NamesMax = 5;
        var counts = new List<string>();
        if (changes.Changed.Count > 0) counts.Add($"{changes.Changed.Count} changed");
        if (changes.Added.Count > 0) counts.Add($"{changes.Added.Count} added");
        if (changes.Removed.Count > 0) counts.Add($"{changes.Removed.Count} removed");
        IReadOnlyList<string> names = [.. changes.Changed, .. changes.Added, .. changes.Removed];
        return $"{string.Join(", ", counts)}: "
            + $"{string.Join(", ", names.Take(NamesMax))}{(names.Count > NamesMax ? ", …" : "")}";
    }

    private static FolderEntry? Find(IReadOnlyDictionary<string, FolderEntry> files, string name) =>
        files.TryGetValue(name, out var entry) ? entry : null;
}
