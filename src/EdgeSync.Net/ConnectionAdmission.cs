using System.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Net;

/// <summary>A connection as the connection limit uses it.</summary>
internal interface IAdmittedConnection
{
    /// <summary>No work is under way for it: it may be closed when another connection needs its place.</summary>
    bool IsIdle { get; }

    /// <summary>It may be closed when the port is full and its address has the most connections, idle or not.</summary>
    bool CanEvict { get; }

    /// <summary>The time of the last bytes from it.</summary>
    Instant LastActivity { get; }

    /// <summary>Closes it. Called under a lock: returns at once.</summary>
    void Evict();
}

/// <summary>
/// Bounds the open connections of a port: in all, and per address (<see cref="AddressGroup"/>). A connection of an
/// address at its limit replaces one of the same address; when the port is full, the oldest idle connection of the
/// address with the most is closed. So a client that opens thousands displaces only its own. Thread-safe.
/// </summary>
internal sealed class ConnectionAdmission(int connectionsMax, int perAddressMax)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, HashSet<IAdmittedConnection>> _members = [];
    private long _seenCount;

    /// <summary>Open connections.</summary>
    public int Count { get; private set; }

    /// <summary>Connections accepted so far, including rejected ones.</summary>
    public long SeenCount => Interlocked.Read(ref _seenCount);

    /// <summary>
    /// False when all places are taken: close the connection. An admitted one leaves by <see cref="Release"/>.
    /// </summary>
    public bool TryAdmit(IPAddress address, IAdmittedConnection member)
    {
        var group = AddressGroup.Of(address);
        lock (_lock)
        {
            _seenCount++;
            var own = _members.GetValueOrDefault(group);
            if (own?.Count >= perAddressMax && !TryEvict(group, own, isIdleOnly: true)) return false;
            if (Count >= connectionsMax && !TryEvictBusiest(group)) return false;

            if (!_members.TryGetValue(group, out own)) _members[group] = own = [];
            own.Add(member);
            Count++;
            return true;
        }
    }

    public void Release(IPAddress address, IAdmittedConnection member)
    {
        lock (_lock) Remove(AddressGroup.Of(address), member);
    }

    // Only an address with more connections than the new one's own loses one.
    private bool TryEvictBusiest(IPAddress newGroup)
    {
        var least = _members.GetValueOrDefault(newGroup)?.Count ?? 0;
        var busier = _members.Where(m => m.Value.Count > least).OrderByDescending(m => m.Value.Count).ToList();
        return busier.Exists(m => TryEvict(m.Key, m.Value, isIdleOnly: true))
            || busier.Exists(m => TryEvict(m.Key, m.Value, isIdleOnly: false));
    }

    private bool TryEvict(IPAddress group, HashSet<IAdmittedConnection> members, bool isIdleOnly)
    {
        if (members.Where(m => isIdleOnly ? m.IsIdle : m.CanEvict).MinBy(m => m.LastActivity) is not { } oldest)
            return false;

        Remove(group, oldest);
        oldest.Evict();
        return true;
    }

    private void Remove(IPAddress group, IAdmittedConnection member)
    {
        if (!_members.TryGetValue(group, out var members) || !members.Remove(member)) return;

        Count--;
        if (members.Count == 0) _members.Remove(group);
    }
}
