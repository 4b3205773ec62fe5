using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Primitives;

public sealed class LoginThrottleTests
{
    private const string Stranger = "192.0.2.7";
    private const string Realm = "a.fossil";
    private static readonly Instant Start = Instant.FromUnixSeconds(1_000_000);

    [Test]
    public void Lets_failures_up_to_the_limit_pass()
    {
        var throttle = new LoginThrottle(3, TimeSpan.FromSeconds(60));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", Start));
            throttle.OnFailure(Stranger, "bob", Realm, Start);
        }

        Assert.Equal(TimeSpan.FromSeconds(20), throttle.WaitOf(Stranger, "bob", Start));
    }

    [Test]
    public void Forgives_one_failure_at_a_time()
    {
        var throttle = new LoginThrottle(3, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 3; i++) throttle.OnFailure(Stranger, "bob", Realm, Start);

        var later = Start + TimeSpan.FromSeconds(20);
        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", later));
        throttle.OnFailure(Stranger, "bob", Realm, later);
        Assert.Equal(TimeSpan.FromSeconds(20), throttle.WaitOf(Stranger, "bob", later));
    }

    [Test]
    public void Success_clears_the_failures_of_a_login()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));
        throttle.OnFailure(Stranger, "bob", Realm, Start);

        throttle.OnSuccess(Stranger, "bob", Realm);

        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", Start));
    }

    [Test]
    public void A_login_that_succeeds_forgives_no_other_one()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));
        throttle.OnFailure(Stranger, "bob", Realm, Start);

        throttle.OnSuccess(Stranger, "mallory", Realm);

        Assert.NotEqual(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", Start));
    }

    /// <summary>
    /// Else a login of one repository could guess without end at the same name in another one.
    /// </summary>
    [Test]
    [Arguments("a.fossil")]
    [Arguments("b.fossil")]
    [Arguments("broker")]
    public void A_login_that_succeeds_forgives_nothing_that_failed_elsewhere_too(string succeeds)
    {
        var throttle = new LoginThrottle(2, TimeSpan.FromSeconds(60));
        throttle.OnFailure(Stranger, "bob", "a.fossil", Start);
        throttle.OnFailure(Stranger, "bob", "b.fossil", Start);

        throttle.OnSuccess(Stranger, "bob", succeeds);

        Assert.NotEqual(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", Start));
    }

    [Test]
    public void What_failed_in_one_realm_counts_in_all()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));

        throttle.OnFailure(Stranger, "bob", "broker", Start);
        throttle.OnSuccess(Stranger, "bob", "a.fossil");

        Assert.Equal(TimeSpan.FromSeconds(60), throttle.WaitOf(Stranger, "bob", Start));
    }

    [Test]
    public void Other_logins_behind_one_address_and_the_same_login_elsewhere_go_on()
    {
        var throttle = new LoginThrottle(1, TimeSpan.FromSeconds(60));

        throttle.OnFailure(Stranger, "bob", Realm, Start);

        Assert.Equal(TimeSpan.Zero, throttle.WaitOf(Stranger, "alice", Start));
        Assert.Equal(TimeSpan.Zero, throttle.WaitOf("192.0.2.8", "bob", Start));
    }

    [Test]
    public void Memory_is_bounded_and_the_fullest_buckets_are_kept()
    {
        var throttle = new LoginThrottle(2, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 2; i++) throttle.OnFailure(Stranger, "bob", Realm, Start);

        for (var i = 0; i < 10_000; i++) throttle.OnFailure(Stranger, $"guest{i}", Realm, Start);

        Assert.NotEqual(TimeSpan.Zero, throttle.WaitOf(Stranger, "bob", Start));
    }
}
