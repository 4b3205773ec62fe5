using System.Globalization;
using System.Text;
using EdgeSync.Can.Queries;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// A query as conditions of SQL. The text is made of literals alone, one for each filter that is used; values are
/// parameters from ?10 on.
/// </summary>
internal sealed class AssetFilter
{
    private const int FirstParameter = 10;

    /// <summary>Of shorter texts the index of words knows nothing: it holds triples of characters.</summary>
    private const int IndexedLengthMin = 3;

    private readonly StringBuilder _conditions = new();
    private readonly List<(int Index, string? Text, long Number)> _values = [];
    private readonly AssetQuery _query;

    public AssetFilter(AssetQuery query)
    {
        _query = query;
        if (query.OnlyTrashed) Add("is_trashed=1");
        else if (!query.IncludesTrashed) Add("is_trashed=0");
        if (query.Application is { } application) Add("application=?", application);
        if (query.User is { } user) Add("user_identity=?", user);
        if (query.MimePrefix is { } mime) Add("substr(mime_type,1,length(?))=?", mime);
        if (query.PathPrefix is { } path) Add("substr(human_path,1,length(?))=?", path);
        // Behind every digit of hex.
        if (query.HashPrefix is { } hash) Add("hash>=? AND hash<?||'g'", hash);
        if (query.StartMs is { } start) Add("timestamp>=?", start);
        if (query.EndMs is { } end) Add("timestamp<=?", end);
        foreach (var tag in query.Tags)
            Add("id IN (SELECT asset_id FROM asset_tags JOIN tags t ON t.id=tag_id WHERE t.name=?)", tag);
        AddWords(query.Words);
        Conditions = _conditions.Length == 0 ? "1" : _conditions.ToString();
    }

    /// <summary>Without the cursor: the total is the same on every page.</summary>
    public string Conditions { get; }

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
            Add("id IN (SELECT rowid FROM asset_words WHERE asset_words MATCH ?)", string.Join(' ', indexed));

        foreach (var word in words.Where(w => w.EnumerateRunes().Count() < IndexedLengthMin))
            Add("id IN (SELECT rowid FROM asset_words WHERE instr(lower(coalesce(name,'')||char(10)"
                + "||coalesce(path,'')||char(10)||coalesce(description,'')||char(10)||tags),lower(?))>0)", word);
    }

    private void Add(string condition, string? text = null, long number = 0)
    {
        var index = FirstParameter + _values.Count;
        if (_conditions.Length > 0) _conditions.Append(" AND ");
        _conditions.Append(
            condition.Replace("?", "?" + index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        if (condition.Contains('?', StringComparison.Ordinal)) _values.Add((index, text, number));
    }

    private void Add(string condition, long number) => Add(condition, null, number);
}
