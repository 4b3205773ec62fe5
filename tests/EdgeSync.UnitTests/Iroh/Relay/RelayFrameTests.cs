using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Relay;

public sealed class RelayFrameTests
{
    private static readonly EndpointId Peer = IrohVectors.Key.Id;

    /// <summary>One of each type, and whether it may be cut and still be of its type.</summary>
    private static readonly (byte[] Message, bool HasFreeEnd)[] Samples =
    [
        (RelayFrame.Bare(RelayFrameType.ServerChallenge, IrohVectors.Bytes("relay-challenge")), false),
        (IrohVectors.Bytes("relay-auth"), false),
        (RelayFrame.Bare(RelayFrameType.ServerConfirmsAuth), false),
        (RelayFrame.Denial("no token"), false),
        (IrohVectors.Bytes("relay-datagram"), true),
        (IrohVectors.Bytes("relay-batch"), true),
        (RelayFrame.Forwarded(IrohVectors.Bytes("relay-datagram"), Peer), true),
        (RelayFrame.Forwarded(IrohVectors.Bytes("relay-batch"), Peer), true),
        (RelayFrame.Gone(Peer), false),
        (RelayFrame.Bare(RelayFrameType.Ping, 1, 2, 3, 4, 5, 6, 7, 8), false),
        (RelayFrame.Bare(RelayFrameType.Pong, 1, 2, 3, 4, 5, 6, 7, 8), false),
        (RelayFrame.Health("elsewhere"), true),
        (RelayFrame.Restarting(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)), false),
        (RelayFrame.Bare(RelayFrameType.Status, 2), false),
    ];

    [Test]
    public void Writes_the_datagrams_of_iroh()
    {
        Assert.Equal(
            IrohVectors.Bytes("relay-datagram"), RelayFrame.Datagrams(Peer, EcnMark.NotEct, 0, "Hello World!"u8));
        Assert.Equal(
            IrohVectors.Bytes("relay-batch"), RelayFrame.Datagrams(Peer, EcnMark.Ce, 6, "Hello World!"u8));

        // One datagram of that size is no batch.
        Assert.Equal(
            IrohVectors.Bytes("relay-datagram"), RelayFrame.Datagrams(Peer, EcnMark.NotEct, 12, "Hello World!"u8));
    }

    [Test]
    public void Reads_the_datagrams_of_iroh()
    {
        Assert.Equal(RelayFrameFault.None, RelayFrame.TryRead(IrohVectors.Bytes("relay-batch"), out var frame));

        Assert.Equal(RelayFrameType.ClientToRelayBatch, frame.Type);
        Assert.Equal(Peer, frame.Peer);
        Assert.Equal(EcnMark.Ce, frame.Ecn);
        Assert.Equal(6, frame.SegmentBytes);
        Assert.True(frame.Payload.SequenceEqual("Hello World!"u8));
    }

    [Test]
    public void A_forwarded_frame_names_its_source()
    {
        var source = IrohVectors.KeyOf(1).Id;

        RelayFrame.TryRead(RelayFrame.Forwarded(IrohVectors.Bytes("relay-batch"), source), out var frame);

        Assert.Equal(RelayFrameType.RelayToClientBatch, frame.Type);
        Assert.Equal(source, frame.Peer);
        Assert.Equal(6, frame.SegmentBytes);
    }

    [Test]
    public void Reads_every_type()
    {
        for (var i = 0; i < Samples.Length; i++)
        {
            Assert.Equal(RelayFrameFault.None, RelayFrame.TryRead(Samples[i].Message, out var frame));
            Assert.Equal(i, (int)frame.Type);
        }
    }

    [Test]
    public void A_cut_frame_is_malformed()
    {
        foreach (var (message, hasFreeEnd) in Samples)
        {
            foreach (var cut in Splits.Prefixes(message))
            {
                if (RelayFrame.TryRead(cut, out var frame) != RelayFrameFault.Malformed)
                    Assert.True(hasFreeEnd && frame.Payload.Length < message.Length, $"{frame.Type}: {cut.Length}");
            }
        }
    }

    [Test]
    public void Later_types_are_unknown_and_a_batch_needs_a_segment_size()
    {
        Assert.Equal(RelayFrameFault.Unknown, RelayFrame.TryRead([14, 1], out _));
        Assert.Equal(RelayFrameFault.Unknown, RelayFrame.TryRead([0x40, 4], out _));
        var batch = IrohVectors.Bytes("relay-batch");
        batch[35] = 0;
        Assert.Equal(RelayFrameFault.Malformed, RelayFrame.TryRead(batch, out _));
    }

    [Test]
    public void A_frame_carries_at_most_64_KiB()
    {
        var largest = RelayFrame.Datagrams(Peer, EcnMark.NotEct, 0, new byte[RelayFrame.PayloadBytesMax]);

        Assert.Equal(RelayFrameFault.None, RelayFrame.TryRead(largest, out _));
        Assert.Equal(RelayFrameFault.Malformed, RelayFrame.TryRead([.. largest, 0], out _));
    }

    [Test]
    public void The_login_is_that_of_iroh()
    {
        Assert.Equal(
            IrohVectors.Text("relay-message"),
            Convert.ToHexStringLower(RelayLogin.MessageOf(IrohVectors.Bytes("relay-challenge"))));
        Assert.Equal(
            IrohVectors.Bytes("relay-auth"),
            RelayLogin.Answer(IrohVectors.Key, IrohVectors.Bytes("relay-challenge")));
    }

    [Test]
    public void The_login_of_a_real_endpoint_is_proven()
    {
        Assert.Equal(RelayFrameFault.None, RelayFrame.TryRead(IrohVectors.Bytes("relay-real-auth"), out var frame));

        Assert.Equal(IrohVectors.KeyOf(1).Id, frame.Peer);
        Assert.True(RelayLogin.IsProven(frame.Peer, IrohVectors.Bytes("relay-real-challenge"), frame.Payload));
        Assert.False(RelayLogin.IsProven(frame.Peer, IrohVectors.Bytes("relay-challenge"), frame.Payload));
        Assert.False(RelayLogin.IsProven(Peer, IrohVectors.Bytes("relay-real-challenge"), frame.Payload));
    }

    [Test]
    public void Damaged_frames_never_throw() => Property.Check(
        prng =>
        {
            var sample = Samples[prng.NextInt32(Samples.Length)].Message;
            var message = Mutation.OfBytes(prng, sample, [.. Samples.Select(s => s.Message)]);

            if (RelayFrame.TryRead(message, out var frame) != RelayFrameFault.None) return;

            _ = frame.Text;
            if (frame.Type == RelayFrameType.Restarting) frame.RestartTimes();
            Assert.True(frame.Payload.Length <= message.Length);
        },
        runs: 5000);
}
