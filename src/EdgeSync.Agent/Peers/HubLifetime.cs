using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// Ends an unused hub: when no leaf was linked for a while, counted from the end of the last one, or from the start if
/// none was ever linked.
/// </summary>
public sealed class HubLifetime(TimeSpan idleMax, Instant now)
{
    /// <summary>When to check again; null while leaves are linked.</summary>
    public Instant? Deadline { get; private set; } = now + idleMax;

    public void OnLeaves(Instant now, int count)
    {
        if (count > 0) Deadline = null;
        else Deadline ??= now + idleMax;
    }

    /// <summary>True: the hub should stop.</summary>
    public bool IsOver(Instant now) => Deadline is { } deadline && now >= deadline;
}
