namespace EdgeSync.Fossil.Artifacts;

/// <summary>Which file names a check-in may contain (decoded bytes), and which we accept for new ones.</summary>
public static class PathName
{
    /// <summary>
    /// What stock accepts when it reads: relative, not empty, no empty, <c>.</c> or <c>..</c> component, no slash at
    /// the end. Spec: file_is_simple_pathname_nonstrict in file.c.
    /// </summary>
    public static bool IsSimple(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name[0] == '/' || IsDots(name)) return false;

        for (var slash = name.IndexOf((byte)'/'); slash >= 0;)
        {
            name = name[(slash + 1)..];
            if (name.IsEmpty || name[0] == '/' || IsDots(name)) return false;
            slash = name.IndexOf((byte)'/');
        }

        return true;
    }

    /// <summary>
    /// What stock accepts when it adds: simple, and also UTF-8 without backslash, without code points above U+FFFF,
    /// surrogates, private use and noncharacters. Spec: file_is_simple_pathname in file.c.
    /// </summary>
    public static bool IsSimpleStrict(ReadOnlySpan<byte> name)
    {
        if (!IsSimple(name) || name.ContainsAny((byte)'\\', (byte)0)) return false;

        while (!name.IsEmpty)
        {
            if (name[0] < 0x80)
            {
                name = name[1..];
                continue;
            }

            if (System.Text.Rune.DecodeFromUtf8(name, out var rune, out var size) != System.Buffers.OperationStatus.Done
                ||
                rune.Value is > 0xffff or >= 0xe000 and <= 0xf8ff or >= 0xfffe or >= 0xfdd0 and <= 0xfdef)
            {
                return false;
            }

            name = name[size..];
        }

        return true;
    }

    /// <summary>
    /// Names of checkout databases (any case, any folder, also their side files); a manifest that lists one is read as
    /// if the line were absent. Spec: file_is_reserved_name in file.c.
    /// </summary>
    public static bool IsReserved(ReadOnlySpan<byte> name)
    {
        // The last letter decides in most cases.
        if (name.Length < 8 || (name[^1] | 0x20) is not ('\x7f' or 't' or 'l' or 'm')) return false;

        var hasSuffix = false;
        if (name.Length >= 12)
        {
            if (name[^4] == '-')
            {
                if (!Ends(name, "wal"u8) && !Ends(name, "shm"u8)) return false;
                name = name[..^4];
                hasSuffix = true;
            }
            else if (name.Length >= 16 && name[^8] == '-')
            {
                if (!Ends(name, "journal"u8)) return false;
                name = name[..^8];
                hasSuffix = true;
            }
        }

        var size = Ends(name, "_fossil_"u8) ? 8 : Ends(name, ".fslckout"u8) ? 9 : 0;
        return size != 0 && (name.Length == size || name[^(size + 1)] == '/' || hasSuffix);
    }

    private static bool IsDots(ReadOnlySpan<byte> rest) =>
        rest[0] == '.' && (rest.Length == 1 || rest[1] == '/' ||
            (rest[1] == '.' && (rest.Length == 2 || rest[2] == '/')));

    private static bool Ends(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lowerCase) =>
        name.Length >= lowerCase.Length &&
        System.Text.Ascii.EqualsIgnoreCase(name[^lowerCase.Length..], lowerCase);
}

/// <summary>Names of wiki pages. Spec: wiki_name_is_wellformed in wiki.c.</summary>
public static class WikiName
{
    public const int LengthMax = 100;

    /// <summary>1 to 100 bytes, first above space, no control bytes, no two spaces in a row, none at the end.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > LengthMax || name[0] <= 0x20 || name[^1] == ' ') return false;

        for (var i = 1; i < name.Length; i++)
        {
            if (name[i] < 0x20 || (name[i] == ' ' && name[i - 1] == ' ')) return false;
        }

        return true;
    }
}
