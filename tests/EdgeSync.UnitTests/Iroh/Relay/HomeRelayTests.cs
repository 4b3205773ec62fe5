using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Iroh.Relay;

public sealed class HomeRelayTests
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1_700_000_000);

    private readonly HomeRelay _home = new(new Prng(1), Now);

    [Test]
    public void The_nearest_relay_is_taken_and_kept_while_none_is_a_third_nearer()
    {
        Assert.True(Measure(("a", 30), ("b", 50), ("c", null)));
        Assert.Equal("http://a/", _home.Current!.Text);

        Assert.False(Measure(("a", 30), ("b", 25)));
        Assert.True(Measure(("a", 30), ("b", 19)));
        Assert.Equal("http://b/", _home.Current!.Text);
    }

    [Test]
    public void One_that_does_not_answer_is_left_when_another_does()
    {
        Measure(("a", 30), ("b", 50));

        Assert.False(Measure(("a", null), ("b", null)));
        Assert.Equal("http://a/", _home.Current!.Text);
        Assert.True(Measure(("a", null), ("b", 50)));
        Assert.Equal("http://b/", _home.Current!.Text);
    }

    [Test]
    public void The_shortest_measurement_counts_until_the_network_changes()
    {
        Measure(("a", 30), ("b", 50));
        Assert.False(Measure(("a", 90), ("b", 50)));

        _home.OnNetworkChanged(Now);

        Assert.True(Measure(("a", 90), ("b", 50)));
    }

    [Test]
    public void Is_measured_three_times_at_first_and_then_now_and_then()
    {
        var times = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            var now = _home.ProbeAt;
            times.Add((now - Now).TotalMilliseconds);
            _home.OnProbing(now);
        }

        Assert.Equal([200, 300, 400], times.Take(3).Select(t => (int)t));
        Assert.InRange(times[3] - times[2], 20_000, 26_000);
        Assert.InRange(times[4] - times[3], 20_000, 26_000);
    }

    private bool Measure(params (string Host, int? Milliseconds)[] roundTrips) =>
        _home.OnMeasured(roundTrips.ToDictionary(
            r => RelayUrl.TryParse($"http://{r.Host}", out var url) ? url : throw new InvalidOperationException(),
            r => r.Milliseconds is { } ms ? TimeSpan.FromMilliseconds(ms) : (TimeSpan?)null));
}
