using EdgeSync.Agent.Messages;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>
/// Announced artifacts that are missing here. Each names the target to fetch it from and the time until which it waits
/// for others (a hub that will fetch it first). Bounded: a session fetches everything, so names beyond the bound are
/// not missed.
/// </summary>
internal sealed class WantedList
{
    internal const int CountMax = 1024;

    /// <summary>Per source: one that announces more is synced with anyway, and a session fetches everything.</summary>
    internal const int PerSourceMax = 128;

    private const int ArtifactsMax = 256;

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public int Count => _entries.Count;

    /// <summary>When the first wait is over.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? first = null;
            foreach (var entry in _entries.Values)
                if (!entry.IsAsked && (first is null || entry.AskAt < first))
                    first = entry.AskAt;
            return first;
        }
    }

    public bool Contains(string uuid) => _entries.ContainsKey(uuid);

    public bool TryAdd(Announcement announcement, SyncTarget source, Instant now, Instant askAt)
    {
        if (_entries.Count >= CountMax) return false;
        if (_entries.TryGetValue(announcement.Uuid, out var old) && old.AskAt <= askAt) return false;

        if (old is null && _entries.Values.Count(e => e.Source.Id == source.Id) >= PerSourceMax) return false;

        _entries[announcement.Uuid] = new Entry(
            source, now, askAt, IsAsked: askAt <= now, announcement.Artifacts(), ActionsOf(announcement.Kind));
        return true;
    }

    public bool Remove(string uuid) => _entries.Remove(uuid);

    /// <summary>The artifacts to request from a target by name.</summary>
    public List<ArtifactId> ArtifactsOf(string targetId)
    {
        var artifacts = new List<ArtifactId>();
        foreach (var entry in _entries.Values)
            if (entry.Source.Id == targetId && artifacts.Count < ArtifactsMax)
                artifacts.AddRange(entry.Artifacts);
        return artifacts;
    }

    /// <summary>The actions that fetch all that a target announced; none if it announced nothing.</summary>
    public SyncActions KindsOf(string targetId)
    {
        var actions = SyncActions.None;
        foreach (var entry in _entries.Values)
            if (entry.Source.Id == targetId)
                actions |= entry.Actions;
        return actions;
    }

    /// <summary>Sources to sync with now because no other target sent their artifacts.</summary>
    public List<SyncTarget> TakeDue(Instant now)
    {
        var due = new List<SyncTarget>();
        foreach (var (uuid, entry) in _entries)
            if (!entry.IsAsked && entry.AskAt <= now)
                due.Add(entry.Source);
        if (due.Count == 0) return due;

        foreach (var (uuid, entry) in _entries.ToList())
            if (!entry.IsAsked && entry.AskAt <= now)
                _entries[uuid] = entry with { IsAsked = true };
        return due.DistinctBy(t => t.Id).ToList();
    }

    /// <summary>
    /// A session that started after an announcement has fetched its artifact, or the announcer has lost it: either way
    /// it need not be requested again.
    /// </summary>
    public void OnAnswered(string targetId, Instant startedAt)
    {
        foreach (var (uuid, entry) in _entries.ToList())
            if (entry.Source.Id == targetId && entry.HeardAt <= startedAt)
                _entries.Remove(uuid);
    }

    /// <summary>True if a target announced something after its session started.</summary>
    public bool HasNewer(string targetId, Instant startedAt) =>
        _entries.Values.Any(e => e.Source.Id == targetId && e.HeardAt > startedAt);

    /// <summary>Drops artifacts that did not arrive for long: the fallback poll finds them.</summary>
    public void DropOlder(Instant than)
    {
        foreach (var (uuid, entry) in _entries.ToList())
            if (entry.HeardAt < than)
                _entries.Remove(uuid);
    }

    private static SyncActions ActionsOf(AnnouncedKind kind) => kind switch
    {
        AnnouncedKind.Unversioned => SyncActions.Unversioned,
        AnnouncedKind.Tables => SyncActions.Tables,
        _ => SyncActions.Pull | SyncActions.Private,
    };

    private sealed record Entry(
        SyncTarget Source, Instant HeardAt, Instant AskAt, bool IsAsked, IReadOnlyList<ArtifactId> Artifacts,
        SyncActions Actions);
}
