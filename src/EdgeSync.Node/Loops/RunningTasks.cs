using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Loops;

/// <summary>
/// Owns work that runs beside its owner's loop: disposing waits for all of it. An operation that fails is logged; any other
/// exception is a bug, and told.
/// </summary>
internal sealed class RunningTasks(Action<Exception> failed, ServeLog log) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private bool _isClosed;

    /// <summary>Begins at once, up to its first pause. After disposal nothing begins.</summary>
    public void Start(Func<Task> work)
    {
        var task = GuardAsync(work);
        lock (_gate)
        {
            if (task.IsCompleted || _isClosed) return;
            _running.Add(task);
        }

        _ = task.ContinueWith(Remove, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        Task[] rest;
        lock (_gate)
        {
            _isClosed = true;
            rest = [.. _running];
        }

        await Task.WhenAll(rest);
    }

    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // Whoever cancelled knows.
        }
        catch (EdgeSyncException e)
        {
            log.Write(LogLevel.Error, e.Message, ("try", e.Hint));
        }
        catch (Exception e)
        {
            failed(e);
        }
    }

    private void Remove(Task task)
    {
        lock (_gate) _running.Remove(task);
    }
}
