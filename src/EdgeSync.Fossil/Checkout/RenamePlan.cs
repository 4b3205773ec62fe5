using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Checkout;

/// <summary>One file that gets another name.</summary>
public readonly record struct RenameStep(TrackedFile File, string NewName);

/// <summary>Which files <c>mv</c> gives which names. Spec: mv_cmd in add.c.</summary>
public static class RenamePlan
{
    /// <param name="files">All tracked files.</param>
    /// <param name="sources">Files and folders, by their names in the checkout.</param>
    /// <param name="target">A new name, or a folder to move into; the top is the empty name.</param>
    /// <param name="isFolder">Whether a name is a folder of the disk.</param>
    /// <param name="isOther">Whether a name on the disk belongs to anything but a folder.</param>
    /// <param name="names">How names are compared.</param>
    /// <exception cref="EdgeSyncException">A name is taken, or there is nothing to rename.</exception>
    public static List<RenameStep> Make(
        IReadOnlyList<TrackedFile> files, IReadOnlyList<string> sources, string target, Func<string, bool> isFolder,
        Func<string, bool> isOther, StringComparer names)
    {
        var isIntoFolder = target.Length == 0 || isFolder(target);
        if (sources.Count > 1 && !isIntoFolder)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"several files are renamed, and {target} is no folder", "edgesync mv --help");

        var steps = new List<RenameStep>();
        var isOneFolder = sources is [var only] && isFolder(only);
        if (isOneFolder && !isIntoFolder && isOther(target)) throw Taken(sources[0], target, "exists on the disk");

        // A folder that is there under its new name already was renamed by hand: the target is that folder itself.
        var isDone = isIntoFolder && target.Length > 0 && sources.Count == 1 && !isOneFolder;
        foreach (var source in sources)
        {
            var before = steps.Count;
            foreach (var file in files.Where(f => IsAtOrBelow(f.Name, source, names)))
                steps.Add(new RenameStep(
                    file, NewNameOf(
                        file.Name, source, target, isIntoFolder && !(isDone && file.Name.Length > source.Length))));
            if (steps.Count == before)
                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"{source} is not tracked", "edgesync changes --all lists what is");
        }

        RequireFree(files, steps, names);
        return steps;
    }

    // A folder keeps its own name when it goes into another one.
    private static string NewNameOf(string name, string source, string target, bool isIntoFolder)
    {
        var tail = name.Length == source.Length ? "" : name[source.Length..];
        if (!isIntoFolder) return target + tail;

        var last = source[(source.LastIndexOf('/') + 1)..];
        return (target.Length == 0 ? "" : target + "/") + last + tail;
    }

    private static void RequireFree(
        IReadOnlyList<TrackedFile> files, List<RenameStep> steps, StringComparer names)
    {
        var known = new Dictionary<string, TrackedFile>(names);
        foreach (var file in files) known.TryAdd(file.Name, file);
        var taken = new HashSet<string>(names);
        foreach (var (file, newName) in steps)
        {
            // Another spelling of its own name is none of another file.
            if (known.TryGetValue(newName, out var other) && other.Id != file.Id)
                throw Taken(
                    file.Name, newName,
                    other.IsDeleted ? "was removed, which is not committed yet" : "is tracked already");
            if (!taken.Add(newName)) throw Taken(file.Name, newName, "would be two files");
        }
    }

    private static bool IsAtOrBelow(string name, string source, StringComparer names) =>
        source.Length == 0 || names.Equals(name, source)
        || (name.Length > source.Length && name[source.Length] == '/' && names.Equals(name[..source.Length], source));

    private static EdgeSyncException Taken(string from, string to, string why) => new(
        ErrorKind.Conflict, $"cannot rename {from} to {to}: {to} {why}", "another name");
}
