using EdgeSync.Net.Http;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>A request that takes far longer than a peer may be silent, on a clock of the test.</summary>
public sealed class SlowUploadTests
{
    private static readonly TimeSpan SilenceMax = TimeSpan.FromMinutes(5);

    [Test]
    [Arguments(0.9, true)]
    [Arguments(1.1, false)]
    public async Task A_request_may_take_any_time_while_it_progresses(double silencePerPiece, bool arrives)
    {
        var clock = new HandClock();
        await using var server = await TestServer.StartAsync();
        using var client = new XferHttpClient(
            new XferHttpClientOptions { Retry = RetryPolicy.None, SilenceMax = SilenceMax }, clock);
        var pieces = 0;

        var post = client.PostAsync(
            server.Url, XferContentType.Uncompressed, new byte[1_000_000], mayRepeat: false, OnPiece,
            TestContext.Current!.Execution.CancellationToken);

        if (arrives)
        {
            using var response = await post;
            Assert.True(pieces > 20, $"{pieces} pieces");
            Assert.True(clock.Passed > 10 * SilenceMax);
        }
        else
        {
            await Assert.ThrowsAnyAsync<EdgeSync.Primitives.EdgeSyncException>(() => post);
        }

        void OnPiece()
        {
            pieces++;
            clock.Pass(SilenceMax * silencePerPiece);
        }
    }

    /// <summary>Time passes on request of the test; what is due then happens.</summary>
    private sealed class HandClock : TimeProvider
    {
        private readonly Lock _gate = new();
        private readonly List<HandTimer> _timers = [];

        public TimeSpan Passed { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new HandTimer(this, () => callback(state));
            timer.Change(dueTime, period);
            lock (_gate) _timers.Add(timer);
            return timer;
        }

        public void Pass(TimeSpan time)
        {
            List<HandTimer> due;
            lock (_gate)
            {
                Passed += time;
                due = [.. _timers.Where(timer => timer.DueAt <= Passed)];
                foreach (var timer in due) timer.DueAt = null;
            }

            foreach (var timer in due) timer.Fire();
        }

        private sealed class HandTimer(HandClock clock, Action fire) : ITimer
        {
            public TimeSpan? DueAt { get; set; }

            public void Fire() => fire();

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                DueAt = dueTime == Timeout.InfiniteTimeSpan ? null : clock.Passed + dueTime;
                return true;
            }

            public void Dispose() => DueAt = null;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
