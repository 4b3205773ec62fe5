using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

/// <summary>
/// A repository under test with a manual clock, and short forms for its changes.
/// </summary>
internal sealed class TestProject : IDisposable
{
    public const string Tester = StockFossil.User;

    private readonly ManualClock _clock = new();

    public TestProject(string path = ":memory:")
    {
        Repository = Repository.Create(path, new RepositoryCreateOptions
        {
            AdminUser = Tester,
            Entropy = new SeededEntropy(7),
            Clock = _clock,
            InitialDate = Instant.FromUnixSeconds(1_704_067_200),
        });
        Root = new RecordId(1);
    }

    private TestProject(Repository repository) => (Repository, Root) = (repository, new RecordId(1));

    public Repository Repository { get; }

    public RecordId Root { get; }

    public static TestProject Open(string path) =>
        new(Repository.Open(path, new RepositoryOptions { Entropy = new SeededEntropy(7) }));

    public static FileChange Put(string name, string content) => FileChange.Put(name, Encoding.UTF8.GetBytes(content));

    public void Wait(TimeSpan time) => _clock.Advance(time);

    public RecordId Commit(RecordId parent, params IReadOnlyList<FileChange> changes) => Commit(new CommitOptions
    {
        Parent = parent,
        User = Tester,
        Comment = "change " + changes.Count,
        Changes = changes,
    });

    public RecordId Commit(CommitOptions options)
    {
        if (options.Date is null) Wait(TimeSpan.FromMinutes(1));
        return Repository.Commit(options).Rid;
    }

    public string[] FilesOf(RecordId rid)
    {
        var names = new List<string>();
        foreach (var file in CheckInTree.Load(Repository, rid).Files) names.Add(Encoding.UTF8.GetString(file.Name));
        return [.. names];
    }

    public string TextOf(RecordId rid)
    {
        using var content = Repository.Content.Get(rid);
        return Encoding.UTF8.GetString(content.Span);
    }

    public RepositoryTables Tables(params ReadOnlySpan<IReadOnlyDictionary<string, string>> queries) =>
        TablesOf(Repository, queries);

    public static RepositoryTables TablesOf(
        Repository repository, params ReadOnlySpan<IReadOnlyDictionary<string, string>> queries) =>
        RepositoryTables.Read(sql => Query(repository, sql), queries);

    public void Dispose() => Repository.Dispose();

    private static List<object?[]> Query(Repository repository, string sql)
    {
        var rows = new List<object?[]>();
        using var select = repository.Database.PrepareOnce(sql);
        while (select.Step())
        {
            var row = new object?[select.ColumnCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = select.ColumnType(i) switch
                {
                    EdgeSync.Storage.Sqlite.SqliteType.Integer => select.Int64(i),
                    EdgeSync.Storage.Sqlite.SqliteType.Real => select.Double(i),
                    EdgeSync.Storage.Sqlite.SqliteType.Text => select.Text(i),
                    EdgeSync.Storage.Sqlite.SqliteType.Blob => select.Bytes(i).ToArray(),
                    _ => null,
                };
            }

            rows.Add(row);
        }

        return rows;
    }

    private sealed class ManualClock : TimeProvider
    {
        private DateTimeOffset _now = new(2024, 1, 2, 0, 0, 0, TimeSpan.Zero);

        public void Advance(TimeSpan time) => _now += time;

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
