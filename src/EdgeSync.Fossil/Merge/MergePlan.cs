using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;

namespace EdgeSync.Fossil.Merge;

/// <summary>What a merge does to a file, in the order in which it is done.</summary>
public enum MergeAction
{
    /// <summary>The other side changed the executable bit, this one did not.</summary>
    SetExecutable,

    /// <summary>Changed on the other side alone: its content is taken.</summary>
    Update,

    /// <summary>Changed on both sides.</summary>
    Merge,

    /// <summary>Gone on the other side.</summary>
    Delete,

    /// <summary>Renamed on the other side alone.</summary>
    Rename,

    /// <summary>New on the other side.</summary>
    Add,
}

/// <summary>One step of a merge.</summary>
/// <param name="Name">Of the file here; of a new one its name on the other side.</param>
/// <param name="NewName">Of a renamed file.</param>
/// <param name="Current">Its row here; null for a new file.</param>
/// <param name="Ancestor">What both sides come from; null for a new file.</param>
/// <param name="Other">What is merged in; null for a file that is gone there.</param>
public sealed record MergeStep(
    MergeAction Action, string Name, string? NewName, TrackedFile? Current, TrackedFile? Ancestor, TrackedFile? Other)
{
    /// <summary>The bit that <see cref="MergeAction.SetExecutable"/> gives.</summary>
    public bool IsExecutable => Other?.Permission == FilePermission.Executable;
}

/// <summary>The three lists of files that a merge compares, and the names that files got on the way.</summary>
public sealed record MergeInput
{
    /// <summary>The files here, compared with the disk.</summary>
    public required IReadOnlyList<TrackedFile> Current { get; init; }

    /// <summary>The files of the common ancestor.</summary>
    public required IReadOnlyList<TrackedFile> Ancestor { get; init; }

    /// <summary>The files that are merged in.</summary>
    public required IReadOnlyList<TrackedFile> Other { get; init; }

    /// <summary>The ancestor is the check-in that is checked out.</summary>
    public bool AncestorIsCurrent { get; init; }

    /// <summary>Renames are followed from another check-in than the ancestor.</summary>
    public bool HasNamePivot { get; init; }

    /// <summary>The chosen ancestor is none of the check-in here: names are taken from the name pivot.</summary>
    public bool TakesPivotNames { get; init; }

    public IReadOnlyList<(string From, string To)> CurrentRenames { get; init; } = [];

    public IReadOnlyList<(string From, string To)> AncestorRenames { get; init; } = [];

    public IReadOnlyList<(string From, string To)> OtherRenames { get; init; } = [];

    /// <summary>How names are compared.</summary>
    public StringComparer Names { get; init; } = StringComparer.Ordinal;
}

/// <summary>
/// Decides what a merge does to each file: its names on all sides are brought together first, then its versions are
/// compared.
/// <code>
/// ancestor  here   other
/// a         a      b        Update             here and ancestor the same content
/// a         x      b        Merge
/// a         a,x    none     Delete
/// none      none   b        Add
/// none      x      b        not merged: the two are unrelated
/// old name  old    new      Rename             a name given here stays
/// </code>
/// </summary>
/// <param name="Steps">In the order of <see cref="MergeAction"/>.</param>
/// <param name="Unrelated">Files of both sides that have no common ancestor: the one here stays.</param>
// Spec: merge_cmd in merge.c.
public sealed record MergePlan(IReadOnlyList<MergeStep> Steps, IReadOnlyList<string> Unrelated)
{
    public static MergePlan Make(MergeInput input)
    {
        var files = new MergeNames(input.Names);
        AddRenames(files, MergeSide.Current, input.CurrentRenames);
        AddRenames(files, MergeSide.Ancestor, input.AncestorRenames);
        AddRenames(files, MergeSide.Other, input.OtherRenames);
        var (current, ancestor, other) = (ByName(input.Current), ByName(input.Ancestor), ByName(input.Other));
        if (input.HasNamePivot) FillNames(files, current, ancestor, other);
        AddCurrent(files, input);
        AddAncestor(files, input);
        AddOther(files, input);
        foreach (var file in files.Files)
        {
            file.Ancestor = input.AncestorIsCurrent
                ? IsOfCheckin(file.Current) ? file.Current : null
                : Lookup(ancestor, file[MergeSide.Ancestor]);
            file.Other = Lookup(other, file[MergeSide.Other]);
        }

        return Decide([.. files.Files]);

        Dictionary<string, TrackedFile> ByName(IReadOnlyList<TrackedFile> list)
        {
            var byName = new Dictionary<string, TrackedFile>(list.Count, input.Names);
            foreach (var file in list) byName.TryAdd(file.Name, file);
            return byName;
        }
    }

    private static void AddRenames(MergeNames files, MergeSide side, IReadOnlyList<(string From, string To)> renames)
    {
        foreach (var (from, to) in renames)
        {
            if (files.TryAdd(new MergeFile((side, to), (MergeSide.NamePivot, from)))) continue;
            if (files.Find(MergeSide.NamePivot, from) is { } known) files.TrySet(known, side, to);
        }
    }

