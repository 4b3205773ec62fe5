using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Delta;

/// <summary>
/// Writes the delta that turns a source into a target, byte for byte as stock Fossil writes it.
/// <para>
/// The source is cut into blocks of 16 bytes, each indexed by a rolling hash. A 16-byte window slides over the target;
/// where its hash matches blocks, every candidate is extended forward and backward, and the longest match that costs
/// less than its text becomes a copy. What no copy covers is inserted. A peer accepts any valid delta, but equal bytes
/// mean equal sizes and the same keep-or-drop decisions, so repositories of both programs can be compared file by file.
/// </para>
/// </summary>
// Spec: www/delta_encoder_algorithm.wiki; the limits (window 16, 250 candidates) are those of delta.c.
public static class DeltaEncoder
{
    private const int Window = 16;
    private const int CandidatesMax = 250;

    /// <summary>The most bytes that <see cref="Encode(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/> can
    /// need.</summary>
    public static int GetLengthMax(int targetLength) => checked(targetLength + 60);

    /// <summary>Writes the delta and returns its length.</summary>
    /// <param name="source">The text that the peer has.</param>
    /// <param name="target">The text that the peer is to have.</param>
    /// <param name="output">At least <see cref="GetLengthMax"/> bytes.</param>
    public static int Encode(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, Span<byte> output)
    {
        Invariant.Require(output.Length >= GetLengthMax(target.Length));
        Invariant.Require(TryEncode(source, target, output, out var written));
        return written;
    }

    /// <summary>Appends the delta.</summary>
    public static void Encode(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, IBufferWriter<byte> output) =>
        output.Advance(Encode(source, target, output.GetSpan(GetLengthMax(target.Length))));

