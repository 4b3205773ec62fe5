namespace EdgeSync.Net.Http;

/// <summary>The encoding of a body, given by the HTTP content type.</summary>
public enum XferContentType
{
    /// <summary><c>application/x-fossil</c>: 4-byte big-endian size, then a zlib stream.</summary>
    Compressed,

    /// <summary><c>application/x-fossil-uncompressed</c>: the cards without compression.</summary>
    Uncompressed,

    /// <summary><c>application/x-fossil-debug</c>: without compression, for debugging.</summary>
    Debug,
}

/// <summary>The names of <see cref="XferContentType"/> on the wire.</summary>
public static class XferContentTypes
{
    // Spec: www/sync.wiki §2 and http.c. Parameters after ';' are dropped, letter case does not matter.
    public static bool TryParse(ReadOnlySpan<char> header, out XferContentType type)
    {
        var end = header.IndexOf(';');
        var name = (end < 0 ? header : header[..end]).Trim();
        foreach (var candidate in (ReadOnlySpan<XferContentType>)[
            XferContentType.Compressed, XferContentType.Uncompressed, XferContentType.Debug])
        {
            if (!name.Equals(NameOf(candidate), StringComparison.OrdinalIgnoreCase)) continue;

            type = candidate;
            return true;
        }

        type = default;
        return false;
    }

    public static string NameOf(XferContentType type) => type switch
    {
        XferContentType.Compressed => "application/x-fossil",
        XferContentType.Uncompressed => "application/x-fossil-uncompressed",
        _ => "application/x-fossil-debug",
    };
}
