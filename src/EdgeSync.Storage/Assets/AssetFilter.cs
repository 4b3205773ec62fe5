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

    /// <summary>Of shorter texts the index of words knows nothing: it holds triples of characters.</summary>
    private const int IndexedLengthMin = 3;

    private const string HasShortWord =
        "instr(lower(coalesce(name,'')||char(10)||coalesce(path,'')||char(10)||coalesce(description,'')||char(10)"
        + "||tags),lower(?))>0";

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
        foreach (var tag in query.Tags)
            Add("id", " IN (SELECT asset_id FROM asset_tags JOIN tags t ON t.id=tag_id WHERE t.name=?)", tag);
        AddWords(query.Words);
    }

    /// <summary>Whether <see cref="ByFilter"/> can use an index of a filter.</summary>
    public bool HasFilter { get; private set; }

    /// <summary>
    /// Conditions for a search by the filters. Without the cursor: the total is the same on every page.
    /// </summary>
    public string ByFilter => _byFilter.Length == 0 ? "1" : _byFilter.ToString();

    /// <summary>The same for one in the order of pages.</summary>
    public string InOrder => _inOrder.Length == 0 ? "1" : _inOrder.ToString();

    public string AfterCursor => _query.After is null ? ""
        : _query.IsAscending ? " AND (timestamp,id)>(?3,?4)" : " AND (timestamp,id)<(?3,?4)";

    public string Order => _query.IsAscending ? "ORDER BY timestamp, id" : "ORDER BY timestamp DESC, id DESC";

    public void Bind(Statement statement)
    {
        foreach (var (index, text, number) in _values)
        {
            if (text is null) statement.Bind(index, number);
            else statement.BindText(index, text);
        }
    }

    public void BindCursor(Statement statement)
    {
        if (_query.After is { } after) statement.Bind(3, after.TimestampMs).Bind(4, after.Id);
    }

    private void AddWords(IReadOnlyList<string> words)
    {
        var indexed = words.Where(w => w.EnumerateRunes().Count() >= IndexedLengthMin)
            .Select(w => '"' + w.Replace("\"", "\"\"", StringComparison.Ordinal) + '"').ToList();
        if (indexed.Count > 0)
            Add("id", " IN (SELECT rowid FROM asset_words WHERE asset_words MATCH ?)", string.Join(' ', indexed));

        // Beside a filter they are looked for in what it leaves, else in all texts.
        foreach (var word in words.Where(w => w.EnumerateRunes().Count() < IndexedLengthMin))
        {
            if (HasFilter) AddLast($"EXISTS(SELECT 1 FROM asset_words WHERE rowid=id AND {HasShortWord})", word);
            else Add("id", $" IN (SELECT rowid FROM asset_words WHERE {HasShortWord})", word);
        }
    }

    private void AddLast(string condition, string value)
    {
        var text = Numbered(condition);
        Append(text, text);
        _values.Add((FirstParameter + _values.Count, value, 0));
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
    private string Numbered(string condition) => condition.Replace(
        "?", "?" + (FirstParameter + _values.Count).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

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
