using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// The repository file of a stock server on this machine, watched so that its bridge checks at once for new artifacts.
/// Only the number of its last artifact is read: other writes of a server are not changes.
/// </summary>
internal sealed class UpstreamFile : IAsyncDisposable
{
    private readonly Database _database;
    private readonly Func<Task> _grown;
    private readonly FileChanges _changes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _last;

    /// <exception cref="EdgeSyncException">It does not exist, or is not a database.</exception>
    public UpstreamFile(string path, Func<Task> grown, TimeProvider clock)
    {
        _grown = grown;
        _database = Database.Open(
            path, new DatabaseOptions { Access = DatabaseAccess.Read, Journal = DatabaseJournal.AsFound });
        _last = LastArtifact();
        _changes = new FileChanges(path, clock);
        _loop = Task.Run(LoopAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _changes.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _database.Dispose();
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await _changes.WaitAsync(_stop.Token);
                var last = LastArtifact();
                if (last == _last) continue;

                _last = last;
                await _grown();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    /// <summary>The old number when the file cannot be read just now: the next check sees a change.</summary>
    private long LastArtifact()
    {
        try
        {
            return _database.QueryInt64("SELECT max(rid) FROM blob");
        }
        catch (EdgeSyncException)
        {
            return _last;
        }
    }
}
