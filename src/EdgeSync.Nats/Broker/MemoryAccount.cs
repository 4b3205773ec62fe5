namespace EdgeSync.Nats.Broker;

/// <summary>
/// One kind of memory that connections take from the broker: bounded in all, per address and per connection, so that no
/// client takes more than its share. The broker's own in-process clients are counted and never rejected.
/// </summary>
internal sealed class MemoryAccount(long bytesMax)
{
    /// <summary>One address takes at most half of everything.</summary>
    private const int GroupPart = 2;

    /// <summary>One connection takes at most a quarter.</summary>
    private const int ConnectionPart = 4;

    private readonly Dictionary<string, long> _groups = new(StringComparer.Ordinal);

    /// <summary>Bytes held by all connections together.</summary>
    public long Taken { get; private set; }

    public long BytesMax => bytesMax;

    public long ConnectionBytesMax => bytesMax / ConnectionPart;

    /// <summary>Bytes held by the connections of one address.</summary>
    public long TakenBy(string group) => _groups.GetValueOrDefault(group);

    /// <summary>
    /// Takes bytes for a connection that holds <paramref name="held"/>; false, and nothing taken, when a bound is
    /// exceeded.
    /// </summary>
    public bool TryTake(ConnectionOrigin origin, long held, long bytes)
    {
        var group = TakenBy(origin.Group);
        var isBounded = origin.Transport != ConnectionTransport.InProcess;
        if (isBounded
            && (Taken + bytes > bytesMax || group + bytes > bytesMax / GroupPart || held + bytes > ConnectionBytesMax))
            return false;

        Taken += bytes;
        _groups[origin.Group] = group + bytes;
        return true;
    }

    public void Release(ConnectionOrigin origin, long bytes)
    {
        if (bytes == 0) return;

        Taken -= bytes;
        var rest = TakenBy(origin.Group) - bytes;
        if (rest > 0) _groups[origin.Group] = rest;
        else _groups.Remove(origin.Group);
    }
}
