using System.Globalization;
using System.Text;
using EdgeSync.Can.Queries;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// A query as conditions of SQL. The text is made of literals alone, one for each filter that is used; values are
/// parameters from ?10 on.
/// </summary>
/// <remarks>
/// A plus before a column keeps SQLite from searching by its index. Few assets are found by what is rare about them and
/// sorted then; of many, the first page is found by going through all in the order of the page.
/// </remarks>
internal sealed class AssetFilter
{
    private const int FirstParameter = 10;

    private const string WithTag = "SELECT asset_id FROM asset_tags WHERE tag_id=(SELECT id FROM tags WHERE name=?)";
    private const string HasWords = "rowid FROM asset_words WHERE asset_words MATCH ?";
    private const string HasPairs = "rowid FROM asset_pairs WHERE asset_pairs MATCH ?";
    private const string Trashed = "SELECT id FROM assets WHERE is_trashed=1";

    private readonly StringBuilder _byFilter = new();
    private readonly StringBuilder _inOrder = new();
    private readonly List<(int Index, string? Text, long Number)> _values = [];
    private readonly AssetQuery _query;

    public AssetFilter(AssetQuery query)
    {
        _query = query;
        // Ids are looked up in the small index of this state; other filters have an index that holds it.
        var state = query.OnlyTrashed ? "is_trashed=1" : query.IncludesTrashed ? null : "is_trashed=0";
        if (state is not null) Append(query.Tags.Count + query.Words.Count > 0 ? state : "+" + state, state);
        if (query.Application is { } application) Add("application", "=?", application);
        if (query.User is { } user) Add("user_identity", "=?", user);
        if (query.MimePrefix is { } mime) AddPrefix("mime_type", mime);
        if (query.PathPrefix is { } path) AddPrefix("human_path", path);
        if (query.HashPrefix is { } hash) AddPrefix("hash", hash);
        if (query.StartMs is { } start) AddMoment("timestamp>=?", start);
        if (query.EndMs is { } end) AddMoment("timestamp<=?", end);
        HasMatches = _values.Count == 0 && query.Tags.Count + query.Words.Count > 0;
        foreach (var tag in query.Tags) Add("id", $" IN ({WithTag})", tag);
        if (LongOf(query) is { Count: > 0 } words) Add("id", $" IN (SELECT {HasWords})", AssetWords.LongQuery(words));
        if (ShortOf(query) is { Count: > 0 } texts) Add("id", $" IN (SELECT {HasPairs})", AssetWords.ShortQuery(texts));
    }

    /// <summary>Whether <see cref="ByFilter"/> can use an index of a filter.</summary>
    public bool HasFilter { get; private set; }

    /// <summary>
    /// Whether words and tags alone tell the assets that fit. They are in small tables, and few assets are in the
    /// trash: that none of these is one is told faster than for each asset that it is not.
    /// </summary>
    public bool HasMatches { get; }

    /// <summary>
    /// Conditions for a search by the filters. Without the cursor: the total is the same on every page.
    /// </summary>
    public string ByFilter => _byFilter.Length == 0 ? "1" : _byFilter.ToString();

    /// <summary>The same for one in the order of pages.</summary>
    private string InOrder => _inOrder.Length == 0 ? "1" : _inOrder.ToString();

    public string Order => _query.IsAscending ? "ORDER BY timestamp, id" : "ORDER BY timestamp DESC, id DESC";

    private string AfterCursor => _query.After is null ? ""
        : _query.IsAscending ? " AND (timestamp,id)>(?3,?4)" : " AND (timestamp,id)<(?3,?4)";

    /// <summary>Counts those that fit; with <see cref="BindValues"/>.</summary>
    public string Total => HasMatches ? $"SELECT count(*) {Matches}"
        : $"SELECT count(*) FROM assets WHERE {(HasFilter ? ByFilter : InOrder)}";

