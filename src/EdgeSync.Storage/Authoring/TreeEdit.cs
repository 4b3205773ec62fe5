using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>
/// A sorted file list under edit. Few files change and many stay, so changes are kept beside the list and merged in at
/// the end. Names are <see cref="PathText"/>.
/// </summary>
internal sealed class TreeEdit
{
    private readonly List<FileDraft> _before;
    private readonly Dictionary<int, FileDraft?> _edited = [];                     // null: removed
    // Invariant: no name of _before that is not removed
    private readonly Dictionary<string, FileDraft> _added = new(StringComparer.Ordinal);

    public TreeEdit(ManifestFiles? parent, int capacity)
    {
        _before = new List<FileDraft>(capacity);
        if (parent is not { } files) return;

        foreach (var file in files) _before.Add(new FileDraft(file.NameMemory, file.Id, file.Permission));
    }

    /// <summary>The parent's files.</summary>
    public IReadOnlyList<FileDraft> Before => _before;

    public bool TryGet(string name, out FileDraft file)
    {
        name = Key(name);
        if (_added.TryGetValue(name, out file)) return true;

        var index = IndexOf(name);
        if (index < 0) return false;
        if (!_edited.TryGetValue(index, out var edited))
        {
            file = _before[index];
            return true;
        }

        file = edited.GetValueOrDefault();
        return edited is not null;
    }

    /// <summary>Sets content and permission; a file that was renamed keeps its old name.</summary>
    /// <param name="oldName">The old name to record, also if the parent has no such file; null: that of before.</param>
    public void Put(string name, ArtifactId id, FilePermission permission, string? oldName = null)
    {
        name = Key(name);
        var index = -1;
        FileDraft file;
        if (_added.TryGetValue(name, out var added)) file = added with { Id = id, Permission = permission };
        else if ((index = IndexOf(name)) >= 0) file = _before[index] with { Id = id, Permission = permission };
        else file = new FileDraft(NewName(name), id, permission);

        if (oldName is not null) file = file with { OldName = PathText.ToBytes(oldName) };
        if (index >= 0) _edited[index] = file;
        else _added[name] = file;
    }

    public void Remove(string name)
    {
        name = Key(name);
        Require(name);
        if (!_added.Remove(name)) _edited[IndexOf(name)] = null;
    }

    public void Rename(string oldName, string newName)
    {
        (oldName, newName) = (Key(oldName), Key(newName));
        var file = Require(oldName);
        if (TryGet(newName, out _))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"cannot rename {oldName}: {newName} exists already", "remove it first");

        Remove(oldName);

        // The name in the primary parent, however often it was renamed since.
        var origin = file.OldName.IsEmpty && IndexOf(oldName) >= 0 ? file.Name : file.OldName;
        if (IndexOf(newName) is var index and >= 0)
        {
            var isBack = _before[index].Name.Span.SequenceEqual(origin.Span);
            _edited[index] = file with { Name = _before[index].Name, OldName = isBack ? default : origin };
        }
        else
        {
            _added[newName] = file with { Name = NewName(newName), OldName = origin };
        }
    }

    /// <summary>The present list, sorted, and whether it differs from the parent's.</summary>
    public List<FileDraft> Finish(out bool hasChanged)
    {
        hasChanged = _added.Count > 0;
        var files = new List<FileDraft>(_before.Count + _added.Count);
        var added = _added.Values.ToList();
        added.Sort(ArtifactDraft.FileOrder);
        var next = 0;
        for (var i = 0; i < _before.Count; i++)
        {
            var file = _before[i];
            if (_edited.TryGetValue(i, out var edited))
            {
                hasChanged |= edited is not { } now || now.Id != file.Id || now.Permission != file.Permission
                    || !now.OldName.IsEmpty;
                if (edited is null) continue;
                file = edited.Value;
            }

            for (; next < added.Count && ArtifactDraft.FileOrder(added[next], file) < 0; next++) files.Add(added[next]);
            files.Add(file);
        }

        for (; next < added.Count; next++) files.Add(added[next]);
        RequireNoFileInFile();
        return files;
    }

    // A name cannot be a file and a folder at once: such a tree could never be checked out.
    private void RequireNoFileInFile()
    {
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in _added.Keys)
        {
            // A folder that was found has been checked, and so have those above it.
            for (var slash = name.LastIndexOf('/'); slash > 0
                && folders.Add(name[..slash]); slash = name.LastIndexOf('/', slash - 1))
            {
                if (TryGet(name[..slash], out _))
                    throw new EdgeSyncException(ErrorKind.Conflict, $"cannot add {name}: {name[..slash]} is a file");
            }
        }

        foreach (var name in _added.Keys)
            if (folders.Contains(name) || HadFolder(name))
                throw new EdgeSyncException(ErrorKind.Conflict, $"cannot add {name}: it is a folder");
    }

    private bool HadFolder(string name)
    {
        byte[] prefix = [.. PathText.ToBytes(name), (byte)'/'];
        for (var i = LowerBound(prefix); i < _before.Count && _before[i].Name.Span.StartsWith(prefix); i++)
        {
            if (!_edited.TryGetValue(i, out var edited) || edited is not null) return true;
        }

        return false;
    }

    // One name may be written in several ways; PathText writes one of them.
    private static string Key(string name) =>
        name.Contains("\\x", StringComparison.Ordinal) ? PathText.Of(PathText.ToBytes(name)) : name;

    private FileDraft Require(string name) => TryGet(name, out var file)
        ? file
        : throw new EdgeSyncException(ErrorKind.NotFound, $"the parent check-in has no file {name}");

    private int IndexOf(string name)
    {
        var bytes = PathText.ToBytes(name);
        var index = LowerBound(bytes);
        return index < _before.Count && _before[index].Name.Span.SequenceEqual(bytes) ? index : -1;
    }

    private int LowerBound(ReadOnlySpan<byte> name)
    {
        int low = 0, high = _before.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_before[middle].Name.Span.SequenceCompareTo(name) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    // Spec: stock accepts more names on reading than on adding.
    private static byte[] NewName(string name)
    {
        var bytes = PathText.ToBytes(name);
        if (!PathName.IsSimpleStrict(bytes))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is not a file name that every system can hold",
                "relative, with slashes, without '.' and '..', backslash, or characters beyond the basic plane");
        }

        return PathName.IsReserved(bytes)
            ? throw new EdgeSyncException(ErrorKind.Usage, $"'{name}' is reserved for checkout databases")
            : bytes;
    }
}
