namespace EdgeSync.Storage.Assets;

/// <summary>
/// Threads for work that does nothing but wait for the disk, as the flush of an upload does. The thread pool has as
/// many threads as processors, and adds others slowly: two flushes at once held up all other requests of a small
/// machine. Threads start when they are needed, and end when they were idle for a while.
/// </summary>
internal sealed class FlushThreads(TimeSpan idleTime)
{
    /// <summary>Disks gain little from more at once.</summary>
    public const int CountMax = 32;

    private const int StackBytes = 256 * 1024;

    // Monitors wait; a Lock does not.
    private readonly object _gate = new();
    private readonly Queue<(Action Body, TaskCompletionSource Done)> _queue = new();
    private int _threads;
    private int _idle;

    /// <summary>Runs it on one of the threads; what it throws is thrown by the task.</summary>
    public Task RunAsync(Action body)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _queue.Enqueue((body, done));
            if (_queue.Count <= _idle || _threads == CountMax)
            {
                Monitor.Pulse(_gate);
                return done.Task;
            }

            _threads++;
            _idle++;
        }

        new Thread(Run, StackBytes) { IsBackground = true, Name = "can-flush" }.Start();
        return done.Task;
    }

    private void Run()
    {
        while (TryTake(out var work))
        {
            try
            {
                work.Body();
                work.Done.SetResult();
            }
            catch (Exception e)
            {
                work.Done.SetException(e);
            }

            lock (_gate) _idle++;
        }
    }

    private bool TryTake(out (Action Body, TaskCompletionSource Done) work)
    {
        lock (_gate)
        {
            while (!_queue.TryDequeue(out work))
            {
                if (Monitor.Wait(_gate, idleTime) || _queue.Count > 0) continue;

                _idle--;
                _threads--;
                return false;
            }

            _idle--;
            return true;
        }
    }
}
