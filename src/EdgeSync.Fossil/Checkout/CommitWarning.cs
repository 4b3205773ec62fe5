using System.Buffers.Binary;

namespace EdgeSync.Fossil.Checkout;

/// <summary>
/// What may be wrong with a file that is about to be committed, in stock's words: line ends, encoding, binary data.
/// Spec: commit_warning in checkin.c, lookslike.c.
/// </summary>
public static class CommitWarning
{
    private const int LineLengthMax = (1 << 15) - 1;

    /// <summary>Null when there is nothing to say.</summary>
    /// <param name="content">Of the file.</param>
    /// <param name="allowsLineEnds">The file is one of <c>crlf-glob</c>.</param>
    /// <param name="allowsBinary">The file is one of <c>binary-glob</c>.</param>
    /// <param name="allowsEncoding">The file is one of <c>encoding-glob</c>.</param>
    /// <param name="setting">The setting that would allow it, in stock's words.</param>
    public static string? Of(
        ReadOnlySpan<byte> content, bool allowsLineEnds, bool allowsBinary, bool allowsEncoding, out string setting)
    {
        var isUnicode = IsUtf16(content, out var isReversed);
        var look = isUnicode ? LookAtUtf16(content, isReversed) : LookAtBytes(content);
        setting = "\"binary-glob\" setting";
        if (look.HasNul || look.HasLongLine)
            return allowsBinary ? null : look is { HasNul: false } ? "long lines" : "binary data";

        var ends = look.EndsInWords;
        if (isUnicode && ends is not null)
        {
            setting = "\"crlf-glob\" and \"encoding-glob\" settings";
            return allowsLineEnds && allowsEncoding ? null : $"{ends} and Unicode";
        }

        setting = "\"encoding-glob\" setting";
        if (!isUnicode && !System.Text.Unicode.Utf8.IsValid(content)) return allowsEncoding ? null : "invalid UTF-8";
        if (isUnicode) return allowsEncoding ? null : "Unicode";

        setting = "\"crlf-glob\" setting";
        return ends is null || allowsLineEnds ? null : ends;
    }

    private static bool IsUtf16(ReadOnlySpan<byte> content, out bool isReversed)
    {
        isReversed = false;
        if (content.Length < 2 || content.Length % 2 != 0
            || (content.Length >= 4 && content[2] == 0 && content[3] == 0)) return false;

        var first = BinaryPrimitives.ReadUInt16LittleEndian(content);
        isReversed = first == 0xfffe;
        return first is 0xfeff or 0xfffe;
    }

    private static Look LookAtBytes(ReadOnlySpan<byte> content)
    {
        var look = new Look();
        foreach (var c in content) look.Take(c, LineLengthMax);
        look.End(LineLengthMax);
        return look;
    }

    private static Look LookAtUtf16(ReadOnlySpan<byte> content, bool isReversed)
    {
        var look = new Look();
        for (var i = 0; i < content.Length; i += 2)
            look.Take(
                isReversed ? BinaryPrimitives.ReadUInt16BigEndian(content[i..])
                    : BinaryPrimitives.ReadUInt16LittleEndian(content[i..]), LineLengthMax);
        look.End(LineLengthMax);
        return look;
    }

    private record struct Look
    {
        private int _length;
        private bool _isBehindCr;

        public bool HasNul { get; private set; }

        public bool HasLongLine { get; private set; }

        public bool HasLoneCr { get; private set; }

        public bool HasLoneLf { get; private set; }

        public bool HasCrLf { get; private set; }

        public readonly string? EndsInWords => (HasLoneCr, HasCrLf, HasLoneLf) switch
        {
            (false, false, _) => null,
            (true, false, false) => "CR line endings",
            (false, true, false) => "CR/LF line endings",
            _ => "mixed line endings",
        };

        public void Take(int c, int lengthMax)
        {
            _length++;
            HasNul |= c == 0;
            if (c == '\n')
            {
                if (_isBehindCr) HasCrLf = true;
                else HasLoneLf = true;
                HasLongLine |= _length > lengthMax;
                _length = 0;
            }
            else if (_isBehindCr)
            {
                HasLoneCr = true;
                HasLongLine |= _length > lengthMax;
                _length = 0;
            }

            _isBehindCr = c == '\r';
        }

        public void End(int lengthMax)
        {
            HasLoneCr |= _isBehindCr;
            HasLongLine |= _length > lengthMax;
        }
    }
}
