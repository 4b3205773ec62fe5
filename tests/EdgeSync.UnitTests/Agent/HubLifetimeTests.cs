using EdgeSync.Agent.Peers;

namespace EdgeSync.UnitTests.Agent;

public class HubLifetimeTests
{
    [Test]
    public void An_unused_hub_ends_and_a_used_one_does_not()
    {
        var now = AgentDriver.Start;
        var hub = new HubLifetime(TimeSpan.FromMinutes(5), now);

        Assert.False(hub.IsOver(now + TimeSpan.FromMinutes(4)));
        Assert.True(hub.IsOver(now + TimeSpan.FromMinutes(5)));
        hub.OnLeaves(now, 2);
        Assert.False(hub.IsOver(now + TimeSpan.FromDays(5)));
        hub.OnLeaves(now + TimeSpan.FromDays(5), 0);
        Assert.Equal(now + TimeSpan.FromDays(5) + TimeSpan.FromMinutes(5), hub.Deadline);
    }
}
