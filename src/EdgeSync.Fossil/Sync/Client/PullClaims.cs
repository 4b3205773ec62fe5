using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// What the sessions of one repository ask for at this moment. Two peers that are met at once hold the same news, and
/// without this each of them would send all of it, over what is one slow link more often than not. So an artifact is
/// asked for by one session at a time; the other ends without it, and says so (<see cref="SyncReport.LeftToOthers"/>).
/// </summary>
/// <remarks>
/// A claim lasts from the request to its reply, and only as long as something of that is heard: a peer that fell silent
/// keeps nobody from asking another. Used by the thread that owns the repository, but for
/// <see cref="PullClaim.OnHeard"/>.
/// </remarks>
public sealed class PullClaims
{
    /// <summary>Above what the sessions of an agent can ask for in one request each.</summary>
    internal const int CountMax = 200_000;

    internal static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(20);

    private readonly Dictionary<ArtifactId, PullClaim> _holders = [];

    /// <summary>For one session.</summary>
    public PullClaim Open(Instant now) => new(this, now);

    internal int Count => _holders.Count;

    internal bool IsFree(PullClaim who, Instant now, ArtifactId id) =>
        !_holders.TryGetValue(id, out var holder) || holder == who || now >= holder.HeardAt + SilenceMax;

    internal void Take(PullClaim who, ArtifactId id)
    {
        if (_holders.Count < CountMax || _holders.ContainsKey(id)) _holders[id] = who;
    }

    internal void Release(PullClaim who, ArtifactId id)
    {
        if (_holders.TryGetValue(id, out var holder) && holder == who) _holders.Remove(id);
    }
}

/// <summary>One session's part of <see cref="PullClaims"/>.</summary>
public sealed class PullClaim
{
    private readonly PullClaims _all;
    private readonly List<ArtifactId> _taken = [];
    private long _heardAtTicks;

    internal PullClaim(PullClaims all, Instant now) => (_all, _heardAtTicks) = (all, now.UnixTicks);

    internal Instant HeardAt => new(Interlocked.Read(ref _heardAtTicks));

    /// <summary>Something of the reply has arrived. From any thread.</summary>
    public void OnHeard(Instant now) => Interlocked.Exchange(ref _heardAtTicks, now.UnixTicks);

    /// <summary>True where no other session is asking for it.</summary>
    internal bool IsFree(Instant now, ArtifactId id) => _all.IsFree(this, now, id);

    /// <summary>True, and from now on it is this session's.</summary>
    internal bool TryTake(Instant now, ArtifactId id)
    {
        if (!_all.IsFree(this, now, id)) return false;

        _all.Take(this, id);
        _taken.Add(id);
        return true;
    }

    /// <summary>The request was answered, or is given up.</summary>
    internal void Release()
    {
        foreach (var id in _taken) _all.Release(this, id);
        _taken.Clear();
    }
}
