using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Proxy;

public sealed class ShaperTests
{
    [Test]
    public void There_are_nine_named_links_and_they_get_worse()
    {
        Assert.Equal(
            ["lan", "wifi", "lte", "3g", "edge", "rural", "sat", "worst", "hell"],
            LinkProfile.Named.Select(profile => profile.Name));
        Assert.Equal(0.25, LinkProfile.Of("hell").Loss);
        Assert.Equal(TimeSpan.FromMilliseconds(300), LinkProfile.Of("sat").OneWay);
        Assert.Throws<ArgumentException>(() => LinkProfile.Of("string"));
    }

    [Test]
    public void A_link_takes_its_time_for_the_bytes_and_for_the_way()
    {
        var profile = new LinkProfile("even", 1, TimeSpan.FromMilliseconds(100), 0);
        var shaper = new Shaper(new Prng(1)) { Profile = profile };

        var first = shaper.ComesOutAt(TimeSpan.Zero, 12_500, TimeSpan.Zero);
        var second = shaper.ComesOutAt(TimeSpan.Zero, 12_500, first);

        Assert.Equal(TimeSpan.FromMilliseconds(100 + 50), first);
        Assert.Equal(TimeSpan.FromMilliseconds(200 + 50), second);
        Assert.Equal(TimeSpan.FromMilliseconds(200), shaper.Backlog(TimeSpan.Zero));
    }

    [Test]
    public void Nothing_overtakes_a_segment_that_is_sent_again() => Property.Check(
        prng =>
        {
            var shaper = new Shaper(prng.Fork()) { Profile = prng.Pick(LinkProfile.Named.ToArray()) };
            var (now, last) = (TimeSpan.Zero, TimeSpan.Zero);

            for (var i = 0; i < 200; i++)
            {
                now += TimeSpan.FromMilliseconds(prng.NextInt32(20));
                var due = shaper.ComesOutAt(now, prng.NextInt32(1, 8192), last);

                Assert.True(due >= last && due >= now + shaper.Profile.OneWay);
                last = due;
            }
        },
        runs: 50);

    [Test]
    public void As_many_segments_are_late_as_the_profile_says()
    {
        var profile = LinkProfile.Of("worst");
        var shaper = new Shaper(new Prng(7)) { Profile = profile with { MegabitsPerSecond = double.PositiveInfinity } };

        var late = Enumerable.Range(0, 10_000)
            .Count(_ => shaper.ComesOutAt(TimeSpan.Zero, 1000, TimeSpan.Zero) > profile.OneWay);

        Assert.InRange(late, 1000, 1400);
    }

    [Test]
    public void The_same_seed_loses_the_same_segments()
    {
        TimeSpan[] Draw() =>
        [
            .. Enumerable.Repeat(new Shaper(new Prng(3)) { Profile = LinkProfile.Of("hell") }, 100)
                .Select(shaper => shaper.ComesOutAt(TimeSpan.Zero, 3000, TimeSpan.Zero)),
        ];

        Assert.Equal(Draw(), Draw());
    }
}
