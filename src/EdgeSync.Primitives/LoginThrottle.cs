namespace EdgeSync.Primitives;

/// <summary>
/// Counts failed logins by address and login in a leaky bucket: each failure adds one, and one leaks out in every
/// <c>memory / failuresMax</c>. A full bucket means "wait", for that login from that address alone: who guesses one
/// password locks out neither others behind the same proxy nor the same login from elsewhere, and a right login of
/// one's own forgives nothing. One account serves all doors of a process, so that guesses at one count at all. Knows no
/// clock; thread-safe.
/// </summary>
/// <remarks>
/// A realm is who checks the password: a repository, the broker. Failures in several realms are forgiven by time alone,
/// as a login that is right in one of them says nothing of the others.
/// </remarks>
public sealed class LoginThrottle(int failuresMax, TimeSpan memory)
{
    // A flood of names must not grow this without end; dropping the emptiest is what hurts least.
    private const int BucketsMax = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Address, string Login), Bucket> _buckets = [];
    private readonly TimeSpan _leak = memory / failuresMax;

    /// <summary>Ten failures, each counted for a minute.</summary>
    public LoginThrottle()
        : this(10, TimeSpan.FromMinutes(1))
    {
    }

    /// <summary>After so long one more try is allowed.</summary>
    public TimeSpan Pause => _leak;

    /// <summary>How long the login has to wait there; zero if it need not.</summary>
    public TimeSpan WaitOf(string address, string login, Instant now)
    {
        lock (_gate)
        {
            if (!_buckets.TryGetValue((address, login), out var bucket)) return TimeSpan.Zero;

            // Full when the level, after leaking, leaves no room for one more failure.
            var wait = bucket.EmptyAt - now - (_leak * (failuresMax - 1));
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    public void OnFailure(string address, string login, string realm, Instant now)
    {
        var key = (address, login);
        lock (_gate)
        {
            var isKnown = _buckets.TryGetValue(key, out var bucket);
            if (!isKnown && _buckets.Count >= BucketsMax) MakeRoom(now);
            _buckets[key] = isKnown && bucket.EmptyAt > now
                ? new Bucket(bucket.EmptyAt + _leak, bucket.Realm == realm ? realm : null)
                : new Bucket(now + _leak, realm);
        }
    }

    /// <summary>A login that succeeds forgives its own failures in the same realm.</summary>
    public void OnSuccess(string address, string login, string realm)
    {
        lock (_gate)
        {
            if (_buckets.TryGetValue((address, login), out var bucket) && bucket.Realm == realm)
                _buckets.Remove((address, login));
        }
    }

    private void MakeRoom(Instant now)
    {
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.EmptyAt <= now) _buckets.Remove(key);
        }

        if (_buckets.Count >= BucketsMax) _buckets.Remove(_buckets.MinBy(b => b.Value.EmptyAt).Key);
    }

    /// <param name="EmptyAt">When all of it has leaked out.</param>
    /// <param name="Realm">Of all its failures; null when they are of several.</param>
    private readonly record struct Bucket(Instant EmptyAt, string? Realm);
}
