using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// A clone in the making. The table <c>fx_clone</c> exists from the first round until all is verified and linked, so an
/// interrupted clone is known for what it is and can go on. (Stock's rebuild drops tables it does not know, except
/// those named <c>fx_…</c>.)
/// </summary>
public sealed class CloneProgress
{
    private readonly Repository _repository;

    public CloneProgress(Repository repository) => _repository = repository;

    /// <summary>True between the first artifact and the end of linking.</summary>
    public bool IsRunning => _repository.Database.HasTable("fx_clone");

    internal void Start()
    {
        using var transaction = _repository.Begin();
        _repository.Database.Execute("CREATE TABLE IF NOT EXISTS fx_clone(startedAt INTEGER)");
        using (var insert = _repository.Database.Prepare(
            "INSERT INTO fx_clone(startedAt) SELECT ?1 WHERE NOT EXISTS(SELECT 1 FROM fx_clone)"))
        {
            insert.Bind(1, _repository.Now.UnixSeconds).Run();
        }

        transaction.Commit();
    }

    /// <summary>
    /// Hashes all that came, on all cores, and derives all tables from it: one walk over the artifacts. An artifact
    /// that is not what its name says is not kept: its name stays as a phantom, and the next pull asks for it.
    /// </summary>
    internal void Finish(Action<RebuildProgress>? progress)
    {
        // Replies of megabytes lie about from the transfer; the walk wants that room.
        _repository.Content.ForgetCached();
        MemoryTrimmer.Collect();
        using (var transaction = _repository.Begin())
        {
            if (_repository.Settings["hash-policy"] is null)
                _repository.Content.HashPolicy = _repository.Content.HashPolicy;
            Rebuilder.Run(
                _repository, new RebuildOptions { VerifiesHashes = true, Progress = progress }, CancellationToken.None);
            _repository.Database.Execute("DROP TABLE IF EXISTS fx_clone");
            transaction.Commit();
        }

        _repository.Checkpoint();
    }
}
