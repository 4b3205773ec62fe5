using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class MirrorMessageTests
{
    private static readonly byte[][] Frames =
        [.. Enumerable.Range(0, 40).Select(i => Random(new Prng((ulong)i)).ToFrame())];

    /// <summary>The bytes of docs/formats/can-sync.md.</summary>
    [Test]
    public void Bytes_are_those_of_the_format()
    {
        var key = AssetHash.Of(1, "a"u8);
        var prefix = new KeyPrefix(default, 0).Child(10).Child(11).Child(12);

        Assert.Equal(
            "01" + "00000011" + "01" + "0000000000000007" + "0000000000000102",
            Hex(new MirrorMessage.Hello(new StoreId(7), 0x102)));
        Assert.Equal(
            "02" + "00000015" + "01" + "00" + "03abc0" + "00000000000000010000000000000002",
            Hex(new MirrorMessage.Ranges([new RangeClaim.Whole(prefix, new UInt128(1, 2))])));
        Assert.Equal(
            "04" + "00000021" + "01" + key, Hex(new MirrorMessage.Keys(MirrorFrame.Get, [key])));
        Assert.Equal(
            "10" + "00000022" + key + "ac02", Hex(new MirrorMessage.Fetch(key, 300, default)));
        Assert.Equal("13" + "00000003" + "05" + "6162", Hex(new MirrorMessage.Group(5, "ab"u8.ToArray())));
    }

    [Test]
    public void Messages_are_read_as_they_were_written() => Property.Check(prng =>
    {
        var frame = Random(prng).ToFrame();

        Assert.True(MirrorMessage.TryRead(frame[0], frame.AsMemory(FrameBuffer.HeadBytes), out var read));
        Assert.Equal(Convert.ToHexStringLower(frame), Convert.ToHexStringLower(read!.ToFrame()));
    });

    [Test]
    public void Frames_may_be_cut_at_every_byte()
    {
        foreach (var frame in Frames.Where(f => f.Length < 600))
        {
            for (var cut = 0; cut <= frame.Length; cut++)
            {
                var buffer = new FrameBuffer(MirrorMessage.ControlBytesMax);
                buffer.Append(frame.AsSpan(0, cut));
                if (cut < frame.Length) Assert.Equal(OperationStatus.NeedMoreData, buffer.Read(out _, out _));
                buffer.Append(frame.AsSpan(cut));

                Assert.Equal(OperationStatus.Done, buffer.Read(out var type, out var payload));
                Assert.Equal(frame[0], type);
                Assert.True(payload.Span.SequenceEqual(frame.AsSpan(FrameBuffer.HeadBytes)));
                Assert.Equal(0, buffer.Pending);
            }
        }
    }

    [Test]
    public void A_frame_beyond_the_limit_is_refused_before_its_bytes_come()
    {
        var buffer = new FrameBuffer(1000);
        buffer.Append([1, 0, 0, 3, 0xe9]);

        Assert.Equal(OperationStatus.InvalidData, buffer.Read(out _, out _));
    }

    [Test]
    public void Frames_of_later_versions_are_skipped()
    {
        Assert.True(MirrorMessage.TryRead(0x7f, new byte[] { 1, 2, 3 }, out var message));
        Assert.Null(message);
    }

    [Test]
    public void No_bytes_make_the_reader_throw() => Property.Check(
        prng =>
        {
            var bytes = Mutation.OfBytes(prng, prng.Pick<byte[]>(Frames), Frames);
            var buffer = new FrameBuffer(MirrorMessage.ControlBytesMax);
            buffer.Append(bytes);
            while (buffer.Read(out var type, out var payload) == OperationStatus.Done)
                MirrorMessage.TryRead(type, payload, out _);
        },
        runs: 4000);

    private static string Hex(MirrorMessage message) => Convert.ToHexStringLower(message.ToFrame());

    private static MirrorMessage Random(Prng prng)
    {
        AssetHash[] keys = [.. Enumerable.Range(0, prng.NextInt32(5)).Select(_ => new AssetHash(prng.NextBytes(32)))];
        return prng.NextInt32(11) switch
        {
            0 => new MirrorMessage.Hello(new StoreId(prng.NextUInt64()), prng.NextInt64(long.MaxValue / 20_000)),
            1 => new MirrorMessage.Ranges([.. Enumerable.Range(0, prng.NextInt32(4)).Select(_ => Claim(prng))]),
            2 => new MirrorMessage.Records(
                [.. keys.Select(_ => (SyncRecordTests.RandomRecord(prng), prng.Chance(0.5)))]),
            3 => new MirrorMessage.Keys(prng.Chance(0.5) ? MirrorFrame.Get : MirrorFrame.Seek, keys),
            4 => new MirrorMessage.Ping(
                prng.Chance(0.5), prng.NextUInt64(), prng.NextInt64(1L << 40), new UInt128(1, 2), prng.NextInt32(300)),
            5 => new MirrorMessage.Fetch(
                new AssetHash(prng.NextBytes(32)), prng.NextInt32(1000),
                prng.Chance(0.5) ? prng.NextBytes(32) : default),
            6 => new MirrorMessage.Head(prng.NextInt64(1L << 50), prng.NextInt64(1L << 36), 0, prng.NextBytes(32)),
            7 => new MirrorMessage.Leaves(prng.NextBytes(prng.NextInt32(100))),
            8 => new MirrorMessage.Group(prng.NextInt32(1000), prng.NextBytes(prng.NextInt32(100))),
            9 => new MirrorMessage.Refused((byte)prng.NextInt32(3)),
            _ => new MirrorMessage.Damaged(new AssetHash(prng.NextBytes(32))),
        };
    }

    private static RangeClaim Claim(Prng prng)
    {
        var prefix = KeyPrefix.All;
        for (var digits = prng.NextInt32(6); digits > 0; digits--) prefix = prefix.Child(prng.NextInt32(16));
        UInt128 Sum() => prng.Chance(0.3) ? default : new UInt128(prng.NextUInt64(), 1);
        switch (prng.NextInt32(3))
        {
            case 0: return new RangeClaim.Whole(prefix, Sum());
            case 1: return new RangeClaim.Parts(prefix, [.. Enumerable.Range(0, 16).Select(_ => Sum())]);
            default:
                var entries = Enumerable.Range(0, prng.NextInt32(5)).Select(_ =>
                {
                    var bytes = prng.NextBytes(32);
                    var key = new byte[32];
                    prefix.Key.CopyTo(key);
                    var whole = (prefix.Digits + 1) / 2;
                    bytes.AsSpan(whole).CopyTo(key.AsSpan(whole));
                    return (new AssetHash(key), prng.NextUInt64());
                });
                return new RangeClaim.Keys(prefix, [.. entries.OrderBy(e => e.Item1)]);
        }
    }
}
