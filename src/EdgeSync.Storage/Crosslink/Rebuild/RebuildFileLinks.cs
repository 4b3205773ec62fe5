using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>File comparisons of a rebuild: every check-in has been read before the first is linked.</summary>
internal sealed class RebuildFileLinks : IFileLinks
{
    private readonly LinkContext _context;
    private readonly FileLinkTable _table;
    private readonly TimeAdjustment _times;
    private readonly Dictionary<long, CheckInFiles> _checkIns;
    private readonly Dictionary<long, double> _otherDays;
    private readonly HashSet<long> _written = [];

    // Pairs that gave no rows. Stock compares such a pair again when the parent is linked after the child, which can
    // change whose child moves the parent in time; so does this class.
    private readonly Dictionary<long, List<RecordId>> _emptyParentsOf = [];
    private readonly Dictionary<long, SortedSet<long>> _emptyChildrenOf = [];
    private RecordId _child;
    private CheckInFiles _childFiles = null!;

    /// <param name="otherDays">The dates of all artifacts other than check-ins.</param>
    public RebuildFileLinks(
        LinkContext context, NameTable names, Dictionary<long, CheckInFiles> checkIns, Dictionary<long,
        double> otherDays, TimeAdjustment times)
    {
        (_context, _checkIns, _otherDays, _times) = (context, checkIns, otherDays, times);
        _table = new FileLinkTable(context, names) { IsFresh = true, Compared = OnCompared };
    }

    public CheckInFiles? Find(RecordId record) => _checkIns.GetValueOrDefault(record.Value);

    public CheckInFiles? FindParent(RecordId record) =>
        Find(record) ?? (_otherDays.TryGetValue(record.Value, out var day) ? CheckInFiles.Of(day) : null);

    public void Add(RecordId record, CheckInFiles files, ParentLinks links)
    {
        if (Whole(files) is not { } child) return;
        if (!_written.Add(record.Value)) _table.Delete(record);

        (_child, _childFiles) = (record, files);
        _table.Write(record, child, links, other => FindParent(other) is { } found ? Whole(found) : null);
        OfferAgain(record, files);
    }

    private WholeFiles? Whole(CheckInFiles files)
    {
        if (!files.IsDelta) return new WholeFiles(files, null);
        return Find(_context.Store.Find(files.Baseline)) is { } baseline ? new WholeFiles(files, baseline.Own) : null;
    }

    private void OnCompared(RecordId parent, WholeFiles parentFiles, bool hasRows)
    {
        _times.Offer(parent, parentFiles.CheckIn.JulianDay, _child, _childFiles.JulianDay);
        if (hasRows || !TimeAdjustment.IsClose(parentFiles.CheckIn.JulianDay, _childFiles.JulianDay)) return;

        if (!_emptyParentsOf.TryGetValue(_child.Value, out var parents))
            _emptyParentsOf.Add(_child.Value, parents = []);
        parents.Add(parent);
        if (!_emptyChildrenOf.TryGetValue(parent.Value, out var children))
            _emptyChildrenOf.Add(parent.Value, children = []);
        children.Add(_child.Value);
    }

    private void OfferAgain(RecordId parent, CheckInFiles parentFiles)
    {
        if (!_emptyChildrenOf.TryGetValue(parent.Value, out var children)) return;
        foreach (var child in children)
        {
            if (!IsParent(parent, child, out var isPrimary)) continue;
            var childFiles = _checkIns[child];
            _times.Offer(parent, parentFiles.JulianDay, new RecordId(child), childFiles.JulianDay);
            if (!isPrimary) continue;
            foreach (var other in _emptyParentsOf[child])
                if (other != parent)
                    _times.Offer(other, FindParent(other)!.JulianDay, new RecordId(child), childFiles.JulianDay);
        }
    }

    private bool IsParent(RecordId parent, long child, out bool isPrimary)
    {
        using var query = _context.Database.Prepare("SELECT isprim FROM plink WHERE pid=?1 AND cid=?2");
        var found = query.Bind(1, parent).Bind(2, child).Step();
        isPrimary = found && query.Boolean(0);
        return found;
    }
}
