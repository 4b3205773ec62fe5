using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// A clone in progress. The table <c>fx_clone</c> exists from the first round until all is verified and linked, which
/// marks an interrupted clone, so that it can be resumed. (Stock's rebuild drops unknown tables, except those named
/// <c>fx_…</c>.)
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
    /// Hashes all arrivals, on all cores, and derives all tables from them: one walk over the artifacts. An artifact
    /// whose hash differs is not kept: its name stays as a phantom, and the next pull requests it.
    /// </summary>
    internal void Finish(Action<RebuildProgress>? progress)
    {
        // Replies of megabytes are left from the transfer; the walk needs that memory.
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
