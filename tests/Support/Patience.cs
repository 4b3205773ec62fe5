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

    /// <summary>Looks until the condition holds; fails the test when the time is used up.</summary>
    /// <param name="lacking">What was waited for, and what the program has logged.</param>
    /// <param name="pause">Between two looks, where a look is costly; null: 10 ms.</param>
    public static Task UntilAsync(
        Func<bool> condition, TimeSpan span, Func<string> lacking, TimeSpan? pause = null) =>
        UntilAsync(() => Task.FromResult(condition()), span, lacking, pause);

    /// <inheritdoc cref="UntilAsync(Func{bool}, TimeSpan, Func{string}, TimeSpan?)"/>
    public static async Task UntilAsync(
        Func<Task<bool>> condition, TimeSpan span, Func<string> lacking, TimeSpan? pause = null)
    {
        var patience = new Patience(span, pause ?? TimeSpan.FromMilliseconds(10));
        while (!await condition())
            await patience.LookAgainAsync(lacking, TestContext.Current!.Execution.CancellationToken);
    }

    /// <summary>Pauses before the next look; fails the test when the time is used up.</summary>
    /// <param name="lacking">What was waited for, and what the program has logged.</param>
    public async Task LookAgainAsync(Func<string> lacking, CancellationToken cancellationToken)
    {
        if (!TryLookAgain()) throw Exhausted(lacking);
        await Task.Delay(pause, cancellationToken);
    }

    /// <inheritdoc cref="LookAgainAsync"/>
    public void LookAgain(Func<string> lacking)
    {
        if (!TryLookAgain()) throw Exhausted(lacking);
        Thread.Sleep(pause);   // between two looks at a state: nothing depends on its length
    }

    /// <summary>False when the time is used up; the caller pauses.</summary>
    public bool TryLookAgain()
    {
        var now = Stopwatch.GetTimestamp();
        var elapsed = Stopwatch.GetElapsedTime(_lastLook, now);
        _lastLook = now;
        _spent += TimeSpan.FromTicks(Math.Min(elapsed.Ticks, pause.Ticks * PausesPerLookMax));
        return _spent <= span;
    }

    private Xunit.Sdk.XunitException Exhausted(Func<string> lacking) =>
        new($"not within {span.TotalSeconds:0} s: {lacking()}");
}
