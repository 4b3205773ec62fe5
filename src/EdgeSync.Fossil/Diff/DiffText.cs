using System.Buffers.Binary;
using System.Text;

namespace EdgeSync.Fossil.Diff;

/// <summary>
/// A text cut into lines, each with the hash by which a diff finds its equals. Lines are filed under
/// <c>hash mod count</c>, the newest first, as stock files them: which of several equal lines a diff pairs depends on
/// that order.
/// </summary>
// Spec: break_into_lines in diff.c. Linear in the text; about 40 bytes a line.
public sealed class DiffText
{
    /// <summary>A longer line makes a text binary, in bytes.</summary>
    public const int LineLengthMax = (1 << LengthBits) - 1;

    private const int LengthBits = 15;
    private const ulong Multiplier = 9000000000000000041;
    private const ulong Modulus = 281474976710597;

    private readonly ReadOnlyMemory<byte> _text;

    private int[]? _buckets;

    private DiffText(ReadOnlyMemory<byte> text, DiffOptions options, DiffLine[] lines, int count) =>
        (_text, Options, Lines, Count) = (text, options, lines, count);

    public DiffOptions Options { get; }

    public int Count { get; }

    /// <summary>The lines; behind <see cref="Count"/> the array may have room.</summary>
    internal DiffLine[] Lines { get; }

    /// <summary>
    /// One more than the first line of each bucket; 0 for none. The lines are filed when they are looked up first: of
    /// two texts only one is ever searched.
    /// </summary>
    internal int[] Buckets => _buckets ??= FileLines();

    /// <summary>How many lines are in each bucket, once <see cref="Buckets"/> were asked for.</summary>
    internal int[] BucketLengths { get; private set; } = [];

    internal ReadOnlySpan<byte> Span => _text.Span;

    /// <summary>The lines of a text without its byte-order mark, UTF-16 as UTF-8.</summary>
    /// <returns>
    /// Null for what is binary: with a byte 0, or with a line longer than <see cref="LineLengthMax"/>.
    /// </returns>
    public static DiffText? Of(ReadOnlyMemory<byte> content, DiffOptions options) =>
        Of(content, options, like: null);

    /// <summary>
    /// As the other, with the lines that both texts begin and end with taken from a text that was read before with the
    /// same options: they need no new hash. The lines go into an array that nothing else uses any more, if it is long
    /// enough.
    /// </summary>
    internal static DiffText? Of(
        ReadOnlyMemory<byte> content, DiffOptions options, DiffText? like, DiffLine[]? room = null)
    {
        var text = Decode(content);
        var span = text.Span;
        if (span.Contains((byte)0)) return null;

        var count = span.Count((byte)'\n') + (span.IsEmpty || span[^1] == '\n' ? 0 : 1);
        var lines = room?.Length >= count ? room : new DiffLine[like is null ? count : count + (count / 8)];
        var made = new DiffText(text, options, lines, count);
        var start = like is null ? 0 : made.Share(like);
        for (var i = made.SharedHead; i < count - made.SharedTail; i++)
        {
            var length = span[start..].IndexOf((byte)'\n');
            if (length < 0) length = span.Length - start;
            if (length > LineLengthMax) return null;

            made.Lines[i] = LineOf(span.Slice(start, length), start, options);
            start += length + 1;
        }

        return made;
    }

    /// <summary>Lines in front that were taken from the other text.</summary>
    internal int SharedHead { get; private set; }

    /// <summary>Lines at the end that were.</summary>
    internal int SharedTail { get; private set; }

    /// <summary>A line as it is shown.</summary>
    public ReadOnlySpan<byte> Line(int index) => _text.Span.Slice(Lines[index].Start, Lines[index].Length);

    /// <summary>Some lines without the white space around them, filed by what is not white space.</summary>
    // Spec: diffDLineXfer.
    internal DiffText WithoutSpace(int start, int count)
    {
        var made = new DiffText(_text, Options with { IgnoresAllSpace = true }, new DiffLine[count], count);
        for (var i = 0; i < count; i++)
        {
            var line = Line(start + i);
            var (indent, length) = Trimmed(line);
            var hash = HashWithoutSpace(line.Slice(indent, length));
            made.Lines[i] = new DiffLine
            {
                Start = Lines[start + i].Start + indent,
                Length = (ushort)length,
                Hash = Sealed(hash, length),
            };
        }

        return made;
    }

    /// <summary>The line without the white space around it.</summary>
    internal ReadOnlySpan<byte> Core(int index)
    {
        ref var line = ref Lines[index];
        if (line.CoreLength == 0 && line.Length > 0)
        {
            var (indent, length) = Trimmed(Line(index));
            (line.Indent, line.CoreLength) = ((ushort)indent, (ushort)length);
        }

        return Span.Slice(line.Start + line.Indent, line.CoreLength);
    }

    /// <summary>True when the options take the two lines for one.</summary>
    internal bool IsSame(int index, DiffText other, int otherIndex)
    {
        ref readonly var mine = ref Lines[index];
        ref readonly var theirs = ref other.Lines[otherIndex];
        if (mine.Hash != theirs.Hash) return false;

        var length = (int)(mine.Hash & LineLengthMax);
        if (Span.Slice(mine.Start, length).SequenceEqual(other.Span.Slice(theirs.Start, length))) return true;

        return Options.IgnoresAllSpace && EqualsWithoutSpace(Line(index), other.Line(otherIndex));
    }

    /// <summary>White space in stock's diff: backspace, tab, line and form feed, return, blank.</summary>
    internal static bool IsSpace(byte c) => c is (byte)' ' or 8 or 9 or 10 or 12 or 13;

