namespace EdgeSync.Net.Iroh;

/// <summary>Ends the waiting of one loop before its time.</summary>
internal sealed class Alarm(TimeProvider clock)
{
    private readonly AsyncSignal _signal = new() { ContinuesOnPool = true };

    public void Ring() => _signal.Set();

    /// <summary>Waits for the time, or until it rings.</summary>
    /// <param name="time">Below zero: no time; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    public async Task WaitAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        if (time < TimeSpan.Zero && time != Timeout.InfiniteTimeSpan) time = TimeSpan.Zero;
        using var patience = new CancellationTokenSource(time, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _signal.WaitOrCancelAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It is time.
        }
    }
}
