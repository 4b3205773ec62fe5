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
    /// <summary>Of what a restart brings back: a table that is damaged must not fill the memory.</summary>
    private const int CountMax = 1_000_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private readonly Queue<Instant> _recent = new();
    private Instant? _openUntil;
    private Instant _newest;

    /// <summary>Whether it stands until a person has decided.</summary>
    public bool IsTripped { get; private set; }

    /// <summary>What a restart must not forget: otherwise each one would let as many deletions pass again.</summary>
    public DeletionCount State => new(_recent.Count, _newest, IsTripped);

    /// <summary>Goes on after a restart. All that was counted counts as made with the last of it.</summary>
    /// <param name="now">The time; the clock may have been set back.</param>
    /// <param name="state">As it was.</param>
    public void Restore(Instant now, DeletionCount state)
    {
        IsTripped = state.IsTripped;
        _newest = state.Newest < now ? state.Newest : now;
        _recent.Clear();
        for (var i = 0; i < Math.Min(state.Count, CountMax); i++) _recent.Enqueue(_newest);
    }

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
        _newest = now;
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

/// <summary>What a <see cref="DeletionGuard"/> has counted.</summary>
/// <param name="Count">Deletions of the last ten minutes.</param>
/// <param name="Newest">The last of them.</param>
/// <param name="IsTripped">A person is to decide.</param>
public readonly record struct DeletionCount(int Count, Instant Newest, bool IsTripped);
