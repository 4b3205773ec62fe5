using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>What the shell has to do, or the program learns.</summary>
public abstract record RendezvousEffect
{
    /// <summary>Ask a pkarr relay for the record of a slot; its end is <see cref="Rendezvous.OnResolved"/>.</summary>
    /// <param name="Slot">0 to 7.</param>
    /// <param name="Key">The name of the record.</param>
    public sealed record Resolve(int Slot, EndpointId Key) : RendezvousEffect;

    /// <summary>Publish the record of the slot that this endpoint has claimed.</summary>
    public sealed record Publish(int Slot, SignedPacket Packet) : RendezvousEffect;

    /// <summary>Another endpoint with the passphrase; told at each scan.</summary>
    public sealed record Found(EndpointId Peer) : RendezvousEffect;
}

/// <summary>
/// Endpoints with the same passphrase meet in eight records that they all can sign: each endpoint writes its id into
/// a free one, and reads all of them. Where all eight are in use an endpoint claims none: it finds the eight, and is
/// found through them. Spec: can.md §7.2.
/// </summary>
/// <remarks>
/// A record is in use while its timestamp goes on, watched by this endpoint's own clock: records of an endpoint whose
/// clock is wrong by years are neither stale nor there for ever.
/// </remarks>
public sealed class Rendezvous(SyncKeys keys, EndpointId self, Instant now)
{
    /// <summary>The label of the TXT record.</summary>
    public const string Label = "_can_sync";

    /// <summary>How long others may keep a record, in seconds.</summary>
    public const uint TtlSeconds = 300;

    private static readonly TimeSpan PublishInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ScanInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(TtlSeconds);

    private readonly Slot[] _slots = [.. Enumerable.Range(0, SyncKeys.Slots).Select(_ => new Slot())];
    private readonly Queue<RendezvousEffect> _effects = new();
    private Instant _scanAt = now;
    private Instant _publishAt = now;
    private int _unresolved;

    /// <summary>The slot that has this endpoint's id; null while none is claimed.</summary>
    public int? Claimed { get; private set; }

    public Instant? Deadline => _scanAt;

    public bool TryTake(out RendezvousEffect effect) => _effects.TryDequeue(out effect!);

    /// <summary>A scan begins when one is due. What a scan before has not found until now is not awaited.</summary>
    public void OnDeadline(Instant now)
    {
        if (now < _scanAt) return;

        _scanAt = now + ScanInterval;
        _unresolved = SyncKeys.Slots;
        for (var slot = 0; slot < _slots.Length; slot++)
        {
            using var key = keys.SlotKey(slot);
            _slots[slot].IsPending = true;
            _effects.Enqueue(new RendezvousEffect.Resolve(slot, key.Id));
        }
    }

    /// <summary>What a relay answered.</summary>
    /// <param name="now">The time.</param>
    /// <param name="wall">The time of day, for the timestamp of a record.</param>
    /// <param name="slot">0 to 7.</param>
    /// <param name="packet">The record; null where there is none.</param>
    /// <param name="isAnswered">False when no relay answered.</param>
    public void OnResolved(Instant now, Instant wall, int slot, SignedPacket? packet, bool isAnswered = true)
    {
        var state = _slots[slot];
        if (!state.IsPending) return;

        state.IsPending = false;
        if (isAnswered) Observe(now, state, packet);
        if (state.Holder is { } holder && holder != self && IsInUse(now, state))
            _effects.Enqueue(new RendezvousEffect.Found(holder));
        if (--_unresolved == 0) Claim(now, wall);
    }

    private static void Observe(Instant now, Slot state, SignedPacket? packet)
    {
        var holder = packet is null ? null : HolderOf(packet);
        if (packet is not null && packet.Timestamp > state.Timestamp)
            (state.Timestamp, state.AdvancedAt) = (packet.Timestamp, now);
        state.Holder = holder;
    }

    private static EndpointId? HolderOf(SignedPacket packet)
    {
        foreach (var text in packet.Texts(Label))
        {
            if (EndpointId.TryParse(text, out var id)) return id;
        }

        return null;
    }

    private static bool IsInUse(Instant now, Slot state) =>
        state.Holder is not null && now - state.AdvancedAt < StaleAfter;

    private void Claim(Instant now, Instant wall)
    {
        var slot = Array.FindIndex(_slots, s => s.Holder == self);
        if (slot < 0) slot = Array.FindIndex(_slots, s => !IsInUse(now, s));
        if (slot != Claimed) _publishAt = now;
        Claimed = slot < 0 ? null : slot;
        if (slot < 0 || now < _publishAt) return;

        _publishAt = now + PublishInterval;
        Publish(now, wall, slot);
    }

    private void Publish(Instant now, Instant wall, int slot)
    {
        var state = _slots[slot];
        var micros = (ulong)Math.Max(0, wall.UnixTicks / TimeSpan.TicksPerMicrosecond);
        // Later than the record of now, whose owner may have had a wrong clock.
        var timestamp = Math.Max(micros, state.Timestamp + 1);
        using var key = keys.SlotKey(slot);
        _effects.Enqueue(new RendezvousEffect.Publish(
            slot, SignedPacket.SignText(key, timestamp, Label, self.ToString(), TtlSeconds)));
        (state.Timestamp, state.AdvancedAt) = (timestamp, now);
    }

    private sealed class Slot
    {
        public EndpointId? Holder { get; set; }

        public ulong Timestamp { get; set; }

        public Instant AdvancedAt { get; set; }

        public bool IsPending { get; set; }
    }
}
