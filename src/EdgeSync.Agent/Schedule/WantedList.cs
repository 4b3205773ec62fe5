using EdgeSync.Agent.Messages;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>
/// Announced things that are not here. Each names the target that should bring it and the moment from which waiting for
/// others (a hub that will fetch it first) is over. Bounded: an exchange fetches everything, so names beyond the bound
/// are not missed.
/// </summary>
internal sealed class WantedList
{
    internal const int CountMax = 1024;

    /// <summary>Of one source: who announces more has to be asked anyway, and an exchange brings everything.</summary>
    internal const int PerSourceMax = 128;

    private const int ArtifactsMax = 256;

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public int Count => _entries.Count;

    /// <summary>When waiting for the first of them is over.</summary>
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

    /// <summary>What a target can be asked for by name.</summary>
    public List<ArtifactId> ArtifactsOf(string targetId)
    {
        var artifacts = new List<ArtifactId>();
        foreach (var entry in _entries.Values)
            if (entry.Source.Id == targetId && artifacts.Count < ArtifactsMax)
                artifacts.AddRange(entry.Artifacts);
        return artifacts;
    }

    /// <summary>What an exchange must do to bring all that a target told of; nothing if it told of nothing.</summary>
    public SyncActions KindsOf(string targetId)
    {
        var actions = SyncActions.None;
        foreach (var entry in _entries.Values)
            if (entry.Source.Id == targetId)
                actions |= entry.Actions;
        return actions;
    }

    /// <summary>Sources to ask now because nobody else brought what they have.</summary>
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
    /// An exchange that began after something was announced has brought it, or its announcer has lost it: either way it
    /// need not be asked for again.
    /// </summary>
    public void OnAnswered(string targetId, Instant startedAt)
    {
        foreach (var (uuid, entry) in _entries.ToList())
            if (entry.Source.Id == targetId && entry.HeardAt <= startedAt)
                _entries.Remove(uuid);
    }

    /// <summary>True if something is wanted of a target that was announced after its exchange began.</summary>
    public bool HasNewer(string targetId, Instant startedAt) =>
        _entries.Values.Any(e => e.Source.Id == targetId && e.HeardAt > startedAt);

    /// <summary>Forgets what nobody brought for long: the fallback poll is left to find it.</summary>
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
