namespace EdgeSync.Net.Iroh;

/// <summary>
/// Two attempts at the same: one is used, and the other leaves neither a connection nor an unseen failure.
/// </summary>
internal static class DialRace
{
    /// <summary>The attempt that succeeds first, or the failure of the one that fails last.</summary>
    /// <param name="losing">Ends the other attempt.</param>
    /// <param name="giveUp">Gets what the other one has made in spite of that.</param>
    public static async Task<T> FirstAsync<T>(
        Task<T> first, Task<T> second, CancellationTokenSource losing, Action<T> giveUp)
    {
        var done = await Task.WhenAny(first, second);
        var other = done == first ? second : first;
        if (!done.IsCompletedSuccessfully)
        {
            Abandon(done, giveUp);
            return await other;
        }

        await losing.CancelAsync();
        Abandon(other, giveUp);
        return await done;
    }

    /// <summary>Nobody waits for an attempt any longer.</summary>
    public static void Abandon<T>(Task<T> attempt, Action<T> giveUp) => _ = attempt.ContinueWith(
        t =>
        {
            if (t.IsCompletedSuccessfully) giveUp(t.Result);
            else _ = t.Exception;
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
