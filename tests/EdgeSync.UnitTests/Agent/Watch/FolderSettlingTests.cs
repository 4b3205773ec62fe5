using EdgeSync.Agent.Watch;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Agent.Watch;

public sealed class FolderSettlingTests
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);
    private static readonly Instant Start = Instant.FromUnixSeconds(1_000_000);

    [Test]
    public void It_scans_once_after_a_quiet_time()
    {
        var settling = new FolderSettling(Quiet);
        Assert.Null(settling.Deadline);

        settling.OnChange(Start);
        settling.OnChange(Start + TimeSpan.FromSeconds(1));

        Assert.False(settling.OnDeadline(Start + TimeSpan.FromSeconds(2)));
        Assert.True(settling.OnDeadline(Start + TimeSpan.FromSeconds(3)));
        Assert.False(settling.OnDeadline(Start + TimeSpan.FromSeconds(9)));
    }

    [Test]
    public void Changes_that_never_end_do_not_put_it_off_for_ever()
    {
        var settling = new FolderSettling(Quiet);
        var now = Start;
        while (!settling.OnDeadline(now))
        {
            settling.OnChange(now);
            now += TimeSpan.FromSeconds(1);
            Assert.True(now - Start <= (Quiet * FolderSettling.PatienceFactor) + TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public void After_failures_it_waits_longer_and_after_success_as_before()
    {
        var settling = new FolderSettling(Quiet);
        var pauses = new List<TimeSpan>();
        var now = Start;
        for (var i = 0; i < 12; i++)
        {
            settling.OnFailed(now);
            pauses.Add(settling.Deadline!.Value - now);
            now = settling.Deadline.Value;
            Assert.True(settling.OnDeadline(now));
        }

        Assert.Equal([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300], pauses.Select(p => (int)p.TotalSeconds));
        settling.OnDone();
        settling.OnFailed(now);
        Assert.Equal(now + Quiet, settling.Deadline);
    }

    [Test]
    public void A_clock_that_was_set_back_does_not_stretch_it()
    {
        var settling = new FolderSettling(Quiet);
        settling.OnChange(Start);

        settling.OnChange(Start - TimeSpan.FromDays(1));

        Assert.Equal(Start - TimeSpan.FromDays(1) + Quiet, settling.Deadline);
    }
}
