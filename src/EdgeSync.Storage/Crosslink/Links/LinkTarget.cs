namespace EdgeSync.Storage.Crosslink.Links;

/// <summary>Receives the hash that a hyperlink names: 4 to 64 hex digits, in lower case.</summary>
internal delegate void LinkSink(string target);

/// <summary>Decides whether a hyperlink's target is an artifact of this repository.</summary>
internal static class LinkTarget
{
    private const int DigitsMin = 4;

    private const int DigitsMax = 64;

    // Spec: backlink.c, backlink_create: bare hash prefixes, or the same after "/info/".
    public static void Offer(ReadOnlySpan<byte> target, LinkSink sink)
    {
        if (target.Length >= 10 && target.StartsWith("/info/"u8)) target = target["/info/"u8.Length..];
        if (target.Length is < DigitsMin or > DigitsMax) return;

        Span<char> digits = stackalloc char[DigitsMax];
        for (var i = 0; i < target.Length; i++)
        {
            if (!char.IsAsciiHexDigit((char)target[i])) return;
            digits[i] = char.ToLowerInvariant((char)target[i]);
        }

        sink(new string(digits[..target.Length]));
    }
}
