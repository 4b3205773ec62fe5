using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Discovery;

public enum PkarrPutResult
{
    Stored,

    /// <summary>There is a packet with a later timestamp.</summary>
    Older,
}

/// <summary>
/// The packets that a pkarr relay keeps: the latest of each id, for a time, and not more than its limit. The id that
/// has published the longest ago makes room.
/// </summary>
public sealed class PkarrStore(int packetsMax, TimeSpan lifetime)
{
    private readonly Dictionary<EndpointId, LinkedListNode<Entry>> _entries = [];

    /// <summary>By the time of publication, the latest last.</summary>
    private readonly LinkedList<Entry> _order = new();

    public int Count => _entries.Count;

    /// <summary>Keeps the packet unless a later one is there. Its signature was checked when it was read.</summary>
    public PkarrPutResult Put(Instant now, SignedPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        DropOld(now);
        if (_entries.TryGetValue(packet.Id, out var before))
        {
            if (before.Value.Packet.Timestamp > packet.Timestamp) return PkarrPutResult.Older;

            _order.Remove(before);
        }
        else if (_entries.Count >= packetsMax)
        {
            Drop(_order.First!.Value);
        }

        _entries[packet.Id] = _order.AddLast(new Entry(packet, now));
        return PkarrPutResult.Stored;
    }

    public bool TryGet(Instant now, EndpointId id, [NotNullWhen(true)] out SignedPacket? packet)
    {
        DropOld(now);
        packet = _entries.TryGetValue(id, out var entry) ? entry.Value.Packet : null;
        return packet is not null;
    }

    private void DropOld(Instant now)
    {
        while (_order.First is { } oldest && now - oldest.Value.At >= lifetime) Drop(oldest.Value);
    }

    private void Drop(Entry entry)
    {
        _order.Remove(_entries[entry.Packet.Id]);
        _entries.Remove(entry.Packet.Id);
    }

    private sealed record Entry(SignedPacket Packet, Instant At);
}
