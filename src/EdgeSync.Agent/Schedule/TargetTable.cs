using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>
/// All targets of one repository. Their sessions run concurrently, at most <c>syncsMax</c> at once; the one due longest
/// starts first.
/// </summary>
internal sealed class TargetTable(int syncsMax, Prng prng)
{
    /// <summary>Transient peers leave states behind; beyond this the idle ones are dropped.</summary>
    internal const int StatesMax = 256;

    private readonly SortedDictionary<string, TargetState> _states = new(StringComparer.Ordinal);

    public IEnumerable<TargetState> All => _states.Values;

    public IEnumerable<TargetState> Configured => _states.Values.Where(s => s.IsConfigured);

    public TargetState? Find(string id) => _states.GetValueOrDefault(id);

    public TargetState? FindRunning(long syncId) =>
        _states.Values.FirstOrDefault(s => s.SyncId == syncId && s.IsRunning);

    public TargetState Get(SyncTarget target)
    {
        if (_states.TryGetValue(target.Id, out var state)) return state;

        if (_states.Count >= StatesMax) DropIdle();
        return _states[target.Id] = new TargetState(target, isConfigured: false, prng);
    }

    public void Configure(SyncTarget target) => _states[target.Id] = new TargetState(target, isConfigured: true, prng);

    public void Remove(string id) => _states.Remove(id);

    /// <summary>The repository has changed: no target has the changes yet except their source.</summary>
    public void OnChange(string? except = null)
    {
        foreach (var (id, state) in _states)
            if (id != except)
                state.OnChange();
    }

    /// <summary>
    /// Targets without a successful session take at most half of the places: many forged node ids must not delay a
    /// commit.
    /// </summary>
    private int UnprovenMax => Math.Max(1, syncsMax / 2);

    /// <summary>When a session is to be started.</summary>
    public Instant? Deadline
    {
        get
        {
            if (_states.Values.Count(s => s.IsRunning) >= syncsMax) return null;

            var isFull = IsFullOfUnproven;
            Instant? first = null;
            foreach (var state in _states.Values)
                if (state.DueAt is { } due && (first is null || due < first) && (!isFull || state.IsProven))
                    first = due;
            return first;
        }
    }

    private bool IsFullOfUnproven =>
        _states.Values.Count(s => s is { IsRunning: true, IsProven: false }) >= UnprovenMax;

    /// <summary>The next target to start, if one is due and there is room.</summary>
    public bool TryNext(Instant now, out TargetState next)
    {
        next = null!;
        if (_states.Values.Count(s => s.IsRunning) >= syncsMax) return false;

        // Targets with a successful session come first, then the one due longest.
        var isFull = IsFullOfUnproven;
        foreach (var state in _states.Values)
        {
            if (state.DueAt is not { } due || due > now || (isFull && !state.IsProven)) continue;
            if (next is null || (state.IsProven && !next.IsProven)
                || (state.IsProven == next.IsProven && due < next.DueAt))
                next = state;
        }

        return next is not null;
    }

    private void DropIdle()
    {
        foreach (var (id, state) in _states.ToList())
            if (!state.IsConfigured && !state.IsRunning && (!state.HasRequest || state.HasNoCredit))
                _states.Remove(id);
    }
}
