using EdgeSync.Fossil.Sync;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation;

public class SimulationTests
{
    private const int SeedsUsual = 150;

    [Test]
    [Arguments("Normal")]
    [Arguments("Adversarial")]
    [Arguments("Hostile")]
    public void Every_world_heals(string severity)
    {
        var worlds = Enumerable.Range(1, SeedCount.Or(SeedsUsual))
            .Select(seed => Runner.OptionsFor((ulong)seed, Enum.Parse<Severity>(severity)))
            .ToList();

        var failed = Runner.RunMany(worlds);

        Assert.True(failed.Count == 0, string.Join('\n', failed.Take(3)));
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public void A_seed_gives_the_same_trace_every_time(bool onSqlite)
    {
        for (var seed = 1UL; seed <= (onSqlite ? 3UL : 10UL); seed++)
        {
            var options = new WorldOptions(seed, Severity.Hostile, onSqlite);

            Assert.Equal(Runner.Run(options).TraceHash, Runner.Run(options).TraceHash);
        }
    }

    /// <summary>
    /// The server learns of most artifacts from clusters, which are linked only when the round ends; it must request
    /// their members all the same before it answers.
    /// </summary>
    [Test]
    [Arguments(SyncActions.Push)]
    [Arguments(SyncActions.Pull)]
    public void One_session_carries_a_clustered_history_between_real_repositories(SyncActions actions)
    {
        using var real = new SqliteNode(1, 7, DirectExchange.Now, isEmpty: false);
        var memory = SampleProject.Create("s");
        SampleProject.History(memory, 120);
        memory.Write(memory.MakeClusters);

        var report = actions == SyncActions.Push
            ? new DirectExchange(real.Store).Run(memory, SampleProject.Options(actions))
            : new DirectExchange(memory).Run(real.Store, SampleProject.Options(actions));

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Empty(memory.HeldIds().Except(real.PublicIds(DirectExchange.Now)));
    }

    [Test]
    public void Hostile_severity_injects_every_fault()
    {
        // A simulation in which nothing happens proves nothing.
        var results = Enumerable.Range(1, 20)
            .Select(
                seed => Runner.Run(new WorldOptions((ulong)seed, Severity.Hostile, OnSqlite: false, KeepsTrace: true)))
            .ToList();
        var lines = results.SelectMany(r => r.Trace).ToList();

        foreach (
            var word in new[] { "lost request", "lost reply", "cut ", "doubled ", "dies", "waits in vain", "check-in",
                "uv " })
            Assert.Contains(lines, line => line.Contains(word, StringComparison.Ordinal));
        Assert.All(results, r => Assert.True(r.SessionsEnded > 0));
    }
}