    private static ReadOnlyMemory<byte> Decode(ReadOnlyMemory<byte> content)
    {
        var span = content.Span;
        if (span.StartsWith("\uFEFF"u8))
        {
            var rest = content[3..];
            var end = rest.Span.IndexOf((byte)0);   // as stock: behind a mark a byte 0 ends the text
            return end < 0 ? rest : rest[..end];
        }

        if (span.Length < 2 || (span.Length >= 4 && span[2] == 0 && span[3] == 0)) return content;

        var mark = BinaryPrimitives.ReadUInt16LittleEndian(span);
        if (mark is not (0xfeff or 0xfffe)) return content;

        var encoding = mark == 0xfeff ? Encoding.Unicode : Encoding.BigEndianUnicode;
        var text = encoding.GetString(span[2..(span.Length & ~1)]);
        var stop = text.IndexOf('\0', StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(stop < 0 ? text : text[..stop]);
    }

    private static DiffLine LineOf(ReadOnlySpan<byte> line, int start, DiffOptions options)
    {
        var length = line.Length;
        if (options.StripsTrailingCr && length > 0 && line[length - 1] == '\r') length--;

        var made = new DiffLine { Start = start, Length = (ushort)length };
        if (options.IgnoresSpace) while (length > 0 && IsSpace(line[length - 1])) length--;
        if (options.IgnoresAllSpace)
        {
            var indent = 0;
            // Differs from Fossil: its signed characters make an indent of leading letters beyond ASCII, so that lines
            // that differ in them alone count as the same.
            while (indent < length && line[indent] <= ' ') indent++;
            (made.Indent, made.CoreLength) = ((ushort)indent, (ushort)(length - indent));
            var core = line[indent..length];
            var spaces = 0;
            foreach (var c in core) spaces += IsSpace(c) ? 1 : 0;
            made.Hash = Sealed(HashWithoutSpace(core), core.Length - spaces);
        }
        else
        {
            made.Hash = Sealed(HashOf(line[..length]), length);
        }

        return made;
    }

    private static ulong HashOf(ReadOnlySpan<byte> line)
    {
        ulong hash = 0;
        for (; line.Length >= 8; line = line[8..])
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(line)) * Multiplier;
        ulong rest = 0;
        for (var i = line.Length - 1; i >= 0; i--) rest = (rest << 8) | line[i];
        return hash ^ rest;
    }

    // Characters are signed in stock's build for these processors; the hash decides the order of a bucket.
    private static ulong HashWithoutSpace(ReadOnlySpan<byte> line)
    {
        ulong hash = 0;
        foreach (var c in line)
            if (!IsSpace(c)) hash = (hash ^ (ulong)(long)(sbyte)c) * Multiplier;
        return hash;
    }

    private static ulong Sealed(ulong hash, int length) => ((hash % Modulus) << LengthBits) | (uint)length;

    private static (int Indent, int Length) Trimmed(ReadOnlySpan<byte> line)
    {
        var indent = 0;
        while (indent < line.Length && IsSpace(line[indent])) indent++;
        var end = line.Length;
        while (end > indent && IsSpace(line[end - 1])) end--;
        return (indent, end - indent);
    }

    private static bool EqualsWithoutSpace(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        for (int i = 0, j = 0; ; i++, j++)
        {
            while (i < left.Length && IsSpace(left[i])) i++;
            while (j < right.Length && IsSpace(right[j])) j++;
            if (i == left.Length || j == right.Length) return i == left.Length && j == right.Length;
            if (left[i] != right[j]) return false;
        }
    }

    // Answers where the first line begins that is not shared.
    private int Share(DiffText like)
    {
        if (like.Count == 0) return 0;

        // Whole lines, with what ends them: the last one has no line behind it, and is not shared in front.
        var mine = Span;
        var theirs = like.Span;
        var prefix = mine.CommonPrefixLength(theirs);
        SharedHead = like.LinesBefore(prefix);
        var start = like.Lines[SharedHead].Start;
        like.Lines.AsSpan(0, SharedHead).CopyTo(Lines);

        // The line end before the first of them is the same, too.
        var suffix = CommonSuffix.Length(mine[start..], theirs[start..]);
        SharedTail = like.Count - 1 - like.LinesBefore(like.Span.Length - suffix);
        var moved = mine.Length - theirs.Length;
        for (var i = 1; i <= SharedTail; i++)
        {
            Lines[Count - i] = like.Lines[like.Count - i];
            Lines[Count - i].Start += moved;
        }

        return start;
    }

    /// <summary>The last line that begins at a place or before it.</summary>
    private int LinesBefore(int place)
    {
        var (low, high) = (0, Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Lines[middle].Start <= place) low = middle;
            else high = middle - 1;
        }

        return low;
    }

    private int[] FileLines()
    {
        var (buckets, lengths) = (new int[Count], new int[Count]);
        for (var i = 0; i < Count; i++)
        {
            var at = (int)(Lines[i].Hash % (ulong)Count);
            Lines[i].Next = buckets[at];
            buckets[at] = i + 1;
            lengths[at]++;
        }

        BucketLengths = lengths;

        return buckets;
    }
}

/// <summary>One line of a <see cref="DiffText"/>.</summary>
internal struct DiffLine
{
    /// <summary>Of its content below, the length of what is compared in the lowest 15 bits.</summary>
    public ulong Hash;

    /// <summary>Where it begins in the text.</summary>
    public int Start;

    /// <summary>One more than the next line of the same bucket; 0 at the end.</summary>
    public int Next;

    /// <summary>Bytes that are shown, without the line end.</summary>
    public ushort Length;

    /// <summary>Bytes of white space before the first other byte, once <see cref="CoreLength"/> is known.</summary>
    public ushort Indent;

    /// <summary>Bytes between the white space around; 0 while unknown.</summary>
    public ushort CoreLength;
}
