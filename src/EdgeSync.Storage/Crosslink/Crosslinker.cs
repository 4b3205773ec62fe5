using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Derives the tables of a repository from artifacts: timeline, ancestry, file changes, tags, branches, tickets, pages.
/// Each artifact is linked once its text can be read, in any order; the rows do not depend on it (except where stock's
/// own do).
/// <code>
/// ContentStore.NewlyAvailable ─▶ LinkPending ─▶ Link (one artifact: its own rows) ─▶ Finish (tickets, pages, leaves,
/// times)
///                                     ▲                         │
///                                     └── orphans: delta manifests whose baseline has arrived
/// </code>
/// All inside the transaction that stored the artifacts.
/// </summary>
public sealed class Crosslinker
{
    private readonly LinkContext _context;
    private readonly Repository? _repository;
    private readonly EventTable _events;
    private readonly LeafTable _leaves;
    private readonly BacklinkTable _backlinks;
    private readonly TagTable _tags;
    private readonly AttachmentLinker _attachments;
    private readonly TicketTable _tickets;
    private readonly PageLinker _pages;
    private readonly CheckInLinker _checkIns;
    private readonly CherrypickTable _cherrypicks;
    private readonly IFileLinks _files;
    private readonly IncrementalFileLinks? _filesNow;
    private readonly List<(RecordId Target, RecordId Source)> _supersessions = [];

    /// <summary>Links the artifacts that arrive in a repository.</summary>
    public Crosslinker(Repository repository)
        : this(
            new LinkContext(repository.Database, new RepositoryLinkStore(repository), () => repository.Now),
            makeFiles: null)
    {
        _repository = repository;
    }

    private Crosslinker(LinkContext context, Func<TimeAdjustment, IFileLinks>? makeFiles)
    {
        _context = context;
        Times = new TimeAdjustment(context);
        _events = new EventTable(context);
        _leaves = new LeafTable(context);
        _backlinks = new BacklinkTable(context);
        _tags = new TagTable(context, _leaves, _backlinks) { Reparent = Reparent };
        _attachments = new AttachmentLinker(context, _events, _tags);
        _tickets = new TicketTable(context, _events, _tags, _backlinks, _attachments);
        _pages = new PageLinker(context, _events, _tags, _backlinks) { Supersedes = Supersede };
        _files = makeFiles?.Invoke(Times) ?? (_filesNow = new IncrementalFileLinks(context, Times));
        if (_filesNow is not null) _filesNow.Supersedes = Supersede;
        _cherrypicks = new CherrypickTable(context);
        _checkIns = new CheckInLinker(context, _events, _backlinks, _cherrypicks, _files);
    }

    /// <summary>Links the artifacts that a rebuild has read; it compares files in its own way.</summary>
    internal static Crosslinker ForRebuild(LinkContext context, Func<TimeAdjustment, IFileLinks> makeFiles) =>
        new(context, makeFiles);

    internal TimeAdjustment Times { get; }

    /// <summary>
    /// The project's ticket tables have changed: the commit makes them again from the artifacts. Reset with the
    /// transaction.
    /// </summary>
    internal bool TicketTablesAreStale { get; set; }

    /// <summary>
    /// Links everything that has become readable in this transaction, and what waited for it. Call it before the
    /// commit. Older versions of files, manifests and pages become deltas of newer ones. Returns the number of
    /// artifacts linked.
    /// </summary>
    public int LinkPending()
    {
        Invariant.Require(_repository is not null);
        var pending = _repository.Content.NewlyAvailable;
        if (pending.Count == 0 && !TicketTablesAreStale) return 0;

        if (TicketTablesAreStale) TicketSchema.Create(_context.Database);
        Begin();
        if (TicketTablesAreStale) _tickets.ChangeAll();
        TicketTablesAreStale = false;
        var count = 0;
        while (pending.TryDequeue(out var record))
        {
            count += LinkRecord(record) ? 1 : 0;
            foreach (var orphan in TakeOrphans(record)) count += LinkRecord(orphan) ? 1 : 0;
        }

        Finish();
        foreach (var (target, source) in _supersessions) _repository.Content.Deltas.Deltify(target, [source]);
        _supersessions.Clear();
        return count;
    }

    /// <summary>Starts a batch: reads again the settings and what other processes may have changed.</summary>
    internal void Begin()
    {
        _context.Settings = LinkSettings.Read(_context.Database);
        _tags.ForgetIds();
        _tickets.ForgetColumns();
        _cherrypicks.Forget();
        _filesNow?.Clear();
        _supersessions.Clear();
    }

    /// <summary>Derives what needs the whole batch.</summary>
    internal void Finish()
    {
        ReparentAll();
        _tickets.Finish();
        _pages.FinishWiki();
        Times.Apply();
        _leaves.CheckNow();
    }

    /// <summary>
    /// Links the artifact in this record, if it is one. False if it is ordinary content, or waits for its baseline.
    /// </summary>
    internal bool LinkRecord(RecordId record)
    {
        if (!_context.Store.TryRead(record, out var text)) return false;
        if (!_filesNow!.TryParse(record, text, out var artifact, out var files)) return false;
        if (files is null)
        {
            Link(record, artifact);
            RelinkChildren(record);
            return true;
        }

        if (!artifact.Baseline.IsEmpty && !HasBaseline(record, artifact.Baseline)) return false;
        LinkCheckIn(record, artifact, files);
        return true;
    }