    // A name that changed towards one side may be the old one on the others.
    private static void FillNames(
        MergeNames files, Dictionary<string, TrackedFile> current, Dictionary<string, TrackedFile> ancestor,
        Dictionary<string, TrackedFile> other)
    {
        Fill(MergeSide.Ancestor, ancestor, f => f[MergeSide.NamePivot]);
        Fill(MergeSide.Current, current, f => f[MergeSide.Ancestor] ?? f[MergeSide.NamePivot]);
        Fill(MergeSide.Other, other, f => f[MergeSide.Ancestor] ?? f[MergeSide.NamePivot]);
        Fill(MergeSide.Ancestor, ancestor, f => f[MergeSide.Other]);
        Fill(MergeSide.Ancestor, ancestor, f => f[MergeSide.Current]);
        Fill(MergeSide.Current, current, f => f[MergeSide.Other]);
        Fill(MergeSide.Other, other, f => f[MergeSide.Current]);

        void Fill(MergeSide side, Dictionary<string, TrackedFile> there, Func<MergeFile, string?> nameOf)
        {
            foreach (var file in files.Files.Where(f => f[side] is null).ToList())
                files.TrySet(file, side, Lookup(there, nameOf(file))?.Name);
        }
    }

    private static void AddCurrent(MergeNames files, MergeInput input)
    {
        foreach (var file in files.Files.Where(f => f[MergeSide.Current] is null).ToList())
            files.TrySet(
                file, MergeSide.Current,
                (input.TakesPivotNames ? null : file[MergeSide.Ancestor]) ?? file[MergeSide.NamePivot]);

        var known = input.Current.OrderBy(f => f.Id).Select(
            f => (File: f, Names: IsOfCheckin(f) ? files.Find(MergeSide.Current, f.OriginalName ?? f.Name) : null))
            .ToList();
        foreach (var (file, named) in known)
            files.Replace(new MergeFile(
                (MergeSide.Current, file.Name), (MergeSide.Ancestor, named?[MergeSide.Ancestor]),
                (MergeSide.Other, named?[MergeSide.Other]), (MergeSide.NamePivot, named?[MergeSide.NamePivot]))
            { Current = file });
    }

    private static void AddAncestor(MergeNames files, MergeInput input)
    {
        foreach (var file in files.Files.Where(f => f[MergeSide.Ancestor] is null).ToList())
            files.TrySet(
                file, MergeSide.Ancestor,
                file[MergeSide.NamePivot] ?? file.Current?.OriginalName ?? file.Current?.Name);
        foreach (var file in input.Ancestor.OrderBy(f => f.Id))
            files.TryAdd(new MergeFile((MergeSide.Ancestor, file.OriginalName ?? file.Name)));
    }

    private static void AddOther(MergeNames files, MergeInput input)
    {
        foreach (var file in files.Files.Where(f => f[MergeSide.Other] is null).ToList())
            files.TrySet(file, MergeSide.Other, file[MergeSide.Ancestor]);
        foreach (var file in input.Other.OrderBy(f => f.Id)) files.TryAdd(new MergeFile((MergeSide.Other, file.Name)));
    }

    private static MergePlan Decide(List<MergeFile> files)
    {
        var steps = new List<MergeStep>();
        Take(
            f => f is { Current: { } c, Ancestor: { } a } && IsExecutable(f.Other ?? c) != IsExecutable(a)
                && IsExecutable(c) == IsExecutable(a),
            MergeAction.SetExecutable);

        var unrelated = new List<string>();
        foreach (var file in files.Where(f => f is { Ancestor: null, Current: not null, Other: not null }))
        {
            unrelated.Add(file.Other!.Name);
            file.Other = null;
        }

        Take(
            f => HasChangedThere(f) && f.Current!.Content == f.Ancestor!.Content
                && f.Current.Change == ChangeState.Unchanged,
            MergeAction.Update);
        Take(
            f => HasChangedThere(f) && (f.Current!.Content != f.Ancestor!.Content
                || f.Current.Change != ChangeState.Unchanged),
            MergeAction.Merge);
        Take(f => f is { Current: not null, Ancestor: not null, Other: null }, MergeAction.Delete);
        Take(
            f => f is { Current: not null, Ancestor: not null, Other: not null }
                && f[MergeSide.Ancestor] == f[MergeSide.Current] && f[MergeSide.Other] != f[MergeSide.Ancestor],
            MergeAction.Rename);
        Take(f => f is { Current: null, Ancestor: null, Other: not null }, MergeAction.Add);
        return new MergePlan(steps, unrelated);

        void Take(Func<MergeFile, bool> fits, MergeAction action)
        {
            foreach (var file in files.Where(fits))
                steps.Add(new MergeStep(
                    action, file.Current?.Name ?? file.Other!.Name,
                    action == MergeAction.Rename ? file.Other!.Name : null, file.Current, file.Ancestor, file.Other));
        }
    }

    private static bool HasChangedThere(MergeFile file) =>
        file is { Current: not null, Ancestor: not null, Other: not null }
        && file.Other.Content != file.Ancestor.Content;

    private static bool IsExecutable(TrackedFile file) => file.Permission == FilePermission.Executable;

    // Files added here, by hand or by a merge, do not belong to the check-in.
    private static bool IsOfCheckin(TrackedFile? file) =>
        file is { Content.IsNone: false, Change: not (ChangeState.AddedByMerge or ChangeState.AddedByIntegrate) };

    private static TrackedFile? Lookup(Dictionary<string, TrackedFile> files, string? name) =>
        name is null ? null : files.GetValueOrDefault(name);
}
