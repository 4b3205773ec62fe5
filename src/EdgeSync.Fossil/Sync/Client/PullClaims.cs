using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The artifacts that the sessions of one repository are requesting. Two new peers usually hold the same changes, and
/// without this each of them would send all of them, often over one slow link. So one session at a time requests an
/// artifact; the other ends without it, and reports that (<see cref="SyncReport.LeftToOthers"/>).
/// </summary>
/// <remarks>
/// A claim lasts from the request to its reply, and only as long as bytes of the reply arrive: a silent peer does not
/// keep other sessions from requesting the artifact. Used by the thread that owns the repository, except <see
/// cref="PullClaim.OnHeard"/>.
/// </remarks>
public sealed class PullClaims
{
    /// <summary>More than the sessions of an agent can request in one request each.</summary>
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

    /// <summary>Part of the reply has arrived. From any thread.</summary>
    public void OnHeard(Instant now) => Interlocked.Exchange(ref _heardAtTicks, now.UnixTicks);

    /// <summary>True when no other session is requesting it.</summary>
    internal bool IsFree(Instant now, ArtifactId id) => _all.IsFree(this, now, id);

    /// <summary>True, and from now on this session claims it.</summary>
    internal bool TryTake(Instant now, ArtifactId id)
    {
        if (!_all.IsFree(this, now, id)) return false;

        _all.Take(this, id);
        _taken.Add(id);
        return true;
    }

    /// <summary>The request got its reply, or was given up.</summary>
    internal void Release()
    {
        foreach (var id in _taken) _all.Release(this, id);
        _taken.Clear();
    }
}
