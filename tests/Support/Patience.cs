using System.Diagnostics;

namespace EdgeSync.Tests.Support;

/// <summary>
/// A limit for waiting on another process or thread that gives no event. Each look costs the time since the look
/// before, but never more than a few pauses: what a busy machine takes from the test, it takes from the program under
/// test as well, so that time does not count.
/// </summary>
/// <param name="span">How long an idle machine would wait.</param>
/// <param name="pause">Between two looks.</param>
internal sealed class Patience(TimeSpan span, TimeSpan pause)
{
    private const int PausesPerLookMax = 3;

    private TimeSpan _spent;
    private long _lastLook = Stopwatch.GetTimestamp();

    /// <summary>Pauses before the next look; fails the test when the time is used up.</summary>
    /// <param name="lacking">What was waited for, and what the program has logged.</param>
    public async Task LookAgainAsync(Func<string> lacking, CancellationToken cancellationToken)
    {
        var now = Stopwatch.GetTimestamp();
        var elapsed = Stopwatch.GetElapsedTime(_lastLook, now);
        _lastLook = now;
        _spent += TimeSpan.FromTicks(Math.Min(elapsed.Ticks, pause.Ticks * PausesPerLookMax));
        if (_spent > span) throw new Xunit.Sdk.XunitException($"not within {span.TotalSeconds:0} s: {lacking()}");

        await Task.Delay(pause, cancellationToken);
    }
}