    /// <summary>A check-in whose baseline is available.</summary>
    internal void LinkCheckIn(RecordId record, Artifact checkIn, CheckInFiles files)
    {
        var primary = _checkIns.Link(record, checkIn, files);
        ApplyTags(record, checkIn);
        if (!primary.IsNone) _tags.PropagateAll(primary);
        if (_filesNow is null) return;
        _cherrypicks.TakeWaiting(record);
        RelinkChildren(record);
    }

    /// <summary>Any artifact but a check-in.</summary>
    internal void Link(RecordId record, Artifact artifact)
    {
        switch (artifact.Kind)
        {
            case ArtifactKind.Cluster:
                LinkCluster(record, artifact);
                break;
            case ArtifactKind.Control:
                ApplyTags(record, artifact);
                var text = ControlText.Write(artifact, _context.Settings);
                var user = artifact.HasCard('U') ? artifact.User.ToArray() : null;
                _events.Write('g', artifact.JulianDay, record, user, System.Text.Encoding.Latin1.GetBytes(text));
                break;
            case ArtifactKind.Wiki:
                _pages.LinkWiki(record, artifact);
                break;
            case ArtifactKind.Ticket:
                _tickets.Link(record, artifact);
                break;
            case ArtifactKind.Attachment:
                _attachments.Link(record, artifact);
                break;
            case ArtifactKind.Technote:
                ApplyTags(record, artifact);
                _pages.LinkTechnote(record, artifact, _attachments);
                break;
            case ArtifactKind.Forum:
                _pages.LinkForum(record, artifact);
                break;
            default:
                Invariant.Require(artifact.Kind == ArtifactKind.Cluster);
                break;
        }
    }

    /// <summary>Puts a delta manifest on the waiting list.</summary>
    internal void AddOrphan(RecordId record, ArtifactId baseline)
    {
        using var insert = _context.Database.Prepare("INSERT OR IGNORE INTO orphan(rid,baseline) VALUES(?1,?2)");
        insert.Bind(1, record).Bind(2, _context.Store.FindOrCreate(baseline)).Run();
    }

    private bool HasBaseline(RecordId record, ArtifactId baseline)
    {
        if (_filesNow!.Find(_context.Store.FindOrCreate(baseline)) is not null) return true;
        AddOrphan(record, baseline);
        return false;
    }

    private List<RecordId> TakeOrphans(RecordId baseline)
    {
        var orphans = new List<RecordId>();
        using (var query = _context.Database.Prepare("SELECT rid FROM orphan WHERE baseline=?1"))
        {
            query.Bind(1, baseline);
            while (query.Step()) orphans.Add(query.Record(0));
        }

        if (orphans.Count == 0) return orphans;
        using var delete = _context.Database.Prepare("DELETE FROM orphan WHERE baseline=?1");
        delete.Bind(1, baseline).Run();
        return orphans;
    }

    // Children that arrived earlier: their rows depend on all parents, so they are made again.
    private void RelinkChildren(RecordId record)
    {
        var children = new List<RecordId>();
        using (var query = _context.Database.Prepare(
            "SELECT cid FROM plink WHERE pid=?1 UNION SELECT childid FROM cherrypick WHERE parentid=?1 AND NOT "
                + "isExclude"))
        {
            query.Bind(1, record);
            while (query.Step()) children.Add(query.Record(0));
        }

        foreach (var child in children)
            if (_filesNow!.Find(child) is { } files) _checkIns.Relink(child, files);
    }

    // Clusters carry no date; the tag only marks them.
    private void LinkCluster(RecordId record, Artifact cluster)
    {
        // Spec: tag.c, tag_insert: without a date, now.
        _tags.Insert("cluster"u8, TagAction.Single, null, record, _context.Now().JulianDay, record);
        foreach (var member in cluster.Members)
        {
            var found = _context.Store.FindOrCreate(member);
            if (!found.IsNone) _context.Store.MarkClustered(found);
        }
    }

    private void ApplyTags(RecordId record, Artifact artifact)
    {
        foreach (var tag in artifact.Tags)
        {
            var target = tag.IsSelf ? record : _context.Store.FindOrCreate(tag.Target);
            if (target.IsNone) continue;
            _tags.Insert(
                tag.Name, tag.Action, tag.HasValue ? tag.Value.ToArray() : null, record, artifact.JulianDay, target);
        }
    }

    /// <summary>Gives a check-in other parents until the next rebuild: no artifact says so. In a transaction.</summary>
    internal void ReparentUntilRebuild(RecordId record, byte[] hashes)
    {
        Begin();
        Reparent(record, hashes);
    }

    private void Reparent(RecordId record, byte[]? value)
    {
        if (value is null || _files.Find(record) is not { } files) return;
        _checkIns.Reparent(record, files, value);
    }

    // Stock applies all "parent" tags again after every batch; most repositories have none.
    private void ReparentAll()
    {
        var found = new List<(RecordId Record, byte[] Value)>();
        using (var query = _context.Database.Prepare("SELECT rid, value FROM tagxref WHERE tagid=10 AND tagtype=1"))
        {
            while (query.Step()) found.Add((query.Record(0), query.Bytes(1).ToArray()));
        }

        foreach (var (record, value) in found) Reparent(record, value);
    }

    private void Supersede(RecordId older, RecordId newer) => _supersessions.Add((older, newer));
}
