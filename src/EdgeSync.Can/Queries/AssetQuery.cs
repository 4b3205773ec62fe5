using System.Globalization;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Queries;

/// <summary>Which assets, in which order; null is any.</summary>
public sealed record AssetQuery
{
    public const int LimitDefault = 50;

    public const int LimitMax = 1000;

    private const int WordCountMax = 32;

    public int Limit { get; init; } = LimitDefault;

    public long Offset { get; init; }

    /// <summary>The asset behind which the page begins, in place of an offset.</summary>
    public PageCursor? After { get; init; }

    /// <summary>Oldest first.</summary>
    public bool IsAscending { get; init; }

    public bool IncludesTrashed { get; init; }

    /// <summary>Nothing but the trash.</summary>
    public bool OnlyTrashed { get; init; }

    public string? Application { get; init; }

    public string? User { get; init; }

    /// <summary>What the MIME type begins with.</summary>
    public string? MimePrefix { get; init; }

    /// <summary>What the logical folder begins with.</summary>
    public string? PathPrefix { get; init; }

    /// <summary>Digits with which the hash begins.</summary>
    public string? HashPrefix { get; init; }

    /// <summary>Inclusive, Unix milliseconds.</summary>
    public long? StartMs { get; init; }

    /// <summary>Inclusive, Unix milliseconds.</summary>
    public long? EndMs { get; init; }

    /// <summary>All of them must be there.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Texts that must all occur in names, description or tags, in any case.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>From the parameters of a request; unknown ones are ignored.</summary>
    /// <param name="parameter">The value of a parameter; null when it is absent.</param>
    /// <param name="query">The query.</param>
    /// <returns>What is wrong with a parameter, or null.</returns>
    public static string? TryParse(Func<string, string?> parameter, out AssetQuery query)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        query = new AssetQuery();
        if (!TryNumber(parameter("limit"), LimitDefault, out var limit) || limit is < 1 or > LimitMax)
            return $"limit is a number from 1 to {LimitMax}";
        if (!TryNumber(parameter("offset"), 0, out var offset) || offset < 0) return "offset is a number from 0";
        if (!TryFlag(parameter("include_trashed"), out var includesTrashed)) return "include_trashed is true or false";
        if (!TryFlag(parameter("trashed"), out var onlyTrashed)) return "trashed is true or false";
        if (!TryMoment(parameter("start_time"), out var start)) return "start_time is a number of milliseconds";
        if (!TryMoment(parameter("end_time"), out var end)) return "end_time is a number of milliseconds";

        var order = parameter("order") ?? "desc";
        if (order is not ("asc" or "desc")) return "order is asc or desc";

        var hash = parameter("hash");
        if (hash is not null && (hash.Length > AssetHash.TextLength || hash.Any(c => !char.IsAsciiHexDigitLower(c))))
            return "hash is up to 64 digits of lower-case hex";

        PageCursor? after = null;
        if (parameter("cursor") is { } text)
        {
            if (!PageCursor.TryParse(text, out var cursor)) return "cursor is the text of 'next' of an earlier page";
            if (offset > 0) return "cursor and offset are two places to begin at";
            after = cursor;
        }

        var words = (parameter("q") ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > WordCountMax) return $"q has more than {WordCountMax} words";

        query = new AssetQuery
        {
            Limit = (int)limit,
            Offset = offset,
            After = after,
            IsAscending = order == "asc",
            IncludesTrashed = includesTrashed,
            OnlyTrashed = onlyTrashed,
            Application = Some(parameter("application")),
            User = Some(parameter("user")),
            MimePrefix = Some(parameter("mime_type")),
            PathPrefix = Some(parameter("human_path")),
            HashPrefix = Some(hash),
            StartMs = start,
            EndMs = end,
            Tags = TagList.Parse(parameter("tags")),
            Words = words,
        };
        return null;
    }

    private static string? Some(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static bool TryNumber(string? text, long otherwise, out long value)
    {
        value = otherwise;
        return text is null
            || long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryMoment(string? text, out long? value)
    {
        value = null;
        if (text is null) return true;
        if (!TryNumber(text, 0, out var number)) return false;

        value = number;
        return true;
    }

    private static bool TryFlag(string? text, out bool value)
    {
        value = text is "true" or "1";
        return text is null or "true" or "1" or "false" or "0";
    }
}

/// <summary>
/// A place between two assets. A page that begins behind one neither repeats nor omits an asset while others arrive.
/// Written as <c>TIMESTAMP-ID</c>.
/// </summary>
public readonly record struct PageCursor(long TimestampMs, long Id)
{
    public static bool TryParse(string text, out PageCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(text);
        cursor = default;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0
            || !long.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var timestamp)
            || !long.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return false;

        cursor = new PageCursor(timestamp, id);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{TimestampMs}-{Id}");
}

/// <summary>One page of assets.</summary>
/// <param name="Items">In the order asked for.</param>
/// <param name="Total">All that fit, on every page.</param>
/// <param name="Next">Where the next page begins; null after the last one.</param>
public sealed record AssetPage(IReadOnlyList<Asset> Items, long Total, PageCursor? Next);
