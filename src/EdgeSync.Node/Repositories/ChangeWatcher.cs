using EdgeSync.Storage;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Detects commits of other programs in a repository file: when the file was written, SQLite's <c>data_version</c>
/// shows whether another connection did it.
/// </summary>
internal sealed class ChangeWatcher : IAsyncDisposable
{
    private readonly RepositoryQueue _repository;
    private readonly Action _changed;
    private readonly FileChanges _files;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public ChangeWatcher(RepositoryQueue repository, Action changed, TimeProvider clock)
    {
        (_repository, _changed) = (repository, changed);
        _files = new FileChanges(repository.Path, clock);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Reports a possible change.</summary>
    public void Nudge() => _files.Nudge();

    public async ValueTask DisposeAsync()
    {
        _files.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        try
        {
            var seen = await LookAsync();
            while (true)
            {
                await _files.WaitAsync(_stop.Token);
                var version = await LookAsync();
                if (version == seen) continue;

                seen = version;
                _changed();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    /// <summary>Zero when the file cannot be read just now: the next check sees a change.</summary>
    private async Task<long> LookAsync()
    {
        try
        {
            return await _repository.RunAsync(r => r.Database.DataVersion, _stop.Token);
        }
        catch (Primitives.EdgeSyncException)
        {
            return 0;
        }
    }
}
