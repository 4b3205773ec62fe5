using System.Net;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Discovery;

/// <summary>Publishing, keeping and looking up what endpoints say of themselves.</summary>
public sealed class PkarrTests
{
    private const string Origin = "dns.example.org";

    private static readonly SecretKey Key = IrohVectors.Key;

    private Instant _now = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void Publishes_a_change_at_once_and_again_after_five_minutes()
    {
        var publisher = new PkarrPublisher(Key);
        Assert.Null(publisher.Deadline);

        publisher.Update(_now, InfoOf(1));
        var first = Take(publisher);
        Assert.Null(publisher.Deadline);
        publisher.OnFinished(_now, isPublished: true);
        Assert.Equal(_now + TimeSpan.FromMinutes(5), publisher.Deadline);
        publisher.Update(_now, InfoOf(1));
        Assert.Equal(_now + TimeSpan.FromMinutes(5), publisher.Deadline);   // nothing new

        publisher.Update(_now, InfoOf(2));
        var second = Take(publisher);
        Assert.True(second.Timestamp > first.Timestamp);   // in the same microsecond
        Assert.Equal(["addr=10.0.0.1:2"], second.Texts());
    }

    [Test]
    public void Tries_again_ever_later_and_a_change_meanwhile_at_once()
    {
        var publisher = new PkarrPublisher(Key);
        publisher.Update(_now, InfoOf(1));
        foreach (var seconds in (int[])[1, 2, 3])
        {
            Take(publisher);
            publisher.OnFinished(_now, isPublished: false);
            Assert.Equal(_now + TimeSpan.FromSeconds(seconds), publisher.Deadline);
            MoveTo(publisher.Deadline!.Value);
        }

        Take(publisher);
        publisher.Update(_now, InfoOf(2));
        publisher.OnFinished(_now, isPublished: true);
        Assert.Equal(_now, publisher.Deadline);
    }

    [Test]
    public void Keeps_the_latest_packet_of_an_id()
    {
        var store = new PkarrStore(10, TimeSpan.FromHours(1));

        Assert.Equal(PkarrPutResult.Stored, store.Put(_now, PacketOf(Key, 2)));
        Assert.Equal(PkarrPutResult.Older, store.Put(_now, PacketOf(Key, 1)));
        Assert.Equal(PkarrPutResult.Stored, store.Put(_now, PacketOf(Key, 2)));
        Assert.True(store.TryGet(_now, Key.Id, out var packet) && packet.Timestamp == 2);
        Assert.Equal(1, store.Count);
        _now += TimeSpan.FromHours(1);
        Assert.False(store.TryGet(_now, Key.Id, out _));
        Assert.Equal(0, store.Count);
    }

    [Test]
    public void The_id_published_the_longest_ago_makes_room()
    {
        var store = new PkarrStore(2, TimeSpan.FromHours(1));
        var keys = Enumerable.Range(1, 3).Select(i => IrohVectors.KeyOf((byte)i)).ToArray();
        store.Put(_now, PacketOf(keys[0], 1));
        store.Put(_now, PacketOf(keys[1], 1));
        store.Put(_now, PacketOf(keys[0], 2));

        store.Put(_now, PacketOf(keys[2], 1));

        Assert.Equal([true, false, true], keys.Select(k => store.TryGet(_now, k.Id, out _)));
    }

    [Test]
    public void A_published_endpoint_is_found_by_DNS()
    {
        var origin = Create(PacketOf(Key, 1));
        var query = new TxtQuery(Key.Id, Origin + ".", 77);

        var answer = origin.Answer(_now, query.Bytes.Span, isStream: false)!;
        Assert.Equal(TxtAnswer.Found, query.Read(answer, out var info));
        Assert.Equal("03a107bff3 10.0.0.1:1", info!.Address.ToString());
        Assert.Equal(TxtAnswer.Foreign, query.Read(query.Bytes.Span, out _));

        var other = new TxtQuery(Key.Id, Origin, 78);
        Assert.Equal(TxtAnswer.Foreign, other.Read(origin.Answer(_now, query.Bytes.Span, isStream: false)!, out _));
    }

    [Test]
    public void An_unknown_endpoint_has_no_name_and_a_foreign_zone_is_refused()
    {
        var origin = Create();
        var query = new TxtQuery(Key.Id, Origin, 1);
        var foreign = new TxtQuery(Key.Id, "example.net", 1);

        Assert.Equal(TxtAnswer.None, query.Read(origin.Answer(_now, query.Bytes.Span, isStream: false)!, out _));
        Assert.Equal(TxtAnswer.Failed, foreign.Read(origin.Answer(_now, foreign.Bytes.Span, isStream: false)!, out _));
    }

    [Test]
    public void A_long_answer_is_truncated_over_UDP_alone()
    {
        var addresses = Enumerable.Range(1, 30).Select(i => UdpAddress.From(IPAddress.Parse("10.0.0.1"), i));
        var origin = Create(SignedPacket.Sign(Key, 1, new EndpointInfo(new EndpointAddress(Key.Id, [], addresses))));
        var plain = DnsWriter.Write(new DnsMessage
        {
            Id = 5,
            Questions = [new DnsQuestion($"{SignedPacket.NameOf(Key.Id)}.{Origin}", DnsType.Txt, 1)],
        });
        var query = new TxtQuery(Key.Id, Origin, 5);

        var cut = origin.Answer(_now, plain, isStream: false)!;
        Assert.True(cut.Length <= 512);
        Assert.Equal(TxtAnswer.Truncated, query.Read(cut, out _));
        Assert.Equal(TxtAnswer.Found, query.Read(origin.Answer(_now, plain, isStream: true)!, out var info));
        Assert.Equal(30, info!.Address.Direct.Count);
        Assert.Equal(TxtAnswer.Found, query.Read(origin.Answer(_now, query.Bytes.Span, isStream: false)!, out _));
    }

    [Test]
    public void Damaged_queries_are_answered_by_an_error_or_not_at_all() => Property.Check(
        prng =>
        {
            var origin = Create(PacketOf(Key, 1));
            var query = Mutation.OfBytes(prng, new TxtQuery(Key.Id, Origin, 1).Bytes.ToArray(), []);

            if (origin.Answer(_now, query, isStream: false) is { } answer)
                Assert.True(DnsReader.TryRead(answer, out var read) && read.IsResponse);
        },
        runs: 300);

    private DnsOrigin Create(params SignedPacket[] packets)
    {
        var store = new PkarrStore(10, TimeSpan.FromHours(1));
        foreach (var packet in packets) store.Put(_now, packet);
        return new DnsOrigin(store, Origin);
    }

    private void MoveTo(Instant now) => _now = now;

    private SignedPacket Take(PkarrPublisher publisher)
    {
        Assert.True(publisher.TryTakePacket(_now, out var packet));
        return packet;
    }

    private static SignedPacket PacketOf(SecretKey key, ulong timestamp) =>
        SignedPacket.Sign(key, timestamp, InfoOf(1, key));

    private static EndpointInfo InfoOf(int port, SecretKey? key = null) => new(
        new EndpointAddress((key ?? Key).Id, [], [UdpAddress.From(IPAddress.Parse("10.0.0.1"), port)]));
}
