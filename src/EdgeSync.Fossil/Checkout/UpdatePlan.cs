using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Fossil.Checkout;

/// <summary>What becomes of one file when a checkout goes to another check-in.</summary>
public enum UpdateAction
{
    /// <summary>Nothing to do.</summary>
    None,

    /// <summary>Not tracked so far.</summary>
    Add,

    /// <summary>Not edited, or gone from the disk: written anew.</summary>
    Update,

    /// <summary>Added here and not committed: stays so.</summary>
    KeepAdded,

    /// <summary>Added here, and the target has a file of that name: the one here stays.</summary>
    AddedTwice,

    /// <summary>Not edited, and the target lacks it.</summary>
    Remove,

    /// <summary>Edited, and the target lacks it: stays, not tracked any more.</summary>
    RemovedButEdited,

    /// <summary>Both have changed it.</summary>
    Merge,
}

/// <summary>One file of the plan.</summary>
/// <param name="Name">Where it is.</param>
/// <param name="NewName">Where the target has it.</param>
/// <param name="Current">Null when it is not tracked so far.</param>
/// <param name="Target">Null when the target lacks it.</param>
public sealed record UpdateStep(
    UpdateAction Action, string Name, string NewName, TrackedFile? Current, TrackedFile? Target)
{
    /// <summary>What lies there is written over, moved or removed.</summary>
    public bool Touches => Action is UpdateAction.Add or UpdateAction.Update or UpdateAction.Remove
        or UpdateAction.Merge;

    /// <summary>The file was renamed here, and the target has it under another name: the one from here stays.</summary>
    public bool KeepsName { get; init; }
}

/// <summary>Decides what an update does to each file. Spec: update_cmd in update.c.</summary>
public static class UpdatePlan
{
    /// <param name="current">The files here, compared with the disk.</param>
    /// <param name="target">The files of the check-in to go to.</param>
    /// <param name="renames">Names that files got on the way, from old to new.</param>
    /// <param name="isMissing">Whether nothing lies under a name.</param>
    /// <param name="names">How names are compared.</param>
    /// <returns>By name.</returns>
    public static List<UpdateStep> Make(
        IReadOnlyList<TrackedFile> current, IReadOnlyList<TrackedFile> target,
        IReadOnlyDictionary<string, string> renames, Func<string, bool> isMissing, StringComparer names)
    {
        var targets = new Dictionary<string, TrackedFile>(names);
        foreach (var file in target) targets.TryAdd(file.Name, file);

        var steps = new List<UpdateStep>();
        var taken = new HashSet<string>(names);
        foreach (var file in current)
        {
            if (Renamed(file) is { } renamed)
            {
                taken.Add(renamed.Name);
                steps.Add(new UpdateStep(ActionOf(file, renamed, isMissing), file.Name, file.Name, file, renamed)
                {
                    KeepsName = true,
                });
                continue;
            }

            var newName = file.Change != ChangeState.Unchanged ? renames.GetValueOrDefault(file.Name, file.Name)
                : file.Name;
            taken.Add(newName);
            var goal = targets.GetValueOrDefault(newName);
            steps.Add(new UpdateStep(ActionOf(file, goal, isMissing), file.Name, newName, file, goal));
        }

        foreach (var file in target)
            if (!taken.Contains(file.Name))
                steps.Add(new UpdateStep(UpdateAction.Add, file.Name, file.Name, null, file));
        steps.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return steps;

        // What the target has of a file that was renamed here, unless another file of it has that name.
        // Differs from Fossil, which gives the file its old name again.
        TrackedFile? Renamed(TrackedFile file) =>
            file is { IsRenamed: true, IsAdded: false } && !targets.ContainsKey(file.Name)
                ? targets.GetValueOrDefault(renames.GetValueOrDefault(file.OriginalName!, file.OriginalName!)) : null;
    }

    private static UpdateAction ActionOf(TrackedFile file, TrackedFile? target, Func<string, bool> isMissing)
    {
        var isEdited = file.Change != ChangeState.Unchanged;
        if (target is null)
            return file.IsAdded ? UpdateAction.KeepAdded
                : isEdited && !isMissing(file.Name) ? UpdateAction.RemovedButEdited : UpdateAction.Remove;
        if (file.IsAdded) return UpdateAction.AddedTwice;

        var hasOther = target.Content != file.Content;
        if (hasOther && (!isEdited || file.IsDeleted)) return UpdateAction.Update;
        if (!file.IsDeleted && isMissing(file.Name)) return UpdateAction.Update;
        return hasOther ? UpdateAction.Merge : UpdateAction.None;
    }

    /// <summary>The permission that a file gets: a change of it here stays.</summary>
    public static FilePermission PermissionOf(TrackedFile? current, TrackedFile target) => current?.Change switch
    {
        ChangeState.BecameExecutable => FilePermission.Executable,
        ChangeState.LostExecutable => FilePermission.Regular,
        _ => target.Permission,
    };
}
