using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace EdgeSync.Net;

/// <summary>
/// Wakes one waiting loop. A signal that arrives while it does not wait is kept, several count as one. The loop
/// continues on the signalling thread, so a small reply is sent without a change of threads, by default.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource, IThreadPoolWorkItem
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Signalled = 2;

    private ManualResetValueTaskSourceCore<bool> _source;
    private int _state;

    /// <summary>The loop continues on a thread of the pool: the signalling one holds a lock.</summary>
    public bool ContinuesOnPool { get; init; }

    /// <summary>One waiter at a time.</summary>
    public ValueTask WaitAsync()
    {
        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle) return new ValueTask(this, _source.Version);

        _state = Idle;   // it was signalled meanwhile
        return ValueTask.CompletedTask;
    }

    /// <summary>As <see cref="WaitAsync()"/>; the token wakes the waiter too, which then throws.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WaitOrCancelAsync(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
        {
            await WaitAsync();
            return;
        }

        using (cancellationToken.UnsafeRegister(static signal => ((AsyncSignal)signal!).Set(), this))
            await WaitAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Set()
    {
        if (Interlocked.Exchange(ref _state, Signalled) != Waiting) return;

        _state = Idle;
        // The signal is its own work item: a wake-up allocates nothing.
        if (ContinuesOnPool) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        else _source.SetResult(true);
    }

    void IThreadPoolWorkItem.Execute() => _source.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
