using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Sync;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation;

/// <summary>One party: a repository, its client session of the moment, and the death that may meet it.</summary>
internal abstract class SimNode(int index) : IDisposable
{
    public int Index { get; } = index;

    public string Name { get; } = $"n{index}";

    public abstract IArtifactStore Store { get; }

    /// <summary>The session under way, if any.</summary>
    public SimSession? Session { get; set; }

    /// <summary>Everything that was not committed is gone.</summary>
    public virtual void Crash()
    {
        Session?.Dispose();
        Session = null;
    }

    /// <summary>Local work: one committed round.</summary>
    public void Write(Instant now, Action<IArtifactStore> change)
    {
        Invariant.Require(Store.Begin(StoreAccess.Write, now));
        change(Store);
        Invariant.Require(Store.TryCommit(out _));
    }

    public T Read<T>(Instant now, Func<IArtifactStore, T> query)
    {
        Invariant.Require(Store.Begin(StoreAccess.Read, now));
        try
        {
            return query(Store);
        }
        finally
        {
            Store.Rollback();
        }
    }

    /// <summary>Names of what is held and public.</summary>
    public List<ArtifactId> PublicIds(Instant now) =>
        Read(now, s => s.Walk(ArtifactList.Public).Select(a => a.Id).Order().ToList());

    /// <summary>From now on this node wants nothing of it.</summary>
    public abstract void Shun(ArtifactId id);

    public virtual void Dispose() => Session?.Dispose();
}

/// <summary>Over the test's store in memory.</summary>
internal sealed class MemoryNode(int index, MemoryArtifactStore store) : SimNode(index)
{
    public override IArtifactStore Store => store;

    public MemoryArtifactStore Memory => store;

    public override void Crash()
    {
        base.Crash();
        store.Crash();
    }

    public override void Shun(ArtifactId id) => store.Shun(id);
}

/// <summary>Over a real repository on SQLite in memory.</summary>
internal sealed class SqliteNode : SimNode
{
    private RepositoryArtifactStore _store;

    public SqliteNode(int index, ulong seed, Instant start, bool isEmpty)
        : base(index)
    {
        var options = new RepositoryCreateOptions
        {
            AdminUser = SampleProject.Login.User,
            AdminPassword = SampleProject.Login.Password,
            ProjectCode = isEmpty ? null : SampleProject.Code,
            InitialDate = start,
            Entropy = new SeededEntropy(seed),
            Clock = new FixedClock(start),
        };
        Repository = isEmpty
            ? Repository.CreateForClone(Database.InMemory, options)
            : Repository.Create(Database.InMemory, options);
        var secret = XferLogin.SharedSecret(SampleProject.Code, SampleProject.Login.User, SampleProject.Login.Password);
        Repository.Database.Execute($"UPDATE user SET cap='sxy', pw='{secret}' WHERE login='tester'");
        _store = new RepositoryArtifactStore(Repository);
    }

    public Repository Repository { get; }

    public override IArtifactStore Store => _store;

    public override void Crash()
    {
        base.Crash();
        _store.Dispose();
        _store = new RepositoryArtifactStore(Repository);
    }

    public override void Shun(ArtifactId id) => Repository.Shuns.Add(id);

    public override void Dispose()
    {
        base.Dispose();
        _store.Dispose();
        Repository.Dispose();
    }

    private sealed class FixedClock(Instant now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(now.ToDateTime());
    }
}
