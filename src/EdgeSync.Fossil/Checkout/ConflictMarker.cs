namespace EdgeSync.Fossil.Checkout;

/// <summary>The lines that a merge leaves around what it could not join. Spec: mergeMarker in merge3.c.</summary>
public static class ConflictMarker
{
    /// <summary>Bytes of each of them.</summary>
    public const int Length = 65;

    private const int PieceBytes = 64 * 1024;

    public static ReadOnlySpan<byte> Begin =>
        "<<<<<<< BEGIN MERGE CONFLICT: local copy shown first <<<<<<<<<<<<"u8;

    public static ReadOnlySpan<byte> Ancestor =>
        "||||||| COMMON ANCESTOR content follows |||||||||||||||||||||||||"u8;

    public static ReadOnlySpan<byte> Merged =>
        "======= MERGED IN content follows ==============================="u8;

    public static ReadOnlySpan<byte> End =>
        ">>>>>>> END MERGE CONFLICT >>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>"u8;

    /// <summary>Whether one of the four begins a line.</summary>
    public static bool IsIn(ReadOnlySpan<byte> text)
    {
        while (text.Length >= Length)
        {
            if (IsOne(text)) return true;

            var end = text.IndexOf((byte)'\n');
            if (end < 0) return false;
            text = text[(end + 1)..];
        }

        return false;
    }

    /// <summary>The same of a file, in memory of one piece.</summary>
    public static bool IsIn(Stream text)
    {
        var buffer = new byte[PieceBytes];
        var kept = 0;
        var isLineStart = true;
        for (int read; (read = text.Read(buffer, kept, buffer.Length - kept)) > 0;)
        {
            var length = kept + read;
            var at = isLineStart ? 0 : NextLine(buffer, 0, length);
            for (; at >= 0 && length - at >= Length; at = NextLine(buffer, at, length))
                if (IsOne(buffer.AsSpan(at))) return true;

            // A line whose beginning is too short to decide is examined again with what follows it.
            isLineStart = at >= 0;
            kept = at < 0 ? 0 : length - at;
            if (kept > 0) buffer.AsSpan(length - kept, kept).CopyTo(buffer);
        }

        return false;
    }

    private static bool IsOne(ReadOnlySpan<byte> line) =>
        line.StartsWith(Begin) || line.StartsWith(Ancestor) || line.StartsWith(Merged) || line.StartsWith(End);

    // Behind the next line end, or -1.
    private static int NextLine(byte[] buffer, int from, int length)
    {
        var end = buffer.AsSpan(from, length - from).IndexOf((byte)'\n');
        return end < 0 ? -1 : from + end + 1;
    }
}
