using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace EdgeSync.Primitives;

/// <summary>SHA1 over blocks of 64 bytes.</summary>
// Spec: FIPS 180-4 §6.1.2.
internal readonly unsafe struct Sha1Blocks<TWords, TLanes> : IBlockHash
    where TWords : unmanaged
    where TLanes : ILanes<TWords>
{
    public static int Lanes => TLanes.Count;

    public static int BlockSize => 64;

    public static int StateSize => 20;

    public static int DigestSize => 20;

    public static void Start(byte* state, int lane)
    {
        var words = (uint*)state;
        words[lane] = 0x67452301;
        words[Lanes + lane] = 0xefcdab89;
        words[(2 * Lanes) + lane] = 0x98badcfe;
        words[(3 * Lanes) + lane] = 0x10325476;
        words[(4 * Lanes) + lane] = 0xc3d2e1f0;
    }

    [SkipLocalsInit]
    public static void Take(byte* state, byte** texts, nint blocks)
    {
        var words = (TWords*)state;
        var room = stackalloc byte[LaneMemory.SizeOf<TWords>(80)];
        var w = LaneMemory.Align<TWords>(room);
        var (a, b, c, d, e) = (words[0], words[1], words[2], words[3], words[4]);
        for (; blocks > 0; blocks--)
        {
            Words32.Load(texts, TLanes.Count, bigEndian: true, (uint*)w);
            for (var i = 16; i < 80; i++)
                w[i] = TLanes.RotateLeft(TLanes.Xor(TLanes.Xor3(w[i - 3], w[i - 8], w[i - 14]), w[i - 16]), 1);

            var (a0, b0, c0, d0, e0) = (a, b, c, d, e);
            Steps(ref a, ref b, ref c, ref d, ref e, w);
            (a, b) = (TLanes.Add(a, a0), TLanes.Add(b, b0));
            (c, d, e) = (TLanes.Add(c, c0), TLanes.Add(d, d0), TLanes.Add(e, e0));
            for (var lane = 0; lane < TLanes.Count; lane++) texts[lane] += 64;
        }

        (words[0], words[1], words[2], words[3], words[4]) = (a, b, c, d, e);
    }

    public static int Pad(byte* tail, int rest, long length) => Words32.Pad(tail, rest, length, bigEndian: true);

    public static void WriteDigest(byte* state, int lane, Span<byte> target)
    {
        for (var i = 0; i < 5; i++)
            BinaryPrimitives.WriteUInt32BigEndian(target[(4 * i)..], ((uint*)state)[(i * Lanes) + lane]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Steps(
        ref TWords ra, ref TWords rb, ref TWords rc, ref TWords rd, ref TWords re, TWords* w)
    {
        var (a, b, c, d, e) = (ra, rb, rc, rd, re);
        var k = TLanes.Fill(0x5a827999);
        var i = 0;
        for (; i < 20; i += 5)
        {
            Step(a, ref b, TLanes.Choose(b, c, d), ref e, w[i], k);
            Step(e, ref a, TLanes.Choose(a, b, c), ref d, w[i + 1], k);
            Step(d, ref e, TLanes.Choose(e, a, b), ref c, w[i + 2], k);
            Step(c, ref d, TLanes.Choose(d, e, a), ref b, w[i + 3], k);
            Step(b, ref c, TLanes.Choose(c, d, e), ref a, w[i + 4], k);
        }

        k = TLanes.Fill(0x6ed9eba1);
        for (; i < 40; i += 5)
        {
            Step(a, ref b, TLanes.Xor3(b, c, d), ref e, w[i], k);
            Step(e, ref a, TLanes.Xor3(a, b, c), ref d, w[i + 1], k);
            Step(d, ref e, TLanes.Xor3(e, a, b), ref c, w[i + 2], k);
            Step(c, ref d, TLanes.Xor3(d, e, a), ref b, w[i + 3], k);
            Step(b, ref c, TLanes.Xor3(c, d, e), ref a, w[i + 4], k);
        }

        k = TLanes.Fill(0x8f1bbcdc);
        for (; i < 60; i += 5)
        {
            Step(a, ref b, TLanes.Majority(b, c, d), ref e, w[i], k);
            Step(e, ref a, TLanes.Majority(a, b, c), ref d, w[i + 1], k);
            Step(d, ref e, TLanes.Majority(e, a, b), ref c, w[i + 2], k);
            Step(c, ref d, TLanes.Majority(d, e, a), ref b, w[i + 3], k);
            Step(b, ref c, TLanes.Majority(c, d, e), ref a, w[i + 4], k);
        }

        k = TLanes.Fill(0xca62c1d6);
        for (; i < 80; i += 5)
        {
            Step(a, ref b, TLanes.Xor3(b, c, d), ref e, w[i], k);
            Step(e, ref a, TLanes.Xor3(a, b, c), ref d, w[i + 1], k);
            Step(d, ref e, TLanes.Xor3(e, a, b), ref c, w[i + 2], k);
            Step(c, ref d, TLanes.Xor3(d, e, a), ref b, w[i + 3], k);
            Step(b, ref c, TLanes.Xor3(c, d, e), ref a, w[i + 4], k);
        }

        (ra, rb, rc, rd, re) = (a, b, c, d, e);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(TWords a, ref TWords b, TWords mixed, ref TWords e, TWords word, TWords k)
    {
        e = TLanes.Add(TLanes.Add(TLanes.Add(e, word), TLanes.Add(mixed, k)), TLanes.RotateLeft(a, 5));
        b = TLanes.RotateLeft(b, 30);
    }
}
