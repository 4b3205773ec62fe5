using System.Threading.Tasks.Sources;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Wakes one waiting loop. A signal that arrives while it does not wait is kept, several count as one. The loop
/// continues on the signalling thread, so a small reply is sent without a change of threads.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Signalled = 2;

    private ManualResetValueTaskSourceCore<bool> _source;
    private int _state;

    /// <summary>One waiter at a time.</summary>
    public ValueTask WaitAsync()
    {
        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle) return new ValueTask(this, _source.Version);

        _state = Idle;   // it was signalled meanwhile
        return ValueTask.CompletedTask;
    }

    public void Set()
    {
        if (Interlocked.Exchange(ref _state, Signalled) != Waiting) return;

        _state = Idle;
        _source.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
