using EdgeSync.Node.Loops;
using EdgeSync.Storage;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// What an agent wants remembered, gathered for a moment so that a busy node does not pay a disk flush for every commit it
/// tells of. Of several writes to one thing the last counts; a crash loses at most that moment, which is then told again.
/// </summary>
internal sealed class PendingWrites(RepositoryQueue repository, RunningTasks tasks, TimeProvider clock, CancellationToken stop)
{
    private static readonly TimeSpan Gather = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Action<Repository>> _writes = [];

    public void Add(string key, Action<Repository> write)
    {
        lock (_gate)
        {
            _writes[key] = write;
            if (_writes.Count > 1) return;
        }

        tasks.Start(FlushLaterAsync);
    }

    public async Task FlushAsync()
    {
        Action<Repository>[] writes;
        lock (_gate)
        {
            writes = [.. _writes.Values];
            _writes.Clear();
        }

        if (writes.Length == 0) return;

        await repository.RunAsync(
            opened =>
            {
                if (opened.IsReadOnly) return;

                using var transaction = opened.Begin();
                foreach (var write in writes) write(opened);
                transaction.Commit();
            },
            CancellationToken.None);
    }

    private async Task FlushLaterAsync()
    {
        await Task.Delay(Gather, clock, stop);
        await FlushAsync();
    }
}
