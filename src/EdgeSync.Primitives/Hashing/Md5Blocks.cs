using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace EdgeSync.Primitives;

/// <summary>MD5 over blocks of 64 bytes.</summary>
// Spec: RFC 1321 §3.
internal readonly unsafe struct Md5Blocks<TWords, TLanes> : IBlockHash
    where TWords : unmanaged
    where TLanes : ILanes<TWords>
{
    public static int Lanes => TLanes.Count;

    public static int BlockSize => 64;

    public static int StateSize => 16;

    public static int DigestSize => 16;

    // floor(2^32 · |sin(i + 1)|).
    private static ReadOnlySpan<uint> Sines =>
    [
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    ];

    public static void Start(byte* state, int lane)
    {
        var words = (uint*)state;
        words[lane] = 0x67452301;
        words[Lanes + lane] = 0xefcdab89;
        words[(2 * Lanes) + lane] = 0x98badcfe;
        words[(3 * Lanes) + lane] = 0x10325476;
    }

    [SkipLocalsInit]
    public static void Take(byte* state, byte** texts, nint blocks)
    {
        var words = (TWords*)state;
        var room = stackalloc byte[LaneMemory.SizeOf<TWords>(Words32.InBlock)];
        var rows = LaneMemory.Align<TWords>(room);
        var (a, b, c, d) = (words[0], words[1], words[2], words[3]);
        for (; blocks > 0; blocks--)
        {
            var (a0, b0, c0, d0) = (a, b, c, d);
            if (TLanes.Count == 1 && BitConverter.IsLittleEndian)
                Steps(ref a, ref b, ref c, ref d, (TWords*)texts[0]);
            else
            {
                Words32.Load(texts, TLanes.Count, bigEndian: false, (uint*)rows);
                Steps(ref a, ref b, ref c, ref d, rows);
            }

            (a, b) = (TLanes.Add(a, a0), TLanes.Add(b, b0));
            (c, d) = (TLanes.Add(c, c0), TLanes.Add(d, d0));
            for (var lane = 0; lane < TLanes.Count; lane++) texts[lane] += 64;
        }

        (words[0], words[1], words[2], words[3]) = (a, b, c, d);
    }

    public static int Pad(byte* tail, int rest, long length) => Words32.Pad(tail, rest, length, bigEndian: false);

    public static void WriteDigest(byte* state, int lane, Span<byte> target)
    {
        for (var i = 0; i < 4; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(target[(4 * i)..], ((uint*)state)[(i * Lanes) + lane]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Steps(ref TWords ra, ref TWords rb, ref TWords rc, ref TWords rd, TWords* m)
    {
        var (a, b, c, d) = (ra, rb, rc, rd);
        ref var sines = ref Unsafe.AsRef(in Sines[0]);
        for (var i = 0; i < 16; i += 4)
        {
            a = Step(a, b, TLanes.Choose(b, c, d), m[i], Unsafe.Add(ref sines, i), 7);
            d = Step(d, a, TLanes.Choose(a, b, c), m[i + 1], Unsafe.Add(ref sines, i + 1), 12);
            c = Step(c, d, TLanes.Choose(d, a, b), m[i + 2], Unsafe.Add(ref sines, i + 2), 17);
            b = Step(b, c, TLanes.Choose(c, d, a), m[i + 3], Unsafe.Add(ref sines, i + 3), 22);
        }

        for (int i = 16, k = 1; i < 32; i += 4, k += 20)
        {
            a = Step(a, b, TLanes.Choose(d, b, c), m[k & 15], Unsafe.Add(ref sines, i), 5);
            d = Step(d, a, TLanes.Choose(c, a, b), m[(k + 5) & 15], Unsafe.Add(ref sines, i + 1), 9);
            c = Step(c, d, TLanes.Choose(b, d, a), m[(k + 10) & 15], Unsafe.Add(ref sines, i + 2), 14);
            b = Step(b, c, TLanes.Choose(a, c, d), m[(k + 15) & 15], Unsafe.Add(ref sines, i + 3), 20);
        }

        for (int i = 32, k = 5; i < 48; i += 4, k += 12)
        {
            a = Step(a, b, TLanes.Xor3(b, c, d), m[k & 15], Unsafe.Add(ref sines, i), 4);
            d = Step(d, a, TLanes.Xor3(a, b, c), m[(k + 3) & 15], Unsafe.Add(ref sines, i + 1), 11);
            c = Step(c, d, TLanes.Xor3(d, a, b), m[(k + 6) & 15], Unsafe.Add(ref sines, i + 2), 16);
            b = Step(b, c, TLanes.Xor3(c, d, a), m[(k + 9) & 15], Unsafe.Add(ref sines, i + 3), 23);
        }

        for (int i = 48, k = 0; i < 64; i += 4, k += 28)
        {
            a = Step(a, b, Mix(b, c, d), m[k & 15], Unsafe.Add(ref sines, i), 6);
            d = Step(d, a, Mix(a, b, c), m[(k + 7) & 15], Unsafe.Add(ref sines, i + 1), 10);
            c = Step(c, d, Mix(d, a, b), m[(k + 14) & 15], Unsafe.Add(ref sines, i + 2), 15);
            b = Step(b, c, Mix(c, d, a), m[(k + 21) & 15], Unsafe.Add(ref sines, i + 3), 21);
        }

        (ra, rb, rc, rd) = (a, b, c, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TWords Mix(TWords x, TWords y, TWords z) => TLanes.Xor(y, TLanes.Or(x, TLanes.Not(z)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TWords Step(
        TWords a, TWords b, TWords mixed, TWords word, uint sine, [ConstantExpected] byte bits) =>
        TLanes.Add(b, TLanes.RotateLeft(TLanes.Add(TLanes.Add(TLanes.Add(a, word), TLanes.Fill(sine)), mixed), bits));
}
