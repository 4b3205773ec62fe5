using EdgeSync.Primitives;

namespace EdgeSync.Can.Dav;

/// <summary>A write lock of a client.</summary>
/// <param name="Token">Of the form <c>urn:uuid:…</c>.</param>
/// <param name="Path">What it locks.</param>
/// <param name="IsDeep">With everything below.</param>
/// <param name="IsExclusive">No other lock beside it.</param>
/// <param name="Owner">The text of the client.</param>
/// <param name="Timeout">That was granted.</param>
/// <param name="EndsAt">When it is over.</param>
public sealed record DavLock(
    string Token, string Path, bool IsDeep, bool IsExclusive, string Owner, TimeSpan Timeout, Instant EndsAt);

/// <summary>
/// Locks of clients, in memory: a restart ends them, and so does their timeout. They keep clients of this tree apart,
/// nobody else: assets never change, so a lock protects no content. Thread-safe.
/// </summary>
public sealed class DavLocks(Entropy entropy)
{
    /// <summary>Of all clients.</summary>
    public const int CountMax = 1000;

    /// <summary>The longest that is granted.</summary>
    public static readonly TimeSpan TimeoutMax = TimeSpan.FromHours(1);

    /// <summary>Without a wish of the client.</summary>
    public static readonly TimeSpan TimeoutDefault = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DavLock> _locks = [];

    /// <summary>Grants a lock; null when another one is in the way, or there are too many.</summary>
    public DavLock? TryLock(string path, bool isDeep, bool isExclusive, string owner, TimeSpan timeout, Instant now)
    {
        lock (_gate)
        {
            RemoveOver(now);
            if (_locks.Count >= CountMax) return null;
            if (_locks.Values.Any(l => (isExclusive || l.IsExclusive)
                && (Covers(l, path) || (isDeep && IsBelow(l.Path, path))))) return null;

            var hex = entropy.NextHex(32);
            var token = $"urn:uuid:{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
            return _locks[token] = new DavLock(token, path, isDeep, isExclusive, owner, timeout, now + timeout);
        }
    }

    /// <summary>Begins the timeout of a lock again; null when it does not cover the path.</summary>
    public DavLock? Refresh(string token, string path, TimeSpan timeout, Instant now)
    {
        lock (_gate)
        {
            RemoveOver(now);
            return !_locks.TryGetValue(token, out var held) || !Covers(held, path) ? null
                : _locks[token] = held with { Timeout = timeout, EndsAt = now + timeout };
        }
    }

    /// <summary>Ends a lock; false when it does not cover the path.</summary>
    public bool Unlock(string token, string path, Instant now)
    {
        lock (_gate)
        {
            RemoveOver(now);
            return _locks.TryGetValue(token, out var held) && Covers(held, path) && _locks.Remove(token);
        }
    }

    /// <summary>The locks that cover a path.</summary>
    public IReadOnlyList<DavLock> Of(string path, Instant now)
    {
        lock (_gate)
        {
            if (_locks.Count == 0) return [];

            RemoveOver(now);
            return [.. _locks.Values.Where(l => Covers(l, path))];
        }
    }

    /// <summary>Ends the locks of a path that no longer exists.</summary>
    public void Remove(string path)
    {
        lock (_gate)
        {
            foreach (var held in _locks.Values.Where(l => l.Path == path).ToList()) _locks.Remove(held.Token);
        }
    }

    private static bool Covers(DavLock held, string path) =>
        held.Path == path || (held.IsDeep && IsBelow(path, held.Path));

    private static bool IsBelow(string path, string folder) =>
        path.StartsWith(folder, StringComparison.Ordinal) && folder.EndsWith('/');

    private void RemoveOver(Instant now)
    {
        foreach (var (token, held) in _locks)
        {
            if (held.EndsAt <= now) _locks.Remove(token);
        }
    }
}
