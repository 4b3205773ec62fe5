using System.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Net;

/// <summary>A connection among many, as the limit on them sees it.</summary>
internal interface ICrowdMember
{
    /// <summary>Nothing is being done for it: it may go when room is needed.</summary>
    bool IsIdle { get; }

    /// <summary>It may go when all is full and its address is the busiest, idle or not.</summary>
    bool MayGo { get; }

    /// <summary>When something last came from it.</summary>
    Instant LastActivity { get; }

    /// <summary>Ends it. Called under a lock: returns at once.</summary>
    void Evict();
}

/// <summary>
/// Bounds the open connections of a port: in all, and for one address (<see cref="AddressGroup"/>). A connection of an
/// address that has its share makes room among its own; when all is full, the oldest idle connection of the busiest
/// address goes. So a stranger that opens thousands takes places from itself alone. Thread-safe.
/// </summary>
internal sealed class ConnectionCrowd(int connectionsMax, int perAddressMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, HashSet<ICrowdMember>> _members = [];
    private long _seenCount;

    /// <summary>Open at this moment.</summary>
    public int Count { get; private set; }

    /// <summary>Connections that came so far, the refused ones included.</summary>
    public long SeenCount => Interlocked.Read(ref _seenCount);

    /// <summary>
    /// False when there is no room: the connection is to be closed. What entered leaves by <see cref="Leave"/>.
    /// </summary>
    public bool TryEnter(IPAddress address, ICrowdMember member)
    {
        var group = AddressGroup.Of(address);
        lock (_gate)
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

    public void Leave(IPAddress address, ICrowdMember member)
    {
        lock (_gate) Remove(AddressGroup.Of(address), member);
    }

    // Only an address with more than the newcomer's own has to give way.
    private bool TryEvictBusiest(IPAddress newcomer)
    {
        var least = _members.GetValueOrDefault(newcomer)?.Count ?? 0;
        var busier = _members.Where(m => m.Value.Count > least).OrderByDescending(m => m.Value.Count).ToList();
        return busier.Exists(m => TryEvict(m.Key, m.Value, isIdleOnly: true))
            || busier.Exists(m => TryEvict(m.Key, m.Value, isIdleOnly: false));
    }

    private bool TryEvict(IPAddress group, HashSet<ICrowdMember> members, bool isIdleOnly)
    {
        if (members.Where(m => isIdleOnly ? m.IsIdle : m.MayGo).MinBy(m => m.LastActivity) is not { } oldest)
            return false;

        Remove(group, oldest);
        oldest.Evict();
        return true;
    }

    private void Remove(IPAddress group, ICrowdMember member)
    {
        if (!_members.TryGetValue(group, out var members) || !members.Remove(member)) return;

        Count--;
        if (members.Count == 0) _members.Remove(group);
    }
}
