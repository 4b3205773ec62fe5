using EdgeSync.Primitives;

namespace EdgeSync.Agent.Watch;

/// <summary>
/// Decides when a watched folder is scanned: after no file changed for a while, so that an editor or a build has
/// finished; but not later than <see cref="PatienceFactor"/> such intervals, so that a log file in it does not delay
/// commits for ever. After a failure the pause doubles, up to five minutes.
/// </summary>
public sealed class FolderSettling
{
    public const int PatienceFactor = 30;

    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(5);

    private readonly TimeSpan _quiet;
    private Instant? _firstChange;
    private TimeSpan _retry;

    public FolderSettling(TimeSpan quiet) => (_quiet, _retry) = (quiet, quiet);

    /// <summary>When to scan; null without changes.</summary>
    public Instant? Deadline { get; private set; }

    /// <summary>The folder has changed, or may have.</summary>
    public void OnChange(Instant now)
    {
        // A clock that was set back must not extend the interval.
        if (_firstChange is null || now < _firstChange) _firstChange = now;
        var latest = _firstChange.Value + (_quiet * PatienceFactor);
        var settled = now + _quiet;
        Deadline = settled < latest ? settled : latest;
    }

    /// <summary>True: scan now. Changes from here on begin a new wait.</summary>
    public bool OnDeadline(Instant now)
    {
        if (Deadline is not { } deadline || now < deadline) return false;

        (Deadline, _firstChange) = (null, null);
        return true;
    }

    public void OnDone() => _retry = _quiet;

    public void OnFailed(Instant now)
    {
        Deadline = now + _retry;
        _retry = _retry * 2 < RetryMax ? _retry * 2 : RetryMax;
    }
}
