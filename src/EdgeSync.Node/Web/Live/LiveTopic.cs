namespace EdgeSync.Node.Web.Live;

/// <summary>
/// Something whose changes pages wait for. It is watched while a page waits, once for all of them, and the last one to
/// leave ends that.
/// </summary>
/// <param name="watchAsync">Calls back at each change, until it is cancelled.</param>
internal sealed class LiveTopic(Func<Action, CancellationToken, Task> watchAsync)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _change = New();
    private (Task Done, CancellationTokenSource? Stop) _watch = (Task.CompletedTask, null);
    private int _readers;

    /// <summary>Completes at the next change, seen from now.</summary>
    public Task Change
    {
        get
        {
            lock (_lock) return _change.Task;
        }
    }

    public void Join()
    {
        lock (_lock)
        {
            if (_readers++ > 0) return;

            var stop = new CancellationTokenSource();
            _watch = (WatchAsync(_watch.Done, stop.Token), stop);
        }
    }

    public async Task LeaveAsync()
    {
        Task watch;
        CancellationTokenSource stop;
        lock (_lock)
        {
            if (--_readers > 0) return;

            (watch, stop) = (_watch.Done, _watch.Stop!);
        }

        await stop.CancelAsync();
        await watch;
        stop.Dispose();
    }

    // One after the other: a watch that ends while the next reader comes is over before its successor begins.
    private async Task WatchAsync(Task before, CancellationToken cancellationToken)
    {
        try
        {
            await before;
            await watchAsync(OnChange, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The last reader has left, or the node stops.
        }
    }

    private void OnChange()
    {
        TaskCompletionSource change;
        lock (_lock) (change, _change) = (_change, New());
        change.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
