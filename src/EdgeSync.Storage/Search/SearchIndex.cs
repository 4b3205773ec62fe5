using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Search;

/// <summary>What a search looks at.</summary>
[Flags]
public enum SearchAreas
{
    None = 0,

    /// <summary>Texts of the files at the end of the main branch.</summary>
    Files = 1,

    /// <summary>Comments of check-ins.</summary>
    Comments = 2,

    /// <summary>Wiki pages as they are now.</summary>
    Wiki = 4,

    /// <summary>Tickets as they are now.</summary>
    Tickets = 8,

    /// <summary>Technotes as they are now.</summary>
    Technotes = 16,

    /// <summary>Posts of the forum as they are now.</summary>
    Forum = 32,

    All = 63,
}

/// <summary>How far an index is behind the repository.</summary>
/// <param name="Ready">Documents that are in it as they are now.</param>
/// <param name="Total">Documents of the repository.</param>
public readonly record struct SearchProgress(long Ready, long Total)
{
    /// <summary>Nothing is missing.</summary>
    public bool IsWhole => Ready == Total;
}

/// <summary>One thing that fits.</summary>
/// <param name="Area">What it is.</param>
/// <param name="Name">A path, a hash, a title or an id.</param>
/// <param name="Title">Its title; the path of a file, the first line of a comment.</param>
/// <param name="Snippet">Where the words stand.</param>
/// <param name="Date">When it was last changed; null for files.</param>
public sealed record SearchHit(SearchAreas Area, string Name, string Title, string Snippet, Instant? Date);

