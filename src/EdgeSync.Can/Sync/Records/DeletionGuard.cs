using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// Stops when more is deleted in a while than a person would: an emptied or unmounted folder, or a program that went
/// wrong, must not empty every store of the mirror.
/// </summary>
/// <param name="countMin">So many are never too many.</param>
/// <param name="share">Of all assets.</param>
public sealed class DeletionGuard(int countMin = 50, double share = 0.2)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private readonly Queue<Instant> _recent = new();
    private Instant? _openUntil;

    /// <summary>Whether it stands until a person has decided.</summary>
    public bool IsTripped { get; private set; }

    /// <summary>Whether one more deletion may pass.</summary>
    /// <param name="now">The time.</param>
    /// <param name="assets">How many there are.</param>
    public bool Allows(Instant now, int assets)
    {
        if (_openUntil is { } until && now < until) return true;
        if (IsTripped) return false;

        while (_recent.TryPeek(out var oldest) && now - oldest >= Window) _recent.Dequeue();
        // Of the number before those that went.
        if (_recent.Count >= Math.Max(countMin, (assets + _recent.Count) * share))
        {
            IsTripped = true;
            return false;
        }

        _recent.Enqueue(now);
        return true;
    }

    /// <summary>Whether so many at once may pass; they are not counted.</summary>
    public bool AllowsAtOnce(Instant now, int count, int assets)
    {
        if (_openUntil is { } until && now < until) return true;
        if (count <= Math.Max(countMin, assets * share)) return true;

        IsTripped = true;
        return false;
    }

    /// <summary>A person has decided that they are meant.</summary>
    public void Open(Instant now)
    {
        (IsTripped, _openUntil) = (false, now + Window);
        _recent.Clear();
    }

    /// <summary>A person has decided that they are not meant.</summary>
    public void Reset()
    {
        IsTripped = false;
        _recent.Clear();
    }
}
