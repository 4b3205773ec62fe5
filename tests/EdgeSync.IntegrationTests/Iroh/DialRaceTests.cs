using System.Runtime.CompilerServices;
using EdgeSync.Net.Iroh;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Two dials of one peer, of which one is used.</summary>
public sealed class DialRaceTests
{
    [Test]
    public async Task The_first_success_is_used_and_the_other_one_given_up()
    {
        var (first, second) = (new TaskCompletionSource<string>(), new TaskCompletionSource<string>());
        using var losing = new CancellationTokenSource();
        var givenUp = new List<string>();
        var racing = DialRace.FirstAsync(first.Task, second.Task, losing, givenUp.Add);

        second.SetResult("second");

        Assert.Equal("second", await racing);
        Assert.True(losing.IsCancellationRequested);
        first.SetResult("first");
        Assert.Equal(["first"], givenUp);
    }

    [Test]
    public async Task A_failure_waits_for_the_other_one()
    {
        var (first, second) = (new TaskCompletionSource<string>(), new TaskCompletionSource<string>());
        using var losing = new CancellationTokenSource();
        var racing = DialRace.FirstAsync(first.Task, second.Task, losing, _ => Assert.Fail("nothing is left over"));

        first.SetException(new InvalidOperationException("first"));
        second.SetException(new InvalidOperationException("second"));

        Assert.Equal("second", (await Assert.ThrowsAsync<InvalidOperationException>(() => racing)).Message);
    }

    /// <summary>The run time reports a failure that nobody has looked at when its task is collected.</summary>
    [Test]
    [Arguments("fails")]
    [Arguments("loses")]
    [Arguments("abandoned")]
    public void No_failure_is_left_for_the_run_time_to_report(string how)
    {
        var failure = new InvalidOperationException("of this test");
        var isReported = false;
        void Look(object? sender, UnobservedTaskExceptionEventArgs e) =>
            isReported |= e.Exception.InnerExceptions.Contains(failure);
        TaskScheduler.UnobservedTaskException += Look;
        try
        {
            Run(how, failure);
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Look;
        }

        Assert.False(isReported);
    }

    // The tasks are garbage when it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run(string how, Exception failure)
    {
        var (failing, other) = (new TaskCompletionSource<int>(), new TaskCompletionSource<int>());
        using var losing = new CancellationTokenSource();
        if (how == "abandoned")
        {
            DialRace.Abandon(failing.Task, _ => { });
            failing.SetException(failure);
            return;
        }

        var racing = DialRace.FirstAsync(failing.Task, other.Task, losing, _ => { });
        if (how == "fails") failing.SetException(failure);
        other.SetResult(1);
        if (how == "loses") failing.SetException(failure);
        Assert.True(SpinWait.SpinUntil(() => racing.IsCompleted, TimeSpan.FromSeconds(60)));
        Assert.Equal(1, racing.GetAwaiter().GetResult());
    }
}
