using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Users;

namespace EdgeSync.Storage;

/// <summary>
/// One <c>.fossil</c> file, open. Used by one thread at a time; <see cref="RepositoryQueue"/> serves asynchronous
/// callers on a thread of its own. The parts are properties, one noun each.
/// </summary>
public sealed class Repository : IDisposable
{
    private readonly RepositoryOptions _options;

    internal Repository(string path, Database database, RepositoryOptions options)
    {
        _options = options;
        Path = path;
        Database = database;
        Settings = new Settings(this);
        ReceiveLog = new ReceiveLog(this);
        Shuns = new ShunList(this);
        Content = new ContentStore(this, options);
        Names = new NameResolver(this);
        Users = new UserStore(this);
        JoinTokens = new JoinTokenStore(this);
        TrustedPeers = new TrustedPeerStore(this);
        Unversioned = new UnversionedStore(this);
        database.Began = canWrite =>
        {
            if (canWrite) PlannerStatistics.ForgetSmallTables(database);
            Content.OnTransactionBegun();
        };
        Crosslinker = new Crosslinker(this);
        database.Committing = () =>
        {
            Crosslinker.LinkPending();
            Content.SetAsideWaiting();
        };
        database.Ended = OnTransactionEnded;
    }

    public string Path { get; }

    /// <summary>The connection, for parts of this project and for <c>repo query</c>.</summary>
    public Database Database { get; }

    public Settings Settings { get; }

    public ContentStore Content { get; }

    public NameResolver Names { get; }

    public UserStore Users { get; }

    public JoinTokenStore JoinTokens { get; }

    public TrustedPeerStore TrustedPeers { get; }

    public UnversionedStore Unversioned { get; }

    public ShunList Shuns { get; }

    public ReceiveLog ReceiveLog { get; }

    /// <summary>Links new artifacts; every commit calls it.</summary>
    internal Crosslinker Crosslinker { get; }

    /// <summary>The time by the repository's clock, or of the current sync round.</summary>
    public Instant Now => RoundTime ?? Instant.FromDateTime(_options.Clock.GetUtcNow());

    /// <summary>The source of secrets.</summary>
    public Entropy Entropy => _options.Entropy;

    public RepositoryOptions Options => _options;

    /// <summary>The time of the current sync round; everything in a round has one time.</summary>
    internal Instant? RoundTime { get; set; }

    public bool IsReadOnly => Database.IsReadOnly;

    /// <summary>The code shared by all clones of a project: 40 hex digits.</summary>
    public string ProjectCode => Settings.Require("project-code");

    /// <summary>This copy's own code: 40 hex digits.</summary>
    public string ServerCode => Settings.Require("server-code");

