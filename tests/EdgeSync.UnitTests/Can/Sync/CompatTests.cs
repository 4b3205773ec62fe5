using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Wire;
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
    public void A_stream_may_be_cut_at_every_byte()
    {
        var stream = Stream();
        var whole = Read(stream);

        Assert.Equal(
            $"digest {HashOf(1)} 5 | digest {HashOf(2)} 6 | set | content 3 | bundle {HashOf(7)} n tags=a,b | "
                + $"bundle {HashOf(8)}  tags= | meta {HashOf(1)} d trashed 9 | done",
            whole);
        for (var cut = 0; cut <= stream.Length; cut++) Assert.Equal(whole, Read(stream[..cut], stream[cut..]));
        Assert.Equal(whole, Read([.. stream.Select(b => new[] { b })]));
    }

    [Test]
    public void The_end_of_a_stream_inside_a_frame_is_seen()
    {
        var stream = Stream();
        var ends = new HashSet<int>();
        for (var count = 0; count <= stream.Length; count++)
        {
            var reader = new CompatReader();
            ReadOnlySpan<byte> input = stream.AsSpan(0, count);
            while (reader.Read(ref input, out _) is not CompatPart.NeedMore) { }
            if (!reader.IsInside) ends.Add(count);
        }

        // Before, between and behind the six frames: a hash set, two assets, one that is not known, details, the end.
        Assert.Equal(7, ends.Count);
    }

    [Test]
    [Arguments("0210000001")]
    [Arguments("01ffffffff")]
    [Arguments("0300100001")]
    [Arguments("0900100000")]
    [Arguments("010000000300ffff")]
    [Arguments("01000000040affff01")]
    [Arguments("020000000100")]
    [Arguments("0200000000")]
    [Arguments("030000000108")]
    public void What_no_peer_sends_is_refused(string hex)
    {
        var reader = new CompatReader();
        ReadOnlySpan<byte> input = Convert.FromHexString(hex);

        CompatPart part;
        while ((part = reader.Read(ref input, out _)) is not (CompatPart.Invalid or CompatPart.NeedMore)) { }

        Assert.Equal(CompatPart.Invalid, part);
    }

    [Test]
    public void The_limit_itself_is_allowed_and_of_it_nothing_is_kept()
    {
        var reader = new CompatReader();
        ReadOnlySpan<byte> input = [2, 0x10, 0, 0, 0, 0x62, 0x80, 0x80, 0x80, 0x10];
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(CompatPart.NeedMore, reader.Read(ref input, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Test]
    public void Frames_of_unknown_types_are_skipped_until_they_are_too_much()
    {
        var reader = new CompatReader();
        var frame = CompatFrames.Write((CompatFrame)9, new byte[100_000]);
        for (var i = 0; i < 10; i++)
        {
            ReadOnlySpan<byte> input = frame;
            Assert.Equal(CompatPart.NeedMore, reader.Read(ref input, out _));
        }

        ReadOnlySpan<byte> last = frame;
        Assert.Equal(CompatPart.Invalid, reader.Read(ref last, out _));
    }

    [Test]
    public void No_bytes_make_the_reader_throw() => Property.Check(
        prng =>
        {
            var reader = new CompatReader();
            var stream = prng.Chance(0.5) ? Mutation.OfBytes(prng, Stream(), []) : prng.NextBytes(prng.NextInt32(200));
            ReadOnlySpan<byte> input = stream;
            while (reader.Read(ref input, out _) is not (CompatPart.NeedMore or CompatPart.Invalid)) { }
        },
        runs: 3000);

    [Test]
    public void The_first_stream_has_what_the_peer_lacks_and_newer_details()
    {
        var exchange = new CompatExchange();
        exchange.OnReceived(HashOf(3), 4);
        exchange.OnReceived(HashOf(4), 5);
        exchange.OnReceived(HashOf(6), 1);
        exchange.OnReceived(HashOf(9), 1);

        var sends = exchange.Begin(
        [
            DigestOf(1, 30), DigestOf(2, 20), DigestOf(3, 10, updatedAt: 5), DigestOf(4, 10, updatedAt: 5),
            DigestOf(5, 5, size: 1L << 40), Deleted(6, updatedAt: 7), Deleted(7, updatedAt: 7),
        ]);

        // The oldest first; of deletions those of assets that the peer has.
        Assert.Equal<CompatSend>(
            [
                new CompatSend.Bundle(HashOf(2)), new CompatSend.Bundle(HashOf(1)),
                new CompatSend.Meta(HashOf(6), 7), new CompatSend.Meta(HashOf(3), 5),
            ],
            sends);
        Assert.Equal(1, exchange.LeftOut);
    }

    [Test]
    public void New_assets_go_in_batches_and_never_back_to_where_they_came_from()
    {
        var exchange = new CompatExchange();
        exchange.OnReceived(HashOf(7), 1);
        exchange.Begin([]);
        exchange.OnReceived(HashOf(8), 1);
        exchange.OnLocal(Now, DigestOf(7, 1));
        exchange.OnLocal(Now, DigestOf(8, 1));
        Assert.Null(exchange.Deadline);
        Assert.Empty(exchange.TakeBatch(Now + TimeSpan.FromSeconds(1)));

        exchange.OnLocal(Now, DigestOf(1, 1));
        exchange.OnLocal(Now, DigestOf(2, 1));
        exchange.OnLocal(Now, DigestOf(2, 1));
        Assert.Empty(exchange.TakeBatch(Now));
        Assert.Equal(Now + TimeSpan.FromMilliseconds(50), exchange.Deadline);
        Assert.Equal(2, exchange.TakeBatch(exchange.Deadline!.Value).Count);

        for (var i = 0; i < 100; i++) exchange.OnLocal(Now, DigestOf(100 + i, 1));
        Assert.Equal(64, exchange.TakeBatch(Now).Count);
        Assert.Equal(36, exchange.TakeBatch(Now + TimeSpan.FromSeconds(1)).Count);
    }

    [Test]
    public void A_change_of_details_goes_alone_and_what_went_away_may_come_again()
    {
        var exchange = new CompatExchange();
        exchange.Begin([DigestOf(1, 1)]);

        exchange.OnLocal(Now, DigestOf(1, 1, updatedAt: 2));
        exchange.OnLocal(Now, Deleted(2, updatedAt: 9));
        Assert.Equal(
            new CompatSend.Meta(HashOf(1), 2), Assert.Single(exchange.TakeBatch(Now + TimeSpan.FromSeconds(1))));

        exchange.OnNotSent(HashOf(1));
        exchange.OnLocal(Now, DigestOf(1, 1, updatedAt: 2));
        Assert.IsType<CompatSend.Bundle>(Assert.Single(exchange.TakeBatch(Now + TimeSpan.FromSeconds(1))));
    }

    [Test]
    public void An_edit_that_is_older_than_what_the_peer_was_told_reaches_it_too()
    {
        var exchange = new CompatExchange();
        exchange.OnReceived(HashOf(1), 5, details: 1);
        exchange.Begin([]);

        // Both edits of two stores have come together here, and the time is that of the later one.
        exchange.OnLocal(Now, DigestOf(1, 1, updatedAt: 5) with { Details = 2 });
        exchange.OnLocal(Now, DigestOf(1, 1, updatedAt: 5) with { Details = 2 });

        Assert.Equal(
            new CompatSend.Meta(HashOf(1), 6), Assert.Single(exchange.TakeBatch(Now + TimeSpan.FromSeconds(1))));
    }

    private static byte[] Stream()
    {
        var set = new ArrayBufferWriter<byte>();
        new AssetDigest(HashOf(1), 1, 1, false, 5).WriteTo(set);
        // Fields that are not known: a number, and bytes.
        set.Write((ReadOnlySpan<byte>)[0x10, 0x96, 0x01, 0x1a, 0x02, 0x01, 0x02]);
        new AssetDigest(HashOf(2), 2, 1, true, 6).WriteTo(set);
        var meta = new ArrayBufferWriter<byte>();
        new MetaUpdate(HashOf(1), "d", [], true, 9).WriteTo(meta);
        return
        [
            .. CompatFrames.Write(CompatFrame.HashSet, set.WrittenSpan),
            .. BundleOf(7, [1, 2, 3], new AssetDetails { HumanFileName = "n", Tags = ["a", "b"] }),
            .. CompatFrames.Write((CompatFrame)9, [1, 2]), .. BundleOf(8, [], new AssetDetails()),
            .. CompatFrames.Write(CompatFrame.MetaUpdate, meta.WrittenSpan),
            .. CompatFrames.Write(CompatFrame.Done, []),
        ];
    }

    private static byte[] BundleOf(int number, byte[] content, AssetDetails details)
    {
        var (head, tail) = new AssetBundle
        {
            Hash = HashOf(number),
            TimestampMs = 3,
            Size = content.Length,
            Details = details,
            MetaUpdatedAtMs = 4,
        }.Fields();
        return CompatFrames.Write(CompatFrame.AssetBundle, [.. head, .. content, .. tail]);
    }

    // Pieces of a content count together.
    private static string Read(params byte[][] parts)
    {
        var (reader, read, bytes) = (new CompatReader(), new List<string>(), 0);
        foreach (var part in parts)
        {
            ReadOnlySpan<byte> input = part;
            while (true)
            {
                var kind = reader.Read(ref input, out var content);
                if (kind == CompatPart.NeedMore) break;

                bytes += content.Length;
                if (kind == CompatPart.Bundle && bytes > 0)
                {
                    read.Add($"content {bytes}");
                    bytes = 0;
                }

                switch (kind)
                {
                    case CompatPart.Digest:
                        read.Add($"digest {reader.Digest.Hash} {reader.Digest.MetaUpdatedAtMs}");
                        break;
                    case CompatPart.HashSetEnd: read.Add("set"); break;
                    case CompatPart.Bundle:
                        var details = reader.Bundle.Details;
                        read.Add($"bundle {reader.Bundle.Hash} {details.HumanFileName} "
                            + $"tags={string.Join(',', details.Tags)}");
                        break;
                    case CompatPart.Meta:
                        var meta = reader.Meta!;
                        read.Add($"meta {meta.Hash} {meta.Description} {(meta.IsTrashed ? "trashed" : "")} "
                            + $"{meta.MetaUpdatedAtMs}");
                        break;
                    case CompatPart.Done: read.Add("done"); break;
                    case CompatPart.Invalid: return string.Join(" | ", read) + " | invalid";
                }
            }
        }

        return string.Join(" | ", read);
    }

    private static CompatDigest DigestOf(int number, long timestamp, long size = 1, long updatedAt = 1) =>
        new(HashOf(number), timestamp, size, updatedAt);

    private static CompatDigest Deleted(int number, long updatedAt) =>
        new(HashOf(number), 1, 1, updatedAt, IsTrashed: true, IsDeleted: true);

    private static AssetHash HashOf(int number) => AssetHash.Of(number, "a"u8);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
