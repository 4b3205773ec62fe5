using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// Decides which changes of a repository to announce. Local and pushed artifacts are announced at once; those of a
/// session have usually been announced by another node, so they wait a moment and are dropped when the others announce
/// them. Every announcement raises the watermark, which survives restarts: after one, the rest is announced.
/// </summary>
internal sealed class AnnouncementPlanner(AgentOptions options, Prng prng)
{
    /// <summary>Of a large batch only the newest are announced: a peer that fetches one fetches all.</summary>
    internal const int AnnouncementsMax = 16;

    private const int RelaysMax = 64;
    private const int HeardMax = 1024;
    private const int ToldMax = 4 * RepositoryChanges.ArtifactsMax;

    private static readonly TimeSpan RelayPauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RelayPauseSpread = TimeSpan.FromMilliseconds(900);

    private readonly List<Relay> _relays = [];
    private readonly HashSet<ArtifactId> _told = [];
    private readonly Queue<ArtifactId> _toldInOrder = new();
    private readonly HashSet<string> _heard = new(StringComparer.Ordinal);
    private readonly Queue<string> _heardInOrder = new();
    private string? _unversioned;
    private string? _tables;
    private bool _hasBaseline;

    /// <summary>Everything up to here was announced; null: nothing ever was.</summary>
    public RecordId? PublishedRid { get; private set; }

    public Instant? Deadline => _relays.Count == 0 ? null : _relays.Min(r => r.At);

    public void Restore(RecordId? publishedRid) => PublishedRid = publishedRid;

    /// <summary>
    /// Sorts changes into those to announce at once (the result) and those to relay later. True if the watermark moved.
    /// </summary>
    public bool Sort(Instant now, RepositoryChanges changes, bool isOwn, bool mustRelay, List<Announcement> tellNow)
    {
        var before = PublishedRid;
        var isFirst = PublishedRid is null;
        var fresh = new List<Announcement>();
        foreach (var artifact in changes.Artifacts)
            if (IsNew(artifact, before) && !isFirst)
                fresh.Add(
                    Of(
                        artifact.IsCheckIn ? AnnouncedKind.CheckIn : AnnouncedKind.Artifact, artifact.Id.ToString(),
                        artifact.Rid));

        // The first one received starts the session, so it names the files. A large batch is fetched in several rounds
        // anyway.
        if (fresh.Count > 0 && changes.Files.Count <= Announcement.FilesMax)
            fresh[0] = fresh[0] with { Files = [.. changes.Files.Select(f => f.ToString())] };

        AddCatalog(AnnouncedKind.Unversioned, changes.UnversionedCatalog, ref _unversioned, fresh);
        AddCatalog(AnnouncedKind.Tables, changes.TableCatalog, ref _tables, fresh);
        _hasBaseline = true;
        if (fresh.Count > AnnouncementsMax) fresh.RemoveRange(0, fresh.Count - AnnouncementsMax);

        // Only a hub repeats announcements of others: its leaves wait for its own.
        if (options.Role != NodeRole.Hub) fresh.RemoveAll(item => _heard.Contains(item.Uuid));
        if (isOwn) tellNow.AddRange(fresh);
        else if (mustRelay)
            foreach (var item in fresh)
                if (_relays.Count < RelaysMax)
                    _relays.Add(new Relay(item, now + RelayPauseMin + (RelayPauseSpread * prng.NextDouble())));

        var mark = changes.FirstPhantom.IsNone || changes.FirstPhantom > changes.MaxRid
            ? changes.MaxRid
            : new RecordId(changes.FirstPhantom.Value - 1);
        if (before is { } old && mark <= old) return false;

        PublishedRid = mark;
        return true;
    }

    /// <summary>True for a state of files or rows that equals the present one here.</summary>
    public bool IsKnown(Announcement announcement) => announcement.Kind switch
    {
        AnnouncedKind.Unversioned => announcement.Uuid == _unversioned,
        AnnouncedKind.Tables => announcement.Uuid == _tables,
        _ => false,
    };

    /// <summary>Another node announced it: this node need not.</summary>
    public void OnHeard(string uuid)
    {
        _relays.RemoveAll(r => r.Item.Uuid == uuid);
        if (!_heard.Add(uuid)) return;

        _heardInOrder.Enqueue(uuid);
        if (_heardInOrder.Count > HeardMax) _heard.Remove(_heardInOrder.Dequeue());
    }

    public List<Announcement> TakeRelays(Instant now)
    {
        var due = _relays.Where(r => r.At <= now).Select(r => r.Item).ToList();
        _relays.RemoveAll(r => r.At <= now);
        return due;
    }

    /// <summary>Above the watermark the announced artifacts are recorded, for phantoms may hold the watermark
    /// back.</summary>
    private bool IsNew(NewArtifact artifact, RecordId? watermark)
    {
        if (artifact.Rid <= watermark || !_told.Add(artifact.Id)) return false;

        _toldInOrder.Enqueue(artifact.Id);
        if (_toldInOrder.Count > ToldMax) _told.Remove(_toldInOrder.Dequeue());
        return true;
    }

    private void AddCatalog(AnnouncedKind kind, string? catalog, ref string? known, List<Announcement> fresh)
    {
        if (catalog is null || catalog == known) return;

        // Artifacts found at start are not announced.
        if (_hasBaseline) fresh.Add(Of(kind, catalog, RecordId.None));
        known = catalog;
    }

    private Announcement Of(AnnouncedKind kind, string uuid, RecordId rid) =>
        new() { Kind = kind, Uuid = uuid, Rid = rid.Value, PeerId = options.NodeId, Role = options.Role };

    private readonly record struct Relay(Announcement Item, Instant At);
}
