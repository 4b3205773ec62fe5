using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EdgeSync.Primitives;

/// <summary>Turns a 64-byte block of each lane into 16 rows, row i holding word i of every lane.</summary>
internal static unsafe class Words32
{
    /// <summary>Words in a block of MD5 and SHA1.</summary>
    public const int InBlock = 16;

    public static void Load(byte** texts, int lanes, bool bigEndian, uint* rows)
    {
        var lane = 0;
        if (Sse2.IsSupported || AdvSimd.Arm64.IsSupported)
        {
            for (; lane + 4 <= lanes; lane += 4) Load4(texts + lane, lanes, bigEndian, rows + lane);
        }

        for (; lane < lanes; lane++)
        {
            var text = texts[lane];
            for (var i = 0; i < InBlock; i++)
            {
                var word = Unsafe.ReadUnaligned<uint>(text + (4 * i));
                rows[(i * lanes) + lane] =
                    bigEndian == BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
            }
        }
    }

    // Four lanes at once, as four transpositions of 4 × 4 words. Called on little-endian machines only.
    private static void Load4(byte** texts, int lanes, bool bigEndian, uint* rows)
    {
        for (var i = 0; i < InBlock; i += 4)
        {
            var a = Vector128.Load((uint*)(texts[0] + (4 * i)));
            var b = Vector128.Load((uint*)(texts[1] + (4 * i)));
            var c = Vector128.Load((uint*)(texts[2] + (4 * i)));
            var d = Vector128.Load((uint*)(texts[3] + (4 * i)));
            if (bigEndian) (a, b, c, d) = (Swap(a), Swap(b), Swap(c), Swap(d));

            var ab = ZipLow(a, b).AsUInt64();
            var cd = ZipLow(c, d).AsUInt64();
            ZipLow(ab, cd).AsUInt32().Store(rows + (i * lanes));
            ZipHigh(ab, cd).AsUInt32().Store(rows + ((i + 1) * lanes));
            ab = ZipHigh(a, b).AsUInt64();
            cd = ZipHigh(c, d).AsUInt64();
            ZipLow(ab, cd).AsUInt32().Store(rows + ((i + 2) * lanes));
            ZipHigh(ab, cd).AsUInt32().Store(rows + ((i + 3) * lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Swap(Vector128<uint> v) => Vector128.Shuffle(
        v.AsByte(), Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> ZipLow(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> ZipHigh(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> ZipLow(Vector128<ulong> a, Vector128<ulong> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> ZipHigh(Vector128<ulong> a, Vector128<ulong> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

    /// <summary>Padding of MD5 and SHA1: a one bit, zeros, the length in bits at the end of a block.</summary>
    public static int Pad(byte* tail, int rest, long length, bool bigEndian)
    {
        tail[rest] = 0x80;
        var blocks = rest < 56 ? 1 : 2;
        var end = new Span<byte>(tail + (64 * blocks) - 8, 8);
        if (bigEndian) BinaryPrimitives.WriteInt64BigEndian(end, length * 8);
        else BinaryPrimitives.WriteInt64LittleEndian(end, length * 8);
        return blocks;
    }
}
