using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class CompatTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1000);

    /// <summary>Spec: can.md §8.2.</summary>
    [Test]
    public void Frames_are_those_of_the_original()
    {
        Assert.Equal("0400000000", Hex(CompatFrames.Write(CompatFrame.Done, [])));
        Assert.Equal("0200000003616263", Hex(CompatFrames.Write(CompatFrame.AssetBundle, "abc"u8)));
        Assert.Equal("0100000000", Hex(CompatFrames.Write(CompatFrame.HashSet, [])));
        Assert.Equal("030000000178", Hex(CompatFrames.Write(CompatFrame.MetaUpdate, "x"u8)));
    }

    [Test]
    public void Frames_may_be_cut_at_every_byte_and_unknown_ones_are_skipped()
    {
        byte[] stream =
        [
            .. CompatFrames.Write(CompatFrame.HashSet, "one"u8), 0x09, 0, 0, 0, 2, 1, 2,
            .. CompatFrames.Write(CompatFrame.Done, []),
        ];

        for (var cut = 0; cut <= stream.Length; cut++)
        {
            var frames = new CompatFrames();
            var read = new List<string>();
            foreach (var part in new[] { stream[..cut], stream[cut..] })
            {
                frames.Append(part);
                while (frames.Read(out var type, out var payload) == OperationStatus.Done)
                    read.Add($"{type}:{payload.Length}");
            }

            Assert.Equal("HashSet:3 Done:0", string.Join(' ', read));
            Assert.False(frames.IsInside);
        }
    }

    [Test]
    public void The_limit_itself_is_allowed_and_one_more_is_not()
    {
        var allowed = new CompatFrames();
        allowed.Append([2, 0x10, 0, 0, 0]);
        Assert.Equal(OperationStatus.NeedMoreData, allowed.Read(out _, out _));

        var refused = new CompatFrames();
        refused.Append([2, 0x10, 0, 0, 1]);
        Assert.Equal(OperationStatus.InvalidData, refused.Read(out _, out _));
    }

    [Test]
    public void No_bytes_make_the_reader_throw() => Property.Check(prng =>
    {
        var frames = new CompatFrames();
        for (var i = 0; i < 5; i++)
        {
            frames.Append(prng.NextBytes(prng.NextInt32(50)));
            while (frames.Read(out _, out _) == OperationStatus.Done) { }
        }
    });

    [Test]
    public void The_first_stream_has_what_the_peer_lacks_and_newer_details()
    {
        var exchange = new CompatExchange();

        var sends = exchange.Begin(
            Now,
            [DigestOf(1, 30), DigestOf(2, 20), DigestOf(3, 10, updatedAt: 5), DigestOf(4, 10, updatedAt: 5),
                DigestOf(5, 5, size: 1L << 40)],
            [DigestOf(3, 10, updatedAt: 4), DigestOf(4, 10, updatedAt: 5), DigestOf(9, 1)]);

        Assert.Equal(
            [
                new CompatSend.TooLarge(HashOf(5), 1L << 40), new CompatSend.Bundle(HashOf(2)),
                new CompatSend.Bundle(HashOf(1)), new CompatSend.Meta(HashOf(3)),
            ],
            sends);
    }

    [Test]
    public void New_assets_go_in_batches_and_never_back_to_where_they_came_from()
    {
        var exchange = new CompatExchange();
        exchange.Begin(Now, [], [DigestOf(7, 1)]);
        exchange.OnReceived(HashOf(8));
        exchange.OnLocal(Now, DigestOf(7, 1));
        exchange.OnLocal(Now, DigestOf(8, 1));
        Assert.Empty(exchange.TakeBatch(Now + TimeSpan.FromSeconds(1)));

        exchange.OnLocal(Now, DigestOf(1, 1));
        exchange.OnLocal(Now, DigestOf(2, 1));
        Assert.Empty(exchange.TakeBatch(Now));
        Assert.Equal(Now + TimeSpan.FromMilliseconds(50), exchange.Deadline);
        Assert.Equal(2, exchange.TakeBatch(exchange.Deadline!.Value).Count);

        for (var i = 0; i < 100; i++) exchange.OnLocal(Now, DigestOf(100 + i, 1));
        Assert.Equal(64, exchange.TakeBatch(Now).Count);
        Assert.Equal(36, exchange.TakeBatch(Now + TimeSpan.FromSeconds(1)).Count);
    }

    [Test]
    public void A_silent_service_is_asked_after_half_a_minute()
    {
        var exchange = new CompatExchange();
        Assert.Null(exchange.Deadline);
        exchange.Begin(Now, [DigestOf(1, 20_000)], []);

        Assert.False(exchange.TryTakePoll(Now + TimeSpan.FromSeconds(29), out _));
        Assert.True(exchange.TryTakePoll(Now + TimeSpan.FromSeconds(30), out var since));
        Assert.Equal(15_000, since);
        Assert.False(exchange.TryTakePoll(Now + TimeSpan.FromSeconds(31), out _));
    }

    private static CompatDigest DigestOf(int number, long timestamp, long size = 1, long updatedAt = 1) =>
        new(HashOf(number), timestamp, size, updatedAt);

    private static AssetHash HashOf(int number) => AssetHash.Of(number, "a"u8);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
