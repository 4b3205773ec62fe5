namespace EdgeSync.Storage.Checkout;

/// <summary>The target of a path with all links followed.</summary>
internal static class RealPath
{
    private const int LinksMax = 40;   // as Linux

    public static string Of(string path)
    {
        path = Path.GetFullPath(path);
        for (var i = 0; i < LinksMax && FirstLink(path) is { } link; i++)
        {
            var target = new FileInfo(link).LinkTarget!;
            path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(link)!, target) + path[link.Length..]);
        }

        return path;
    }

    private static string? FirstLink(string path)
    {
        for (var end = path.IndexOf(Path.DirectorySeparatorChar, 1); ; end = path.IndexOf(
            Path.DirectorySeparatorChar, end + 1))
        {
            var part = end < 0 ? path : path[..end];
            if (part.Length > 1 && new FileInfo(part).LinkTarget is not null) return part;
            if (end < 0) return null;
        }
    }
}
