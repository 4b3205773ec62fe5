using System.Buffers.Binary;

namespace EdgeSync.Fossil.Checkout;

/// <summary>
/// What a content looks like, taken as text of bytes, or of two-byte units where it begins with their mark. A look is
/// quick and proves nothing: it counts line ends and lengths. Spec: lookslike.c.
/// </summary>
public readonly record struct TextLook
{
    private const int LineBytesMax = (1 << 15) - 1;
    private const int LineUnitsMax = (1 << 14) - 1;

    /// <summary>It begins with the mark of UTF-8.</summary>
    public bool HasUtf8Mark { get; private init; }

    /// <summary>It begins with the mark of UTF-16, of either byte order.</summary>
    public bool HasUtf16Mark { get; private init; }

    /// <summary>The mark is that of the other byte order than this machine's.</summary>
    public bool IsReversed { get; private init; }

    /// <summary>It was taken as UTF-16.</summary>
    public bool IsUtf16 { get; private init; }

    public bool HasNul { get; private init; }

    /// <summary>A carriage return, alone or before a line feed.</summary>
    public bool HasCr { get; private init; }

    public bool HasLoneCr { get; private init; }

    public bool HasLf { get; private init; }

    public bool HasLoneLf { get; private init; }

    public bool HasCrLf { get; private init; }

    /// <summary>A line that a difference could not be made of.</summary>
    public bool HasLongLine { get; private init; }

    /// <summary>Not UTF-8. Surrogates and the two-byte form of NUL count as valid: other programs write them.</summary>
    public bool IsInvalidUtf8 { get; private init; }

    /// <summary>No text.</summary>
    public bool IsBinary => HasNul || HasLongLine;

    /// <summary>The line ends, when one of them is not a single line feed.</summary>
    public string? EndsInWords => !HasCr ? null
        : (HasLoneCr, HasCrLf, HasLoneLf) switch
        {
            (true, false, false) => "CR line endings",
            (false, true, false) => "CR/LF line endings",
            _ => "mixed line endings",
        };

    public static TextLook Of(ReadOnlySpan<byte> content)
    {
        var hasMark = HasMark(content, out var isReversed);
        var isUtf16 = hasMark && content.Length % 2 == 0;
        var counts = new Counts(isUtf16 ? LineUnitsMax : LineBytesMax);
        if (isUtf16)
            for (var i = 0; i < content.Length; i += 2)
                counts.Take(isReversed == BitConverter.IsLittleEndian
                    ? BinaryPrimitives.ReadUInt16BigEndian(content[i..])
                    : BinaryPrimitives.ReadUInt16LittleEndian(content[i..]));
        else
            foreach (var unit in content) counts.Take(unit);
        counts.End();
        return new TextLook
        {
            HasUtf8Mark = content.StartsWith("\ufeff"u8),
            HasUtf16Mark = hasMark,
            IsReversed = isReversed,
            IsUtf16 = isUtf16,
            HasNul = counts.HasNul,
            HasCr = counts.HasLoneCr || counts.HasCrLf,
            HasLoneCr = counts.HasLoneCr,
            HasLf = counts.HasLoneLf || counts.HasCrLf,
            HasLoneLf = counts.HasLoneLf,
            HasCrLf = counts.HasCrLf,
            HasLongLine = counts.HasLongLine,
            IsInvalidUtf8 = !isUtf16 && !IsUtf8(content),
        };
    }

    private static bool HasMark(ReadOnlySpan<byte> content, out bool isReversed)
    {
        isReversed = false;
        if (content.Length < 2 || (content.Length >= 4 && content[2] == 0 && content[3] == 0)) return false;

        var first = BitConverter.ToUInt16(content);
        isReversed = first == 0xfffe;
        return first is 0xfeff or 0xfffe;
    }

    // The second byte decides whether a sequence is the shortest form and within Unicode.
    private static bool IsUtf8(ReadOnlySpan<byte> content)
    {
        for (var i = 0; i < content.Length;)
        {
            var lead = content[i++];
            if (lead < 0x80) continue;

            var (count, low, high) = lead switch
            {
                0xc0 => (1, 0x80, 0x80),
                >= 0xc2 and <= 0xdf => (1, 0x80, 0xbf),
                0xe0 => (2, 0xa0, 0xbf),
                >= 0xe1 and <= 0xef => (2, 0x80, 0xbf),
                0xf0 => (3, 0x90, 0xbf),
                >= 0xf1 and <= 0xf3 => (3, 0x80, 0xbf),
                0xf4 => (3, 0x80, 0x8f),
                _ => (0, 1, 0),
            };
            if (low > high || i + count > content.Length) return false;
            if (content[i] < low || content[i] > high) return false;

            for (i++; count > 1; count--)
                if ((content[i++] & 0xc0) != 0x80) return false;
        }

        return true;
    }

    private struct Counts(int lengthMax)
    {
        private int _length;
        private bool _isBehindCr;

        public bool HasNul { get; private set; }

        public bool HasLongLine { get; private set; }

        public bool HasLoneCr { get; private set; }

        public bool HasLoneLf { get; private set; }

        public bool HasCrLf { get; private set; }

        public void Take(int unit)
        {
            _length++;
            HasNul |= unit == 0;
            if (unit == '\n')
            {
                if (_isBehindCr) HasCrLf = true;
                else HasLoneLf = true;
                HasLongLine |= _length > lengthMax;
                _length = 0;
            }
            else
            {
                HasLoneCr |= _isBehindCr;
            }

            _isBehindCr = unit == '\r';
        }

        public void End()
        {
            HasLoneCr |= _isBehindCr;
            HasLongLine |= _length > lengthMax;
        }
    }
}
