namespace EdgeSync.Primitives;

/// <summary>
/// Counts failed logins by address and login in a leaky bucket: each failure adds one, and one leaks out in every
/// <c>memory / failuresMax</c>. A full bucket means "wait", for that login from that address alone: who guesses one password
/// locks out neither others behind the same proxy nor the same login from elsewhere, and a right login of one's own forgives
/// nothing. Knows no clock; not thread-safe.
/// </summary>
public sealed class LoginThrottle(int failuresMax, TimeSpan memory)
{
    // A flood of names must not grow this without end; dropping the emptiest is what hurts least.
    private const int BucketsMax = 4096;

    private readonly Dictionary<(string Address, string Login), Instant> _emptyAt = [];
    private readonly TimeSpan _leak = memory / failuresMax;

    /// <summary>How long the login has to wait there; zero if it need not.</summary>
    public TimeSpan WaitOf(string address, string login, Instant now)
    {
        if (!_emptyAt.TryGetValue((address, login), out var emptyAt)) return TimeSpan.Zero;

        // Full when the level, after leaking, leaves no room for one more failure.
        var wait = emptyAt - now - (_leak * (failuresMax - 1));
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    public void OnFailure(string address, string login, Instant now)
    {
        var key = (address, login);
        var from = _emptyAt.TryGetValue(key, out var emptyAt) && emptyAt > now ? emptyAt : now;
        if (!_emptyAt.ContainsKey(key) && _emptyAt.Count >= BucketsMax) MakeRoom(now);
        _emptyAt[key] = from + _leak;
    }

    /// <summary>A login that succeeds forgives its own failures.</summary>
    public void OnSuccess(string address, string login) => _emptyAt.Remove((address, login));

    private void MakeRoom(Instant now)
    {
        foreach (var (key, emptyAt) in _emptyAt)
        {
            if (emptyAt <= now) _emptyAt.Remove(key);
        }

        if (_emptyAt.Count >= BucketsMax) _emptyAt.Remove(_emptyAt.MinBy(p => p.Value).Key);
    }
}
