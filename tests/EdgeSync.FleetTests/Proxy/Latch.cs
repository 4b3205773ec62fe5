namespace EdgeSync.FleetTests.Proxy;

/// <summary>Open or shut; a caller waits while it is shut.</summary>
internal sealed class Latch
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _opened = Completed();

    public bool IsOpen => _opened.Task.IsCompleted;

    public void Shut()
    {
        lock (_lock)
            if (_opened.Task.IsCompleted)
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Open()
    {
        lock (_lock) _opened.TrySetResult();
    }

    public Task PassAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return _opened.Task.WaitAsync(cancellationToken);
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }
}
