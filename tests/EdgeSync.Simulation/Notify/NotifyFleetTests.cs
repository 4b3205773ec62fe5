using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Notify;

public sealed class NotifyFleetTests
{
    private const int SeedsUsual = 30;

    /// <summary>No message is lost, none is given twice, answers follow their questions, unread counts agree.</summary>
    [Test]
    public void Every_fleet_reads_each_message_once_and_in_order()
    {
        var broken = new List<string>();
        var counts = new Dictionary<string, int>();
        Parallel.For(1, SeedCount.Or(SeedsUsual) + 1, seed =>
        {
            using var fleet = new NotifyFleet((ulong)seed);
            fleet.Run();
            lock (broken)
            {
                broken.AddRange(fleet.Faults.Select(fault => $"seed {seed}: {fault}"));
                foreach (var (what, count) in fleet.Counts) counts[what] = counts.GetValueOrDefault(what) + count;
            }
        });

        Assert.True(broken.Count == 0, string.Join('\n', broken.Take(5)));
        // A simulation in which nothing happens proves nothing.
        foreach (var what in (string[])["send", "reply", "read", "sync", "broken"])
            Assert.True(counts.GetValueOrDefault(what) > 0, what);
    }

    [Test]
    public void A_seed_gives_the_same_fleet_every_time()
    {
        Assert.Equal(TraceOf(7), TraceOf(7));

        static string TraceOf(ulong seed)
        {
            using var fleet = new NotifyFleet(seed);
            fleet.Run();
            return fleet.Trace;
        }
    }
}
