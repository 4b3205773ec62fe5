namespace EdgeSync.Node.Loops;

/// <summary>
/// Starts and awaits work on a scheduler, not on the thread pool. (Awaits that the framework completes on the pool, as
/// <c>Task.WaitAsync</c> and <c>Task.WhenAny</c> may, have no order in a simulation.)
/// </summary>
internal static class LoopTask
{
    /// <summary>Starts a loop on the scheduler; the task ends when the loop does.</summary>
    public static Task Start(TaskScheduler scheduler, Func<Task> loop) =>
        Task.Factory.StartNew(loop, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    /// <summary>The result, or the cancellation if that comes first.</summary>
    public static async Task<T> WaitAsync<T>(TaskCompletionSource<T> result, CancellationToken cancellationToken)
    {
        await using var _ = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), result);
        return await result.Task;
    }
}
