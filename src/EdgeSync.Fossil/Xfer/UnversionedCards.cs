using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Xfer;

/// <summary><c>uvigot NAME MTIME HASH SIZE</c>; HASH <c>-</c> for a deletion.</summary>
internal readonly record struct UvIGotCard(string Name, long MtimeSeconds, ArtifactId Hash, long Size)
{
    public static bool TryParse(in XferCard card, out UvIGotCard igot)
    {
        igot = default;
        if (card.Kind != CardKind.UvIGot || card.Count != 5) return false;
        if (!UvName.TryParse(card[1], out var name)
            || !XferNumber.TryParse(card[2], out var mtime)
            || !UvName.TryParseHash(card[3], out var hash)
            || !XferNumber.TryParse(card[4], out var size))
            return false;

        igot = new UvIGotCard(name, mtime, hash, size);
        return true;
    }
}

/// <summary><c>uvgimme NAME</c></summary>
internal readonly record struct UvGimmeCard(string Name)
{
    public static bool TryParse(in XferCard card, out UvGimmeCard gimme)
    {
        gimme = default;
        if (card.Kind != CardKind.UvGimme || card.Count != 2 || !UvName.TryParse(card[1], out var name)) return false;

        gimme = new UvGimmeCard(name);
        return true;
    }
}

/// <summary>
/// <c>uvfile NAME MTIME HASH SIZE FLAGS</c>, and the bytes unless FLAGS has 1 (deleted) or 4 (omitted).
/// </summary>
internal readonly record struct UvFileCard(string Name, long MtimeSeconds, ArtifactId Hash, long Size, bool HasContent)
{
    public static bool TryParse(in XferCard card, out UvFileCard file)
    {
        file = default;
        if (card.Kind != CardKind.UvFile || card.Count != 6) return false;
        if (!UvName.TryParse(card[1], out var name)
            || !XferNumber.TryParse(card[2], out var mtime)
            || !UvName.TryParseHash(card[3], out var hash)
            || !XferNumber.TryParse(card[4], out var size)
            || !XferNumber.TryParse(card[5], out var flags))
            return false;

        file = new UvFileCard(name, mtime, hash, size, HasContent: (flags & 5) == 0);
        return true;
    }
}

/// <summary>
/// Names of unversioned files: simple relative paths in strict UTF-8. Spec: file.c file_is_simple_pathname.
/// </summary>
internal static class UvName
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static bool TryParse(ReadOnlySpan<byte> token, out string name)
    {
        name = "";
        if (!IsSimplePath(token)) return false;

        name = Strict.GetString(token);
        return true;
    }

    public static bool TryParseHash(ReadOnlySpan<byte> token, out ArtifactId hash)
    {
        hash = default;
        return token.SequenceEqual("-"u8) || ArtifactId.TryParse(token, out hash);
    }

    /// <summary>
    /// True for a path without empty, <c>.</c> or <c>..</c> parts, without backslash or control for a separator, in
    /// UTF-8 of at most three bytes a character, without surrogates, private-use characters and noncharacters.
    /// </summary>
    public static bool IsSimplePath(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path.Contains((byte)'\\') || path.Contains((byte)0)) return false;

        foreach (var range in path.Split((byte)'/'))
        {
            var part = path[range];
            if (part.IsEmpty || part.SequenceEqual("."u8) || part.SequenceEqual(".."u8)) return false;
        }

        while (!path.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(path, out var rune, out var used) != System.Buffers.OperationStatus.Done)
                return false;
            if (rune.Value is > 0xffff or (>= 0xe000 and <= 0xf8ff) or (>= 0xfdd0 and <= 0xfdef) or 0xfffe or 0xffff)
                return false;

            path = path[used..];
        }

        return true;
    }
}
