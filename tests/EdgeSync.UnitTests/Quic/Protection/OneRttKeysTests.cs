using EdgeSync.Primitives;
using EdgeSync.Quic.Protection;

namespace EdgeSync.UnitTests.Quic.Protection;

public sealed class OneRttKeysTests : IDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(1);
    private static readonly byte[] Header = [0x40, 1, 2, 3];

    private readonly OneRttKeys _sender = new(CipherSuite.Aes256, Secret(1), Secret(2));
    private readonly OneRttKeys _receiver = new(CipherSuite.Aes256, Secret(2), Secret(1));
    private PhaseMark _mark;
    private Instant _now = Instant.FromUnixSeconds(1_000_000);

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Test]
    public void Receiver_follows_an_update_of_the_sender()
    {
        Assert.True(Open(Packet(0), out var updated));
        Assert.False(updated);
        _sender.Update();

        Assert.True(Open(Packet(1), out updated));

        Assert.True(updated);
        Assert.True(_receiver.Phase);
        Assert.Equal(1UL, _mark.First);
        Assert.True(Open(Packet(2), out updated));
        Assert.False(updated);
    }

    [Test]
    public void Packets_of_the_phase_before_open_for_a_while()
    {
        Assert.True(Open(Packet(0), out _));
        var (late, tooLate) = (Packet(1), Packet(2));
        _sender.Update();
        Assert.True(Open(Packet(3), out _));

        Assert.True(Open(late, out var updated));
        Assert.False(updated);

        _now += Life + TimeSpan.FromTicks(1);
        Assert.False(Open(tooLate, out _));
        Assert.True(Open(Packet(4), out _));
    }

    [Test]
    public void Own_update_opens_both_phases_until_the_peer_has_followed()
    {
        _receiver.Update();
        _now += TimeSpan.FromHours(1);

        Assert.True(Open(Packet(0), out var updated));
        Assert.False(updated);
        _sender.Update();
        Assert.True(Open(Packet(1), out updated));
        Assert.False(updated);
        Assert.Equal((1UL, 1L), (_mark.First, _mark.Phase));
    }

    [Test]
    public void Many_updates_in_turn_stay_in_step()
    {
        for (ulong i = 0; i < 20; i++)
        {
            Assert.True(Open(Packet(2 * i), out _));
            _sender.Update();
            Assert.True(Open(Packet((2 * i) + 1), out var updated));
            Assert.True(updated);
        }
    }

    [Test]
    public void Forged_packets_of_either_phase_change_nothing_but_the_count()
    {
        Assert.True(Open(Packet(0), out _));
        var forged = Packet(1);
        forged.Payload[3] ^= 1;

        Assert.False(Open(forged, out _));
        Assert.False(Open(forged with { Phase = true }, out var updated));

        Assert.False(updated);
        Assert.False(_receiver.Phase);
        Assert.Equal(2UL, _receiver.Failed);
        Assert.True(Open(Packet(2), out _));
    }

    [Test]
    public void Counts_what_was_sealed_in_a_phase()
    {
        Packet(0);
        Packet(1);
        Assert.Equal(2UL, _sender.Sealed);

        _sender.Update();

        Assert.Equal(0UL, _sender.Sealed);
    }

    private static byte[] Secret(byte seed)
    {
        var secret = new byte[48];
        secret.AsSpan().Fill(seed);
        return secret;
    }

    private SealedPacket Packet(ulong number)
    {
        var payload = new byte[20 + PacketKeys.TagBytes];
        _sender.Seal(Header, payload, number);
        return new SealedPacket(payload, number, _sender.Phase);
    }

    private bool Open(SealedPacket packet, out bool updated) =>
        _receiver.TryOpen(Header, packet.Payload.ToArray(), packet.Number, packet.Phase, _now, Life, ref _mark,
            out updated);

    private sealed record SealedPacket(byte[] Payload, ulong Number, bool Phase);
}
