using EdgeSync.Fossil.Checkout;

namespace EdgeSync.Fossil.Merge;

/// <summary>The check-ins in which a file of a merge may have a name.</summary>
internal enum MergeSide
{
    /// <summary>The files here.</summary>
    Current,

    /// <summary>The check-in that both sides come from.</summary>
    Ancestor,

    /// <summary>The check-in that is merged in.</summary>
    Other,

    /// <summary>The check-in that renames are followed from.</summary>
    NamePivot,
}

/// <summary>One file of a merge, with the names and versions that it has on each side.</summary>
internal sealed class MergeFile
{
    private readonly string?[] _names = new string?[4];

    public MergeFile(params ReadOnlySpan<(MergeSide Side, string? Name)> names)
    {
        foreach (var (side, name) in names) _names[(int)side] = name;
    }

    public string? this[MergeSide side]
    {
        get => _names[(int)side];
        set => _names[(int)side] = value;
    }

    public TrackedFile? Current { get; set; }

    public TrackedFile? Ancestor { get; set; }

    public TrackedFile? Other { get; set; }

    /// <summary>False once another file has taken its names.</summary>
    public bool IsThere { get; set; } = true;
}

/// <summary>
/// The files of a merge, found by their name on a side: a name belongs to one file there. They keep the order in which
/// they came, which is that of the report.
/// </summary>
internal sealed class MergeNames(StringComparer names)
{
    private readonly List<MergeFile> _files = [];
    private readonly Dictionary<string, MergeFile>[] _bySide =
        [new(names), new(names), new(names), new(names)];

    public IEnumerable<MergeFile> Files => _files.Where(f => f.IsThere);

    public MergeFile? Find(MergeSide side, string name) => _bySide[(int)side].GetValueOrDefault(name);

    /// <summary>Names a file on a side; false when another has the name there.</summary>
    public bool TrySet(MergeFile file, MergeSide side, string? name)
    {
        if (name is null) return false;
        if (Find(side, name) is { } holder && holder != file) return false;

        if (file[side] is { } before) _bySide[(int)side].Remove(before);
        file[side] = name;
        _bySide[(int)side][name] = file;
        return true;
    }

    /// <summary>Adds a file; false when one of its names is taken.</summary>
    public bool TryAdd(MergeFile file)
    {
        foreach (var side in Enum.GetValues<MergeSide>())
            if (file[side] is { } name && Find(side, name) is not null) return false;

        Insert(file);
        return true;
    }

    /// <summary>Adds a file in place of all that have one of its names.</summary>
    public void Replace(MergeFile file)
    {
        foreach (var side in Enum.GetValues<MergeSide>())
            if (file[side] is { } name && Find(side, name) is { } holder) Remove(holder);
        Insert(file);
    }

    private void Insert(MergeFile file)
    {
        _files.Add(file);
        foreach (var side in Enum.GetValues<MergeSide>())
            if (file[side] is { } name) _bySide[(int)side][name] = file;
    }

    private void Remove(MergeFile file)
    {
        file.IsThere = false;
        foreach (var side in Enum.GetValues<MergeSide>())
            if (file[side] is { } name) _bySide[(int)side].Remove(name);
    }
}
