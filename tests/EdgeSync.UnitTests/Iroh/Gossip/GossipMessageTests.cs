using System.Buffers;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Iroh.Wire;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Gossip;

public sealed class GossipMessageTests
{
    private static readonly EndpointId Id = IrohVectors.Key.Id;
    private static readonly GossipPeer Peer = new(Id, [1, 2, 3]);

    private static readonly byte[][] Samples =
    [
        .. ((GossipMessage[])
        [
            new GossipMessage.Join(null), new GossipMessage.Join([7]), new GossipMessage.ForwardJoin(Peer, 6),
            new GossipMessage.Shuffle(Id, [Peer, new GossipPeer(Id, null)], 6), new GossipMessage.ShuffleReply([Peer]),
            new GossipMessage.Neighbor(IsHigh: true, [9]), new GossipMessage.Neighbor(IsHigh: false, null),
            new GossipMessage.Disconnect(IsAlive: true), new GossipMessage.Payload(Id, "hello"u8.ToArray(), 300),
            new GossipMessage.Payload(Id, [], null), new GossipMessage.Prune(), new GossipMessage.Graft(Id, 1),
            new GossipMessage.Graft(null, 2), new GossipMessage.IHave([new Announced(Id, 1), new Announced(Id, 2)]),
        ]).Select(m => m.Encode()),
    ];

    [Test]
    public void Frames_are_those_of_iroh_gossip()
    {
        var topic = new TopicId([.. Enumerable.Range(0x80, 32).Select(i => (byte)i)]);
        var hash = IrohHash.Compute("hello"u8);
        var hello = new GossipMessage.Payload(new EndpointId(hash), "hello"u8.ToArray(), 0);

        Assert.Equal(IrohVectors.Bytes("gossip-header"), GossipFraming.Header(topic));
        Assert.Equal(
            IrohVectors.Bytes("gossip-join"), GossipFraming.Frame(new GossipMessage.Join(null).Encode()));
        Assert.Equal(IrohVectors.Bytes("gossip-hello"), GossipFraming.Frame(hello.Encode()));
    }

    [Test]
    public void Reads_what_it_writes() => Assert.All(
        Samples, sample => Assert.Equal(sample, GossipMessage.Decode(sample)!.Encode()));

    [Test]
    public void A_cut_message_is_none() => Assert.All(
        Samples, sample => Assert.All(
            Splits.Prefixes(sample), cut => Assert.Null(GossipMessage.Decode(cut))));

    [Test]
    public void Bytes_behind_a_message_and_counts_that_lie_make_it_none()
    {
        Assert.Null(GossipMessage.Decode([.. Samples[0], 0]));
        Assert.Null(GossipMessage.Decode([1, 3, 0xff, 0xff, 0xff, 0xff, 0x7f]));
        Assert.Null(GossipMessage.Decode([0, 3, 0xff, 0xff, 0xff, 0x7f]));
    }

    [Test]
    public void A_frame_is_taken_when_it_is_whole()
    {
        var frame = IrohVectors.Bytes("gossip-hello");

        foreach (var cut in Splits.Prefixes(frame))
            Assert.Equal(
                OperationStatus.NeedMoreData, GossipFraming.TryReadFrame(cut, 4096, out _, out _));
        Assert.Equal(
            OperationStatus.Done, GossipFraming.TryReadFrame([.. frame, 1], 4096, out var body, out var consumed));
        Assert.True(consumed == frame.Length && body.Length == frame.Length - 4);
        Assert.Equal(OperationStatus.InvalidData, GossipFraming.TryReadFrame([0, 0, 16, 1], 4096, out _, out _));
        Assert.False(GossipFraming.TryReadHeader(body, out _));
    }

    [Test]
    public void Damaged_messages_never_throw() => Property.Check(
        prng =>
        {
            var message = Mutation.OfBytes(prng, prng.Pick<byte[]>(Samples), Samples);

            if (GossipMessage.Decode(message) is { } decoded) Assert.NotNull(GossipMessage.Decode(decoded.Encode()));
        },
        runs: 3000);
}