    /// <summary>Opens an existing repository.</summary>
    /// <exception cref="EdgeSyncException">The file does not exist, is not a repository, or its tables need a
    /// rebuild.</exception>
    public static Repository Open(string path, RepositoryOptions? options = null)
    {
        options ??= RepositoryOptions.Default;
        var database = Database.Open(path, new DatabaseOptions
        {
            Access = options.Access,
            Journal = options.Journal,
            Durability = options.Durability,
            BusyTimeout = options.BusyTimeout,
            Warned = options.Warned,
            PageCacheBytesMax = options.PageCacheBytesMax,
        });
        try
        {
            RepositoryCheck.RequireRepository(database, options.AcceptsAnySchema);
            var repository = new Repository(path, database, options);
            if (!database.IsReadOnly) RepositoryCheck.AddMissing(repository);
            return repository;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Creates a repository with its first, empty check-in.</summary>
    /// <exception cref="EdgeSyncException">The file exists already.</exception>
    public static Repository Create(string path, RepositoryCreateOptions options) => Create(path, options, out _);

    /// <summary>As above; also returns the first user's password, which is stored as a hash only.</summary>
    /// <exception cref="EdgeSyncException">The file exists already.</exception>
    public static Repository Create(string path, RepositoryCreateOptions options, out string adminPassword) =>
        RepositoryCreator.Create(path, options, withCheckin: true, out adminPassword);

    /// <summary>Creates a repository for a clone: no check-in and, until the server sends it, no project
    /// code.</summary>
    public static Repository CreateForClone(string path, RepositoryCreateOptions options) =>
        RepositoryCreator.Create(path, options, withCheckin: false, out _);

    /// <summary>
    /// Removes a file without content: the rest of a creation that was killed before its first commit.
    /// </summary>
    /// <exception cref="EdgeSyncException">The file is not a database, or another process is writing to it.</exception>
    public static bool RemoveStub(string path)
    {
        if (!File.Exists(path)) return false;

        using (var database = Database.Open(path, new DatabaseOptions { Journal = DatabaseJournal.AsFound }))
        {
            // A process that is about to fill it holds the lock.
            using var transaction = database.Begin();
            if (database.QueryInt64("SELECT count(*) FROM sqlite_schema") > 0) return false;
        }

        File.Delete(path);
        return true;
    }

    /// <summary>
    /// Begins a write transaction, or joins the one that runs. Its commit links whatever content has become readable.
    /// </summary>
    public Transaction Begin() => Database.Begin();

    /// <summary>The time of a check-in, by the timeline; null for anything else.</summary>
    public Instant? DateOf(RecordId checkin)
    {
        using var select = Database.Prepare("SELECT mtime FROM event WHERE objid=?1 AND type='ci'");
        return select.Bind(1, checkin).Step() ? Instant.FromJulianDay(select.Double(0)) : null;
    }

    /// <summary>Gives SQL of a user the functions <c>content</c>, <c>symbolic_name_to_rid</c> and <c>now</c>.</summary>
    public void AddSqlFunctions() => SqlFunctions.Register(this);

    /// <summary>Creates a check-in, with all its rows, in one transaction.</summary>
    /// <exception cref="EdgeSyncException">Nothing changed, or it would fork, or the branch is closed, and so
    /// on.</exception>
    public AuthoredArtifact Commit(CommitOptions options) => new CheckInWriter(this).Commit(options);

    /// <summary>Refuses a check-in that would fork or whose branch is closed, before anything is written.</summary>
    /// <exception cref="EdgeSyncException">As <see cref="Commit"/>.</exception>
    public void RequirePlace(CommitOptions options) => new CheckInWriter(this).RequirePlace(options);

    /// <summary>Starts a branch with an empty check-in.</summary>
    /// <exception cref="EdgeSyncException">An open branch has the name.</exception>
    public AuthoredArtifact CreateBranch(BranchOptions options) => new CheckInWriter(this).CreateBranch(options);

    /// <summary>Checkpoints the write-ahead log, so that a copy of the file alone is complete.</summary>
    public bool Checkpoint() => Database.Checkpoint(truncate: true);

    /// <summary>
    /// Copies the repository into a new file while others use it. The file gets its name when it is complete.
    /// </summary>
    /// <param name="path">The new file.</param>
    /// <param name="replaces">It replaces a file of that name.</param>
    public void BackUp(string path, bool replaces = false)
    {
        if (File.Exists(path) && !replaces)
            throw new EdgeSyncException(ErrorKind.Conflict, $"{path} exists already", "name a new file");

        var partial = path + ".copying";
        RemoveFile(partial);   // of an interrupted run
        try
        {
            var options = new DatabaseOptions { Access = DatabaseAccess.Create, Journal = DatabaseJournal.AsFound };
            using (var target = Database.Open(partial, options)) Database.BackUpTo(target);
            DurableFile.Move(partial, path, replaces);
        }
        catch
        {
            RemoveFile(partial);
            throw;
        }
    }

    public void Dispose()
    {
        Content.Dispose();
        Database.Dispose();
    }

    private static void RemoveFile(string path)
    {
        File.Delete(path);
        File.Delete(path + "-journal");
    }

    private void OnTransactionEnded(bool committed)
    {
        if (!committed) ReceiveLog.Forget();
        Crosslinker.TicketTablesAreStale = false;
        Content.OnTransactionEnded(committed);
    }
}
