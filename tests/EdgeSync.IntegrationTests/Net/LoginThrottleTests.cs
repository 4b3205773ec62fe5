using System.Net;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Net;

public sealed class LoginThrottleTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_000_000);
    private static readonly IPAddress Stranger = IPAddress.Parse("192.0.2.7");

    [Fact]
    public void Lets_failures_up_to_the_limit_pass()
    {
        var throttle = new LoginThrottle(3, TimeSpan.FromSeconds(60));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, Start));
            throttle.OnFailure(Stranger, Start);
        }

        Assert.Equal(TimeSpan.FromSeconds(20), throttle.WaitOf(Stranger, Start));
    }

    [Fact]
    public void Forgives_one_failure_at_a_time()
    {
        var throttle = new LoginThrottle(3, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 3; i++) throttle.OnFailure(Stranger, Start);

        var later = Start + TimeSpan.FromSeconds(20);
        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, later));
        throttle.OnFailure(Stranger, later);
        Assert.Equal(TimeSpan.FromSeconds(20), throttle.WaitOf(Stranger, later));
    }

    [Fact]
    public void Forgets_all_after_a_login_that_succeeds()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));
        throttle.OnFailure(Stranger, Start);

        throttle.OnSuccess(Stranger);

        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, Start));
    }

    [Fact]
    public void Counts_an_IPv6_network_as_one_and_others_apart()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));

        throttle.OnFailure(IPAddress.Parse("2001:db8:1:2::3"), Start);

        Assert.NotEqual(TimeSpan.Zero, throttle.WaitOf(IPAddress.Parse("2001:db8:1:2:ffff::9"), Start));
        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(IPAddress.Parse("2001:db8:1:3::3"), Start));
        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, Start));
    }

    [Fact]
    public void Stays_small_under_a_flood_and_keeps_the_worst()
    {
        var throttle = new LoginThrottle(2, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 2; i++) throttle.OnFailure(Stranger, Start);

        for (var i = 0; i < 10_000; i++) throttle.OnFailure(new IPAddress((long)i), Start);

        Assert.NotEqual(TimeSpan.Zero, throttle.WaitOf(Stranger, Start));
    }
}