/// <summary>
/// An index of words over a repository, in a file of its own beside it (<c>NAME-search</c>): it is never synced, stock
/// does not see it, and it can be deleted at any time. A search first takes in what has changed since the last one.
/// Where that file cannot be written, the index is built in memory.
/// </summary>
public sealed class SearchIndex : IDisposable
{
    private const int SnippetWords = 16;

    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, value TEXT);
        CREATE TABLE IF NOT EXISTS document(
          id INTEGER PRIMARY KEY, area INT NOT NULL, key TEXT NOT NULL, stamp TEXT NOT NULL, mtime REAL,
          UNIQUE(area, key));
        CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(title, body, tokenize='unicode61');
        """;

    private readonly Repository _repository;
    private readonly Database _database;

    private SearchIndex(Repository repository, Database database) => (_repository, _database) = (repository, database);

    /// <summary>False where it is in memory, since its file cannot be written.</summary>
    public bool IsKept => !_database.IsInMemory;

    /// <summary>Documents in the index.</summary>
    public long Count => _database.QueryInt64("SELECT count(*) FROM document");

    /// <summary>The file of a repository's index.</summary>
    public static string PathOf(Repository repository) => repository.Path + "-search";

    /// <summary>Opens the index, and makes it when there is none.</summary>
    /// <param name="repository">The repository to index.</param>
    /// <param name="isFresh">Start anew.</param>
    public static SearchIndex Open(Repository repository, bool isFresh = false)
    {
        var path = PathOf(repository);
        if (isFresh) File.Delete(path);
        try
        {
            return Open(repository, path);
        }
        catch (EdgeSyncException e) when (e.Kind != ErrorKind.Unavailable)
        {
            // Nothing is lost with it. What cannot be written here can be in memory.
            try
            {
                File.Delete(path);
                return Open(repository, path);
            }
            catch (Exception again) when (again is EdgeSyncException or IOException or UnauthorizedAccessException)
            {
                return Open(repository, Database.InMemory);
            }
        }
    }

    /// <summary>Takes in what has changed; returns how many documents that were.</summary>
    public int Update(CancellationToken cancellationToken = default) =>
        Update(int.MaxValue, long.MaxValue, cancellationToken).Changed;

    /// <summary>Takes in a part of what has changed. The next call goes on.</summary>
    /// <param name="documentsMax">Documents that are read at most.</param>
    /// <param name="charactersMax">No document is begun after so many characters.</param>
    public SearchProgress UpdateStep(
        int documentsMax, long charactersMax, CancellationToken cancellationToken = default) =>
        Update(documentsMax, charactersMax, cancellationToken).Progress;

    /// <summary>The documents that have all of the words, the best first.</summary>
    /// <param name="words">Whole words; one with a star at its end is a beginning, one with blanks a phrase.</param>
    /// <param name="areas">Where to look.</param>
    /// <param name="limit">Hits at most.</param>
    /// <param name="mayShow">
    /// False for what is left out, by its area, its key, and what it stood for when it was taken in: the id of a file's
    /// content, of a wiki page and of a technote. Snippets are made of the others only.
    /// </param>
    public IReadOnlyList<SearchHit> Find(
        IReadOnlyList<string> words, SearchAreas areas, int limit, Func<SearchAreas, string, string, bool>? mayShow =
        null)
    {
        var query = string.Join(' ', words.Select(Quoted).Where(w => w.Length > 0));
        if (query.Length == 0) return [];

        using var select = _database.Prepare(
            """
            SELECT d.area, d.key, w.title, d.mtime, d.stamp, w.rowid
              FROM words w JOIN document d ON d.id=w.rowid
             WHERE words MATCH ?1 AND (d.area & ?2)<>0 ORDER BY bm25(words, 8.0, 1.0), d.mtime DESC
            """);
        using var snippet = _database.Prepare(
            "SELECT snippet(words, 1, '', '', ' … ', ?2) FROM words WHERE words MATCH ?1 AND rowid=?3");
        select.BindText(1, query).Bind(2, (long)areas);
        var hits = new List<SearchHit>();
        while (hits.Count < limit && select.Step())
        {
            var (area, key) = ((SearchAreas)select.Int32(0), select.Text(1) ?? "");
            if (mayShow is not null && !mayShow(area, key, select.Text(4) ?? "")) continue;

            snippet.Reset().BindText(1, query).Bind(2, SnippetWords).Bind(3, select.Int64(5));
            hits.Add(new SearchHit(
                area, key, select.Text(2) ?? "", snippet.Step() ? snippet.Text(0) ?? "" : "",
                select.IsNull(3) ? null : Instant.FromJulianDay(select.Double(3))));
        }

        return hits;
    }

    public void Dispose() => _database.Dispose();

    private static SearchIndex Open(Repository repository, string path)
    {
        var database = Database.Open(path, new DatabaseOptions
        {
            Access = DatabaseAccess.Create,
            Journal = DatabaseJournal.AsFound,
            Durability = Durability.None,
        });
        try
        {
            database.Execute(Schema);
            return new SearchIndex(repository, database);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private (int Changed, SearchProgress Progress) Update(
        int documentsMax, long charactersMax, CancellationToken cancellationToken)
    {
        var mark = string.Create(
            CultureInfo.InvariantCulture,
            $"{_repository.ProjectCode} {_repository.Database.QueryInt64("SELECT max(rid) FROM blob")} "
                + $"{_repository.Database.QueryInt64("SELECT count(*) FROM event")} {(int)SearchAreas.All}");
        using var transaction = _database.Begin();
        if (_database.QueryText("SELECT value FROM state WHERE name='mark'") == mark)
        {
            var count = Count;
            return (0, new SearchProgress(count, count));
        }

        var (changed, progress) = TakeIn(documentsMax, charactersMax, cancellationToken);
        if (progress.IsWhole)
        {
            using var replace = _database.Prepare("REPLACE INTO state(name,value) VALUES('mark',?1)");
            replace.BindText(1, mark).Run();
        }

        transaction.Commit();
        return (changed, progress);
    }

    private (int Changed, SearchProgress Progress) TakeIn(
        int documentsMax, long charactersMax, CancellationToken cancellationToken)
    {
        var known = new Dictionary<(SearchAreas Area, string Key), (long Id, string Stamp)>();
        using (var select = _database.Prepare("SELECT area, key, id, stamp FROM document"))
        {
            while (select.Step())
                known[((SearchAreas)select.Int32(0), select.Text(1) ?? "")] = (select.Int64(2), select.Text(3) ?? "");
        }

        var (changed, ready, total) = (0, 0L, 0L);
        foreach (var document in SearchSources.Of(_repository))
        {
            cancellationToken.ThrowIfCancellationRequested();
            total++;
            if (known.Remove((document.Area, document.Key), out var old) && old.Stamp == document.Stamp)
            {
                ready++;
                continue;
            }

            // What has changed and must wait is not found as it was.
            if (old.Id != 0) Remove(old.Id);
            if (changed >= documentsMax || charactersMax <= 0) continue;

            charactersMax -= Add(document);
            changed++;
            ready++;
        }

        foreach (var (id, _) in known.Values) Remove(id);
        return (changed + known.Count, new SearchProgress(ready, total));
    }

    private int Add(SearchDocument document)
    {
        using var insert = _database.Prepare("INSERT INTO document(area,key,stamp,mtime) VALUES(?1,?2,?3,?4)");
        insert.Bind(1, (long)document.Area).BindText(2, document.Key).BindText(3, document.Stamp);
        if (document.Date is { } day) insert.Bind(4, day);
        else insert.BindNull(4);
        insert.Run();
        var id = _database.LastInsertRowId;
        var (title, body) = document.Read();
        using var words = _database.Prepare("INSERT INTO words(rowid,title,body) VALUES(?1,?2,?3)");
        words.Bind(1, id).BindText(2, title).BindText(3, body).Run();
        return title.Length + body.Length;
    }

    private void Remove(long id)
    {
        using var words = _database.Prepare("DELETE FROM words WHERE rowid=?1");
        words.Bind(1, id).Run();
        using var document = _database.Prepare("DELETE FROM document WHERE id=?1");
        document.Bind(1, id).Run();
    }

    // The input is not FTS5's query language: everything but a star at the end of a word is text.
    private static string Quoted(string word)
    {
        var isBeginning = word.EndsWith('*');
        var text = word.TrimEnd('*').Replace("\"", "\"\"", StringComparison.Ordinal);
        return text.Any(char.IsLetterOrDigit) ? $"\"{text}\"{(isBeginning ? "*" : "")}" : "";
    }
}
