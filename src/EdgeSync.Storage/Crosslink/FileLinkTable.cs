using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Returns the files of a check-in; null while it is a phantom, cannot be read or is not a check-in.
/// </summary>
internal delegate WholeFiles? CheckInSource(RecordId record);

/// <summary>
/// The mlink and filename tables. The rows of a check-in depend on its own files and those of its readable parents, so
/// they are always made again from all of these: the order of arrival leaves no trace.
/// </summary>
/// <remarks>
/// Differs from Fossil: when a missing parent arrives, stock adds rows but does not decide again which files came by
/// merge (pid 0 or -1). Our rows are those of a rebuild.
/// </remarks>
internal sealed class FileLinkTable(LinkContext context, NameTable names)
{
    private const long AddedByMerge = -1;

    private readonly List<long> _fileIds = [0];      // by name number; 0 = not looked up yet
    private readonly List<long> _contentIds = [0];   // by content number; 0 = not looked up yet
    private readonly List<FileChange> _changes = [];
    private readonly List<Row> _rows = [];
    private readonly Dictionary<int, int> _rowsOfName = [];

    private record struct Row(int Name, int OldName, long Parent, long From, int To, int Permission, bool IsExtra);

    /// <summary>Whether rows may exist already; a rebuild starts with an empty table.</summary>
    public bool IsFresh { get; init; }

    /// <summary>
    /// Called with each comparison: parent, and whether it gave rows. Check-in times are adjusted by these.
    /// </summary>
    public Action<RecordId, WholeFiles, bool>? Compared { get; set; }

    /// <summary>Called with each content that replaced another.</summary>
    public Action<RecordId, RecordId>? Replaced { get; set; }

    public void Write(RecordId record, WholeFiles child, ParentLinks links, CheckInSource source)
    {
        if (!IsFresh) Delete(record);
        _rows.Clear();
        if (links.IsRoot) AddRoot(child);
        else if (source(links.Primary) is { } parent) AddParents(child, links.Primary, parent, links.Others, source);

        if (links.Count > 1) MarkMerged(links.Count);
        Flush(record, isPublic: !context.Store.IsPrivate(record));
    }

    public void Delete(RecordId record)
    {
        using var delete = context.Database.Prepare("DELETE FROM mlink WHERE mid=?1");
        delete.Bind(1, record).Run();
    }

    private void AddParents(
        WholeFiles child, RecordId primary, WholeFiles parent, ReadOnlySpan<RecordId> merged, CheckInSource source)
    {
        Compare(child, primary, parent, isExtra: false);
        foreach (var other in merged)
        {
            // A pair that has rows is done: the same parent may be named twice.
            if (other.IsNone || HasRows(other) || source(other) is not { } files) continue;
            Compare(child, other, files, isExtra: true);
        }
    }

    private void Compare(WholeFiles child, RecordId parentRecord, WholeFiles parent, bool isExtra)
    {
        _changes.Clear();
        FileComparison.Compare(parent, child, names, _changes);
        var before = _rows.Count;
        foreach (var change in CollectionsMarshal.AsSpan(_changes))
        {
            // Names and contents get their records even where no row is written.
            FileId(change.Name);
            FileId(change.OldName);
            var from = ContentId(change.From);
            var to = ContentId(change.To);
            if (from != 0 && to != 0) Replaced?.Invoke(new RecordId(from), new RecordId(to));
            if (isExtra && !_rowsOfName.ContainsKey(change.Name)) continue;

            _rows.Add(new Row(
                change.Name, change.OldName, parentRecord.Value, from, change.To, (int)change.Permission, isExtra));
        }

        if (!isExtra) CountNames();
        Compared?.Invoke(parentRecord, parent, _rows.Count > before);
    }

    private void AddRoot(WholeFiles child)
    {
        for (var cursor = child.CheckIn.Own.Start(); !cursor.IsAtEnd; cursor.MoveNext())
        {
            var file = cursor.Current;
            FileId(file.Name);
            ContentId(file.Content);
            _rows.Add(new Row(file.Name, 0, 0, 0, file.Content, (int)file.Permission, IsExtra: false));
        }

        CountNames();
    }

    private void CountNames()
    {
        _rowsOfName.Clear();
        foreach (var row in _rows) CollectionsMarshal.GetValueRefOrAddDefault(_rowsOfName, row.Name, out _)++;
    }

    private bool HasRows(RecordId parent)
    {
        foreach (var row in CollectionsMarshal.AsSpan(_rows))
            if (row.Parent == parent.Value) return true;
        return false;
    }

    // A name that a parent also has gives fewer rows than there are links.
    private void MarkMerged(int linkCount)
    {
        CountNames();
        foreach (ref var row in CollectionsMarshal.AsSpan(_rows))
            if (row.From == 0 && row.Parent != 0 && _rowsOfName[row.Name] < linkCount) row.From = AddedByMerge;
    }

    private void Flush(RecordId record, bool isPublic)
    {
        if (_rows.Count == 0) return;
        using var insert = context.Database.Prepare(
            "INSERT INTO mlink(mid,fid,pmid,pid,fnid,pfnid,mperm,isaux) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
        foreach (var row in CollectionsMarshal.AsSpan(_rows))
        {
            var content = ContentId(row.To);
            if (isPublic && content != 0) context.Store.MakePublic(new RecordId(content));
            insert.Reset();
            insert.Bind(1, record).Bind(2, content).Bind(3, row.Parent).Bind(4, row.From).Bind(5, FileId(row.Name));
            insert.Bind(6, FileId(row.OldName)).Bind(7, (long)row.Permission).Bind(8, row.IsExtra ? 1L : 0L).Run();
        }
    }

    private long FileId(int name)
    {
        if (name == 0) return 0;
        while (_fileIds.Count <= name) _fileIds.Add(0);
        if (_fileIds[name] is not 0 and var known) return known;

        using var find = context.Database.Prepare("SELECT fnid FROM filename WHERE name=?1");
        long id;
        if (find.BindText(1, names.Name(name)).Step())
        {
            id = find.Int64(0);
        }
        else
        {
            using var insert = context.Database.Prepare("INSERT INTO filename(name) VALUES(?1)");
            insert.BindText(1, names.Name(name)).Run();
            id = context.Database.LastInsertRowId;
        }

        return _fileIds[name] = id;
    }

    private long ContentId(int content)
    {
        if (content == 0) return 0;
        while (_contentIds.Count <= content) _contentIds.Add(0);
        if (_contentIds[content] is not 0 and var known) return known;
        return _contentIds[content] = context.Store.FindOrCreate(names.Id(content)).Value;
    }
}