    /// <summary>The delta in an array of its own.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target)
    {
        var rented = ArrayPool<byte>.Shared.Rent(GetLengthMax(target.Length));
        try
        {
            return rented.AsSpan(0, Encode(source, target, rented)).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>
    /// Writes the delta if it fits <paramref name="output"/>; returns <c>false</c> as soon as it does not, so that a
    /// caller with a budget (a delta is kept only below 75 % of the text) spends no more time on it.
    /// </summary>
    public static bool TryEncode(
        ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, Span<byte> output, out int written)
    {
        var writer = new Writer(output);
        writer.PutNumber((uint)target.Length, (byte)'\n');
        if (source.Length <= Window)
        {
            // Too short to find anything in; also writes "0:" for an empty target.
            writer.PutInsert(target);
        }
        else
        {
            using var index = new Index(source);
            WriteCommands(in index, source, target, ref writer);
        }

        writer.PutNumber(DeltaChecksum.Compute(target), (byte)';');
        written = writer.Written;
        return !writer.IsFull;
    }

    private static void WriteCommands(
        in Index index, ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, ref Writer writer)
    {
        var start = 0;
        while (start + Window < target.Length && !writer.IsFull)
        {
            if (!TryFindCopy(in index, source, target, start, out var match)) break;

            if (match.Literal > 0) writer.PutInsert(target.Slice(start, match.Literal));
            writer.PutCopy((uint)match.Length, (uint)match.Offset);
            start += match.Literal + match.Length;
        }

        if (start < target.Length) writer.PutInsert(target[start..]);
    }

    /// <summary>Slides the window from <paramref name="start"/> until some block is worth a copy.</summary>
    private static bool TryFindCopy(
        in Index index, ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, int start, out Match best)
    {
        best = default;
        var text = target[start..];
        var hash = RollingHash.Of(text);
        var blocks = index.Blocks;
        for (var at = 0; ; at++)
        {
            var block = index.First(hash.Value);
            for (var left = CandidatesMax; block >= 0 && left > 0; left--, block = blocks[block].Next)
            {
                var match = Grow(source, block * Window, text, at);
                if (match.Length > best.Length && match.Length >= match.Cost) best = match;
            }

            if (best.Length > 0) return true;
            if (at + Window >= text.Length) return false;
            hash.Roll(text[at], text[at + Window]);
        }
    }

    /// <summary>
    /// The longest common stretch around a block of the source and the window at <paramref name="at"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Match Grow(ReadOnlySpan<byte> source, int block, ReadOnlySpan<byte> text, int at)
    {
        var forward = source[block..].CommonPrefixLength(text[at..]);

        // Never back to offset 0 of the source: stock stops one short, and the bytes must be the same.
        var backMax = Math.Min(block - 1, at);
        var back = 0;
        while (back < backMax && source[block - back - 1] == text[at - back - 1]) back++;
        return new Match(at - back, forward + back, block - back);
    }

    private readonly record struct Match(int Literal, int Length, int Offset)
    {
        public int Cost => DeltaNumber.CountDigits((uint)Literal) + DeltaNumber.CountDigits((uint)Length)
            + DeltaNumber.CountDigits((uint)Offset) + 3;
    }

    /// <summary>Two 16-bit sums over the window's signed bytes: plain, and weighted by place.</summary>
    private struct RollingHash
    {
        private ushort _sum;
        private ushort _weighted;

        public readonly uint Value => _sum | ((uint)_weighted << 16);

        public static RollingHash Of(ReadOnlySpan<byte> text)
        {
            int sum = 0, weighted = 0;
            foreach (var b in text[..Window])
            {
                sum += (sbyte)b;
                weighted += sum;
            }

            return new RollingHash { _sum = (ushort)sum, _weighted = (ushort)weighted };
        }

        public void Roll(byte leaving, byte entering)
        {
            int old = (sbyte)leaving;
            _sum = (ushort)(_sum - old + (sbyte)entering);
            _weighted = (ushort)(_weighted - (Window * old) + _sum);
        }
    }

    /// <summary>Blocks of the source by hash; chains run from the last block of a bucket to the first.</summary>
    private readonly ref struct Index
    {
        private readonly Entry[] _rented;
        private readonly ulong _reciprocal;
        private readonly uint _buckets;

        public Index(ReadOnlySpan<byte> source)
        {
            _buckets = (uint)(source.Length / Window);
            _reciprocal = (ulong.MaxValue / _buckets) + 1;
            _rented = ArrayPool<Entry>.Shared.Rent((int)_buckets);
            Blocks = _rented.AsSpan(0, (int)_buckets);
            Blocks.Fill(new Entry { First = -1, Next = -1 });

            // A last block that ends exactly with the source is omitted, as in stock.
            for (int at = 0, block = 0; at < source.Length - Window; at += Window, block++)
            {
                ref var bucket = ref Blocks[Bucket(RollingHash.Of(source[at..]).Value)];
                Blocks[block].Next = bucket.First;
                bucket.First = block;
            }
        }

        public Span<Entry> Blocks { get; }

        public int First(uint hash) => Blocks[Bucket(hash)].First;

        public void Dispose() => ArrayPool<Entry>.Shared.Return(_rented);

        // hash % _buckets without a division (Lemire, Kaser, Kurz: exact for 32-bit operands).
        private int Bucket(uint hash) =>
            _buckets == 1 ? 0 : (int)Math.BigMul(_reciprocal * hash, _buckets, out _);
    }

    /// <summary>
    /// Row i holds the head of bucket i's chain and, apart from that, what follows block i in its own chain.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public int First;
        public int Next;
    }

    /// <summary>Fills a span; after something did not fit, nothing more is written.</summary>
    private ref struct Writer(Span<byte> output)
    {
        private readonly Span<byte> _output = output;

        public int Written { get; private set; }

        public bool IsFull { get; private set; }

        public void PutInsert(ReadOnlySpan<byte> text)
        {
            PutNumber((uint)text.Length, (byte)':');
            if (!HasRoom(text.Length)) return;
            text.CopyTo(_output[Written..]);
            Written += text.Length;
        }

        public void PutCopy(uint length, uint offset)
        {
            PutNumber(length, (byte)'@');
            PutNumber(offset, (byte)',');
        }

        public void PutNumber(uint value, byte terminator)
        {
            if (!HasRoom(DeltaNumber.CountDigits(value) + 1)) return;
            Written += DeltaNumber.Write(value, _output[Written..]);
            _output[Written++] = terminator;
        }

        private bool HasRoom(int size)
        {
            IsFull |= size > _output.Length - Written;
            return !IsFull;
        }
    }
}