    /// <summary>Ids of those that fit, for few; the caller adds the order.</summary>
    public string Sorted => (HasMatches
        ? $"SELECT id FROM (SELECT {MatchId} AS match {Matches}) CROSS JOIN assets ON id=match WHERE 1"
        : $"SELECT id FROM assets WHERE {ByFilter}") + AfterCursor;

    /// <summary>The same for many: all assets in the order of pages.</summary>
    public string Ordered => $"SELECT id FROM assets WHERE {InOrder}{AfterCursor}";

    private string MatchId => _query.Words.Count > 0 ? "rowid" : "asset_id";

    /// <summary>Binds filters and cursor.</summary>
    public void Bind(Statement statement)
    {
        BindValues(statement);
        if (_query.After is { } after) statement.Bind(3, after.TimestampMs).Bind(4, after.Id);
    }

    /// <summary>Binds filters.</summary>
    public void BindValues(Statement statement)
    {
        foreach (var (index, text, number) in _values)
        {
            if (text is null) statement.Bind(index, number);
            else statement.BindText(index, text);
        }
    }

    private static List<string> LongOf(AssetQuery query) => [.. query.Words.Where(w => !AssetWords.IsShort(w))];

    private static List<string> ShortOf(AssetQuery query) => [.. query.Words.Where(AssetWords.IsShort)];

    // The rest of a SELECT, from FROM on. The values are those of tags, long words and short ones, in this order.
    private string Matches
    {
        get
        {
            var tables = Enumerable.Repeat(WithTag, _query.Tags.Count).ToList();
            if (LongOf(_query).Count > 0) tables.Add("SELECT " + HasWords);
            if (ShortOf(_query).Count > 0) tables.Add("SELECT " + HasPairs);
            for (var i = 0; i < tables.Count; i++) tables[i] = Numbered(tables[i], FirstParameter + i);

            // Searched for words, if there are any; what is in the other tables is looked up.
            var first = LongOf(_query).Count > 0 ? _query.Tags.Count : _query.Words.Count > 0 ? tables.Count - 1 : 0;
            var text = new StringBuilder(tables[first][tables[first].IndexOf("FROM", StringComparison.Ordinal)..]);
            foreach (var table in tables.Where((_, i) => i != first)) text.Append($" AND +{MatchId} IN ({table})");
            if (_query.OnlyTrashed) text.Append($" AND +{MatchId} IN ({Trashed})");
            else if (!_query.IncludesTrashed) text.Append($" AND +{MatchId} NOT IN ({Trashed})");
            return text.ToString();
        }
    }

    // The index of the order serves moments.
    private void AddMoment(string condition, long number)
    {
        var text = Numbered(condition);
        Append(text, text);
        _values.Add((FirstParameter + _values.Count, null, number));
    }

    // Texts that begin so are those from it on, up to it with the greatest character behind.
    private void AddPrefix(string column, string prefix)
    {
        if (prefix.Length == 0) return;

        HasFilter = true;
        Append(
            Numbered($"{column}>=? AND {column}<?||char(1114111)"),
            Numbered($"+{column}>=? AND +{column}<?||char(1114111)"));
        _values.Add((FirstParameter + _values.Count, prefix, 0));
    }

    private void Add(string column, string condition, string value)
    {
        HasFilter = true;
        var text = Numbered(column + condition);
        Append(text, "+" + text);
        _values.Add((FirstParameter + _values.Count, value, 0));
    }

    // The next parameter.
    private string Numbered(string condition) => Numbered(condition, FirstParameter + _values.Count);

    private static string Numbered(string condition, int parameter) => condition.Replace(
        "?", "?" + parameter.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private void Append(string byFilter, string inOrder)
    {
        if (_byFilter.Length > 0)
        {
            _byFilter.Append(" AND ");
            _inOrder.Append(" AND ");
        }

        _byFilter.Append(byFilter);
        _inOrder.Append(inOrder);
    }
}
