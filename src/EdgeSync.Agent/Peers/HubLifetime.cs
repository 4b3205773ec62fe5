using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// Ends a hub that nobody uses: when no leaf was linked for a while, counted from the last one's leaving, or from the
/// start if none ever came.
/// </summary>
public sealed class HubLifetime(TimeSpan idleMax, Instant now)
{
    /// <summary>When to look again; null while leaves are linked.</summary>
    public Instant? Deadline { get; private set; } = now + idleMax;

    public void OnLeaves(Instant now, int count)
    {
        if (count > 0) Deadline = null;
        else Deadline ??= now + idleMax;
    }

    /// <summary>True: it is time to stop.</summary>
    public bool IsOver(Instant now) => Deadline is { } deadline && now >= deadline;
}
