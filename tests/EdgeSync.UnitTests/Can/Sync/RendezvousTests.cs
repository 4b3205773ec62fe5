using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class RendezvousTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_760_000_000);
    private static readonly SyncKeys Keys = SyncKeys.Derive("a passphrase", cost: new StretchCost(8, 1));

    private readonly Dictionary<EndpointId, SignedPacket> _relay = [];

    /// <summary>The record as the original writes it: can.md §7.2.</summary>
    [Test]
    public void A_record_has_the_id_as_hex_under_the_label()
    {
        using var key = Keys.SlotKey(0);
        var packet = SignedPacket.SignText(key, 5, Rendezvous.Label, IdOf(1).ToString(), Rendezvous.TtlSeconds);

        Assert.True(SignedPacket.TryRead(key.Id, packet.Body.Span, out var read));
        Assert.Equal(IdOf(1).ToString(), Assert.Single(read.Texts("_can_sync")));
        Assert.Empty(read.Texts());
        // Name: length and label, then the name of the key; TXT, class, TTL 300, one text of 64 characters.
        var dns = Convert.ToHexStringLower(packet.Body.Span[72..]);
        Assert.Contains("095f63616e5f73796e63" + "34" + Hex(key.Id.ToZ32()) + "00", dns, StringComparison.Ordinal);
        Assert.EndsWith(
            "0010" + "0001" + "0000012c" + "0041" + "40" + Hex(IdOf(1).ToString()), dns, StringComparison.Ordinal);
    }

    [Test]
    public void Each_takes_a_free_slot_and_all_find_each_other()
    {
        var peers = Enumerable.Range(1, 8).Select(i => new Peer(IdOf((byte)i))).ToList();

        for (var round = 0; round < 10; round++) Scan(peers, round);

        Assert.Equal("0 1 2 3 4 5 6 7", string.Join(' ', peers.Select(p => p.Core.Claimed).Order()));
        Assert.All(peers, p => Assert.Equal(7, p.Found.Count));
    }

    /// <summary>The original's ninth peer overwrites another one.</summary>
    [Test]
    public void A_ninth_endpoint_finds_the_others_and_overwrites_none()
    {
        var peers = Enumerable.Range(1, 9).Select(i => new Peer(IdOf((byte)i))).ToList();

        for (var round = 0; round < 40; round++) Scan(peers, round);

        Assert.Single(peers, p => p.Core.Claimed is null);
        Assert.Equal(8, peers.Single(p => p.Core.Claimed is null).Found.Count);
    }

    [Test]
    public void The_slot_of_one_that_is_gone_is_taken_after_its_time()
    {
        var peers = Enumerable.Range(1, 8).Select(i => new Peer(IdOf((byte)i))).ToList();
        for (var round = 0; round < 10; round++) Scan(peers, round);
        var gone = peers[3];
        peers.RemoveAt(3);
        var late = new Peer(IdOf(50));
        peers.Add(late);

        for (var round = 10; round < 28; round++) Scan(peers, round);
        Assert.Null(late.Core.Claimed);
        for (var round = 28; round < 40; round++) Scan(peers, round);

        Assert.Equal(gone.Core.Claimed, late.Core.Claimed);
    }

    [Test]
    [Arguments(-3650)]
    [Arguments(3650)]
    public void A_clock_that_is_wrong_by_years_does_not_count(int days)
    {
        var wrong = new Peer(IdOf(1)) { ClockError = TimeSpan.FromDays(days) };
        var right = new Peer(IdOf(2));

        for (var round = 0; round < 30; round++) Scan([wrong, right], round);

        Assert.Equal("0 1", $"{wrong.Core.Claimed} {right.Core.Claimed}");
        Assert.Equal($"{IdOf(1)}", string.Join(' ', right.Found));
        Assert.Equal($"{IdOf(2)}", string.Join(' ', wrong.Found));
        // The slot can be used again, although its last timestamp was in the future.
        for (var round = 30; round < 60; round++) Scan([right, new Peer(IdOf(3))], round);
    }

    [Test]
    public void One_that_was_overwritten_moves_on()
    {
        var peer = new Peer(IdOf(1));
        Scan([peer], 0);
        Scan([peer], 1);
        using var key = Keys.SlotKey(0);
        _relay[key.Id] = SignedPacket.SignText(
            key, (ulong)(Start + TimeSpan.FromDays(1)).UnixTicks / 10, Rendezvous.Label, IdOf(9).ToString(), 300);

        Scan([peer], 2);

        Assert.Equal(1, peer.Core.Claimed);
    }

    [Test]
    public void A_relay_that_does_not_answer_takes_no_slot_away()
    {
        var peer = new Peer(IdOf(1));
        Scan([peer], 0);
        Scan([peer], 1);
        Scan([peer], 2, isAnswered: false);

        Assert.Equal(0, peer.Core.Claimed);
    }

    // One scan of each, every 15 seconds; the relay takes what is later.
    private void Scan(IEnumerable<Peer> peers, int round, bool isAnswered = true)
    {
        var now = Start + TimeSpan.FromSeconds(15 * round);
        foreach (var peer in peers)
        {
            peer.Found.Clear();
            peer.Core.OnDeadline(now);
            while (peer.Core.TryTake(out var effect))
            {
                switch (effect)
                {
                    case RendezvousEffect.Resolve resolve:
                        peer.Core.OnResolved(
                            now, now + peer.ClockError, resolve.Slot, _relay.GetValueOrDefault(resolve.Key),
                            isAnswered);
                        break;
                    case RendezvousEffect.Publish publish:
                        var before = _relay.GetValueOrDefault(publish.Packet.Id);
                        Assert.True(before is null || before.Timestamp < publish.Packet.Timestamp);
                        _relay[publish.Packet.Id] = publish.Packet;
                        break;
                    case RendezvousEffect.Found found: peer.Found.Add(found.Peer); break;
                }
            }
        }
    }

    private static string Hex(string ascii) =>
        Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(ascii));

    private static EndpointId IdOf(byte seed)
    {
        using var key = new SecretKey([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]);
        return key.Id;
    }

    private sealed class Peer(EndpointId id)
    {
        public Rendezvous Core { get; } = new(Keys, id, Start);

        public TimeSpan ClockError { get; init; }

        public List<EndpointId> Found { get; } = [];
    }
}
