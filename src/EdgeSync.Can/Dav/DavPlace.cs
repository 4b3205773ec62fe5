using System.Globalization;
using EdgeSync.Can.Queries;

namespace EdgeSync.Can.Dav;

/// <summary>A place in the tree.</summary>
public enum DavKind
{
    Root,
    All,
    Applications,
    Application,
    Dates,
    Year,
    Month,
    Tags,
    Tag,
    File,
}

/// <summary>
/// A path below <c>/dav/</c>:
/// <code>
/// CAN/FILE   APPLICATION/NAME/FILE   DATES/2026/11/FILE   TAGS/NAME/FILE
/// </code>
/// </summary>
/// <param name="Kind">Of place.</param>
/// <param name="Name">Of the application or tag, decoded; of the file, as the segment has it.</param>
/// <param name="Year">Of dates.</param>
/// <param name="Month">1 to 12.</param>
/// <param name="Folder">In which a file is; null for folders.</param>
public sealed record DavPlace(DavKind Kind, string Name = "", int Year = 0, int Month = 0, DavPlace? Folder = null)
{
    public const string Prefix = "/dav/";

    private const int LengthMax = 16 * 1024;

    public static readonly DavPlace Root = new(DavKind.Root);

    public bool IsFolder => Kind != DavKind.File;

    /// <summary>Whether it holds assets, rather than folders.</summary>
    public bool HoldsAssets => Kind is DavKind.All or DavKind.Application or DavKind.Month or DavKind.Tag;

    /// <summary>The assets that a folder holds.</summary>
    public AssetQuery Query => Kind switch
    {
        DavKind.Application => new AssetQuery { Application = Name },
        DavKind.Tag => new AssetQuery { Tags = [Name] },
        DavKind.Year => Between(BeginOf(Year, 1), BeginOf(Year + 1, 1)),
        DavKind.Month => Between(BeginOf(Year, Month), Month == 12 ? BeginOf(Year + 1, 1) : BeginOf(Year, Month + 1)),
        _ => new AssetQuery(),
    };

    /// <summary>The address, with each segment encoded; folders end with a slash.</summary>
    public string Path => Prefix + Kind switch
    {
        DavKind.Root => "",
        DavKind.All => "CAN/",
        DavKind.Applications => "APPLICATION/",
        DavKind.Application => $"APPLICATION/{Escape(DavNames.Encode(Name))}/",
        DavKind.Dates => "DATES/",
        DavKind.Year => string.Create(CultureInfo.InvariantCulture, $"DATES/{Year:D4}/"),
        DavKind.Month => string.Create(CultureInfo.InvariantCulture, $"DATES/{Year:D4}/{Month:D2}/"),
        DavKind.Tags => "TAGS/",
        DavKind.Tag => $"TAGS/{Escape(DavNames.Encode(Name))}/",
        _ => Folder!.Path[Prefix.Length..] + Escape(Name),
    };

    /// <summary>What a client shows.</summary>
    public string DisplayName => Kind switch
    {
        DavKind.Root => "Assets",
        DavKind.Application or DavKind.Tag => DavNames.Encode(Name),
        DavKind.File => Name,
        _ => Path[..^1][(Path[..^1].LastIndexOf('/') + 1)..],
    };

    /// <summary>A file in this folder.</summary>
    public DavPlace File(string segment) => new(DavKind.File, segment, Folder: this);

    /// <summary>Reads the target of a request, or an address of a header.</summary>
    /// <param name="target">As it was sent, with its percent signs; of an address the path counts alone.</param>
    /// <param name="place">Null: no place of the tree.</param>
    /// <returns>False when it is not a path below <c>/dav</c>.</returns>
    public static bool TryParse(string target, out DavPlace? place)
    {
        ArgumentNullException.ThrowIfNull(target);
        place = null;
        if (target.Length > LengthMax || PathOf(target) is not { } path) return false;
        if (!path.StartsWith(Prefix, StringComparison.Ordinal) && path != Prefix[..^1]) return false;

        var segments = new List<string>();
        var rest = path[Math.Min(path.Length, Prefix.Length)..];
        foreach (var part in rest.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryDecode(part, out var segment)) return false;
            segments.Add(segment);
        }

        place = Of(segments);
        return true;
    }

    /// <summary>Percent-encodes a segment.</summary>
    public static string Escape(string segment) => Uri.EscapeDataString(segment);

    private static DavPlace? Of(List<string> segments) => segments switch
    {
        [] => Root,
        ["CAN"] => new DavPlace(DavKind.All),
        ["CAN", var file] => new DavPlace(DavKind.All).File(file),
        ["APPLICATION"] => new DavPlace(DavKind.Applications),
        ["APPLICATION", var name] => new DavPlace(DavKind.Application, DavNames.Decode(name)),
        ["APPLICATION", var name, var file] => new DavPlace(DavKind.Application, DavNames.Decode(name)).File(file),
        ["TAGS"] => new DavPlace(DavKind.Tags),
        ["TAGS", var name] => new DavPlace(DavKind.Tag, DavNames.Decode(name)),
        ["TAGS", var name, var file] => new DavPlace(DavKind.Tag, DavNames.Decode(name)).File(file),
        ["DATES"] => new DavPlace(DavKind.Dates),
        ["DATES", var year] when Number(year, 4) is > 0 and var y => new DavPlace(DavKind.Year, "", y),
        ["DATES", var year, var month]
            when Number(year, 4) is > 0 and var y && Number(month, 2) is >= 1 and <= 12 and var m
            => new DavPlace(DavKind.Month, "", y, m),
        ["DATES", var year, var month, var file]
            when Number(year, 4) is > 0 and var y && Number(month, 2) is >= 1 and <= 12 and var m
            => new DavPlace(DavKind.Month, "", y, m).File(file),
        _ => null,
    };

    private static string? PathOf(string target)
    {
        var path = target;
        if (!path.StartsWith('/'))
        {
            var authority = path.IndexOf("://", StringComparison.Ordinal);
            if (authority < 0) return null;

            var begin = path.IndexOf('/', authority + 3);
            path = begin < 0 ? "/" : path[begin..];
        }

        var end = path.AsSpan().IndexOfAny('?', '#');
        return end < 0 ? path : path[..end];
    }

    private static bool TryDecode(string part, out string segment)
    {
        segment = Uri.UnescapeDataString(part);
        return segment is not ("." or "..") && !segment.Contains('/', StringComparison.Ordinal)
            && !segment.Any(char.IsControl) && segment.Length > 0;
    }

    private static int Number(string text, int digits) =>
        text.Length == digits && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : 0;

    private static AssetQuery Between(long beginMs, long endMs) => new() { StartMs = beginMs, EndMs = endMs - 1 };

    private static long BeginOf(int year, int month) => year > 9999 ? long.MaxValue
        : new DateTimeOffset(year, month, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
}
