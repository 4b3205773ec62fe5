using System.Collections.Concurrent;
using EdgeSync.Storage;

namespace EdgeSync.Node.Repositories;

/// <summary>A few read connections, each with its own thread, opened on first use.</summary>
internal sealed class ReaderPool(string path, int readersMax, TimeProvider clock) : IRepositoryExecutor,
    IAsyncDisposable
{
    private readonly SemaphoreSlim _free = new(readersMax);
    private readonly ConcurrentBag<RepositoryQueue> _idle = [];

    public bool IsExclusive => false;

    public Task RunAsync(Action<Repository> work, CancellationToken cancellationToken) => RunAsync(
        repository =>
        {
            work(repository);
            return true;
        },
        cancellationToken);

    public async Task<T> RunAsync<T>(Func<Repository, T> work, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            if (!_idle.TryTake(out var reader))
                reader = RepositoryQueue.Open(path, RepositoryOptions.ReadOnly with { Clock = clock });
            try
            {
                return await reader.RunAsync(work, cancellationToken);
            }
            finally
            {
                _idle.Add(reader);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var reader)) await reader.DisposeAsync();
        _free.Dispose();
    }
}
