using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace EdgeSync.Primitives;

/// <summary>SHA3-256: Keccak-f[1600] over blocks of 136 bytes.</summary>
// Spec: FIPS 202 §3.2, §3.3, §6.1. Word x + 5y of the state is lane (x, y) there.
internal readonly unsafe struct Sha3Blocks<TWords, TLanes> : IBlockHash
    where TWords : unmanaged
    where TLanes : ILanes<TWords>
{
    private const int WordsInState = 25;
    private const int WordsInBlock = 17;

    public static int Lanes => TLanes.Count;

    public static int BlockSize => WordsInBlock * 8;

    public static int StateSize => WordsInState * 8;

    public static int DigestSize => 32;

    private static ReadOnlySpan<ulong> RoundConstants =>
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ];

    public static void Start(byte* state, int lane)
    {
        for (var i = 0; i < WordsInState; i++) ((ulong*)state)[(i * Lanes) + lane] = 0;
    }

    [SkipLocalsInit]
    public static void Take(byte* state, byte** texts, nint blocks)
    {
        var words = (ulong*)state;
        var room = stackalloc byte[LaneMemory.SizeOf<TWords>(WordsInState)];
        var scratch = LaneMemory.Align<TWords>(room);
        for (; blocks > 0; blocks--)
        {
            for (var lane = 0; lane < TLanes.Count; lane++)
            {
                var text = texts[lane];
                for (var i = 0; i < WordsInBlock; i++)
                {
                    var word = Unsafe.ReadUnaligned<ulong>(text + (8 * i));
                    words[(i * TLanes.Count) + lane] ^=
                        BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
                }

                texts[lane] = text + BlockSize;
            }

            Permute((TWords*)state, scratch);
        }
    }

    public static int Pad(byte* tail, int rest, long length)
    {
        tail[rest] = 0x06;
        tail[BlockSize - 1] |= 0x80;
        return 1;
    }

    public static void WriteDigest(byte* state, int lane, Span<byte> target)
    {
        for (var i = 0; i < 4; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(target[(8 * i)..], ((ulong*)state)[(i * Lanes) + lane]);
    }

    private static void Permute(TWords* state, TWords* scratch)
    {
        for (var round = 0; round < 24; round += 2)
        {
            Round(state, scratch, RoundConstants[round]);
            Round(scratch, state, RoundConstants[round + 1]);
        }
    }

    // From one copy of the state to another: what a round needs at once then fits the registers (five column sums, five
    // words of the row being made), which a round in place does not.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(TWords* a, TWords* e, ulong constant)
    {
        var c0 = TLanes.Xor3(a[0], a[5], TLanes.Xor3(a[10], a[15], a[20]));
        var c1 = TLanes.Xor3(a[1], a[6], TLanes.Xor3(a[11], a[16], a[21]));
        var c2 = TLanes.Xor3(a[2], a[7], TLanes.Xor3(a[12], a[17], a[22]));
        var c3 = TLanes.Xor3(a[3], a[8], TLanes.Xor3(a[13], a[18], a[23]));
        var c4 = TLanes.Xor3(a[4], a[9], TLanes.Xor3(a[14], a[19], a[24]));
        var d0 = TLanes.Xor(c4, TLanes.RotateLeft(c1, 1));
        var d1 = TLanes.Xor(c0, TLanes.RotateLeft(c2, 1));
        var d2 = TLanes.Xor(c1, TLanes.RotateLeft(c3, 1));
        var d3 = TLanes.Xor(c2, TLanes.RotateLeft(c4, 1));
        var d4 = TLanes.Xor(c3, TLanes.RotateLeft(c0, 1));

        var b0 = TLanes.Xor(a[0], d0);
        var b1 = TLanes.RotateLeft(TLanes.Xor(a[6], d1), 44);
        var b2 = TLanes.RotateLeft(TLanes.Xor(a[12], d2), 43);
        var b3 = TLanes.RotateLeft(TLanes.Xor(a[18], d3), 21);
        var b4 = TLanes.RotateLeft(TLanes.Xor(a[24], d4), 14);
        PutRow(e, b0, b1, b2, b3, b4);
        e[0] = TLanes.Xor(e[0], TLanes.Fill(constant));

        b0 = TLanes.RotateLeft(TLanes.Xor(a[3], d3), 28);
        b1 = TLanes.RotateLeft(TLanes.Xor(a[9], d4), 20);
        b2 = TLanes.RotateLeft(TLanes.Xor(a[10], d0), 3);
        b3 = TLanes.RotateLeft(TLanes.Xor(a[16], d1), 45);
        b4 = TLanes.RotateLeft(TLanes.Xor(a[22], d2), 61);
        PutRow(e + 5, b0, b1, b2, b3, b4);

        b0 = TLanes.RotateLeft(TLanes.Xor(a[1], d1), 1);
        b1 = TLanes.RotateLeft(TLanes.Xor(a[7], d2), 6);
        b2 = TLanes.RotateLeft(TLanes.Xor(a[13], d3), 25);
        b3 = TLanes.RotateLeft(TLanes.Xor(a[19], d4), 8);
        b4 = TLanes.RotateLeft(TLanes.Xor(a[20], d0), 18);
        PutRow(e + 10, b0, b1, b2, b3, b4);

        b0 = TLanes.RotateLeft(TLanes.Xor(a[4], d4), 27);
        b1 = TLanes.RotateLeft(TLanes.Xor(a[5], d0), 36);
        b2 = TLanes.RotateLeft(TLanes.Xor(a[11], d1), 10);
        b3 = TLanes.RotateLeft(TLanes.Xor(a[17], d2), 15);
        b4 = TLanes.RotateLeft(TLanes.Xor(a[23], d3), 56);
        PutRow(e + 15, b0, b1, b2, b3, b4);

        b0 = TLanes.RotateLeft(TLanes.Xor(a[2], d2), 62);
        b1 = TLanes.RotateLeft(TLanes.Xor(a[8], d3), 55);
        b2 = TLanes.RotateLeft(TLanes.Xor(a[14], d4), 39);
        b3 = TLanes.RotateLeft(TLanes.Xor(a[15], d0), 41);
        b4 = TLanes.RotateLeft(TLanes.Xor(a[21], d1), 2);
        PutRow(e + 20, b0, b1, b2, b3, b4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutRow(TWords* row, TWords b0, TWords b1, TWords b2, TWords b3, TWords b4)
    {
        row[0] = TLanes.Chi(b0, b1, b2);
        row[1] = TLanes.Chi(b1, b2, b3);
        row[2] = TLanes.Chi(b2, b3, b4);
        row[3] = TLanes.Chi(b3, b4, b0);
        row[4] = TLanes.Chi(b4, b0, b1);
    }
}
