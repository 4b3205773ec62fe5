namespace EdgeSync.Primitives;

/// <summary>
/// Counts failed logins by address and login in a leaky bucket: each failure adds one, and one leaks out in every
/// <c>memory / failuresMax</c>. A full bucket means "wait", for that login from that address alone: a client that
/// guesses one password locks out neither other clients behind the same proxy nor the same login from another address,
/// and a right login of its own forgives nothing. One account serves HTTP, NATS and the broker ports of a process, so
/// that failures at all of them count together. Takes the time as an argument; thread-safe.
/// </summary>
/// <remarks>
/// A realm is what checks the password: a repository, the broker. Failures in several realms expire by time alone,
/// because a right login in one realm proves nothing about the others.
/// </remarks>
public sealed class LoginThrottle(int failuresMax, TimeSpan memory)
{
    // Bounded, because an attacker can send any number of logins; the emptiest bucket is dropped first.
    private const int BucketsMax = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Address, string Login), Bucket> _buckets = [];
    private readonly TimeSpan _leak = memory / failuresMax;

    /// <summary>Ten failures, each counted for a minute.</summary>
    public LoginThrottle()
        : this(10, TimeSpan.FromMinutes(1))
    {
    }

    /// <summary>The pause until one more try is allowed.</summary>
    public TimeSpan Pause => _leak;

    /// <summary>How long the login has to wait at that address; zero when it need not.</summary>
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

    /// <summary>A successful login removes its own failures in the same realm.</summary>
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

    /// <param name="EmptyAt">When the bucket has leaked out.</param>
    /// <param name="Realm">The realm of all its failures; null when they are of several.</param>
    private readonly record struct Bucket(Instant EmptyAt, string? Realm);
}
