using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Mirror;

public sealed class MirrorTests
{
    private const int SeedsUsual = 300;

    [Test]
    public void Every_mirror_agrees_in_the_end()
    {
        var broken = new List<string>();
        var counts = new Dictionary<string, int>();
        Parallel.For(1, SeedCount.Or(SeedsUsual) + 1, seed =>
        {
            var chaos = new MirrorChaos((ulong)seed);
            var found = Run(chaos.Run, seed);
            lock (broken)
            {
                broken.AddRange(found);
                foreach (var (what, count) in chaos.Counts) counts[what] = counts.GetValueOrDefault(what) + count;
                counts["death"] = counts.GetValueOrDefault("death") + chaos.World.Deaths;
            }
        });

        Assert.True(broken.Count == 0, string.Join('\n', broken.Take(5)));
        // A simulation in which nothing happens proves nothing.
        foreach (
            var what in new[] { "add", "again", "edit", "trash", "purge", "partition", "crash", "death", "clock",
                "break", "spoil", "lose" })
            Assert.True(counts.GetValueOrDefault(what) > 0, what);
    }

    [Test]
    public void Every_mirror_beside_an_agent_of_the_original_agrees_in_the_end()
    {
        var broken = new List<string>();
        var counts = new Dictionary<string, int>();
        Parallel.For(1, SeedCount.Or(SeedsUsual) + 1, seed =>
        {
            var chaos = new OriginalChaos((ulong)seed);
            var found = Run(chaos.Run, seed);
            lock (broken)
            {
                broken.AddRange(found);
                foreach (var (what, count) in chaos.Counts) counts[what] = counts.GetValueOrDefault(what) + count;
            }
        });

        Assert.True(broken.Count == 0, $"{broken.Count}: " + string.Join('\n', broken.Take(5)));
        foreach (
            var what in new[] { "there", "here", "edit", "edit there", "trash", "purge", "crash", "break", "dial" })
            Assert.True(counts.GetValueOrDefault(what) > 0, what);
    }

    [Test]
    public void A_seed_gives_the_same_mirror_every_time()
    {
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var (one, other) = (new MirrorChaos(seed), new MirrorChaos(seed));
            one.Run();
            other.Run();

            Assert.Equal(one.World.Trace, other.World.Trace);
        }
    }

    private static List<string> Run(Func<List<string>> chaos, int seed)
    {
        try
        {
            return chaos();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return [$"seed {seed}: {e}"];
        }
    }
}
