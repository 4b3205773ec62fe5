using EdgeSync.Agent;
using EdgeSync.Agent.Commits;
using EdgeSync.Agent.Peers;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Agent;

public class CommitPlanTests
{
    [Test]
    public void A_commit_pulls_looks_writes_and_pushes()
    {
        var plan = new CommitPlan(new CommitPlanOptions());

        Assert.Equal(CommitStep.Pull, plan.Step);
        plan.OnPulled(null, null);
        Assert.Equal(CommitStep.CheckFork, plan.Step);
        plan.OnForkChecked(wouldFork: false);
        Assert.Equal(CommitStep.CheckIn, plan.Step);
        plan.OnCheckedIn(AgentDriver.Id(1));
        Assert.Equal(CommitStep.Push, plan.Step);
        plan.OnPushed(null);

        Assert.Equal(CommitStep.Done, plan.Step);
        Assert.Null(plan.PushFault);
    }

    [Test]
    public void A_fork_is_refused_unless_allowed()
    {
        var plan = new CommitPlan(new CommitPlanOptions());
        plan.OnPulled(null, null);
        plan.OnForkChecked(wouldFork: true);
        var allowed = new CommitPlan(new CommitPlanOptions { AllowFork = true });
        allowed.OnPulled(null, null);

        Assert.Equal((CommitStep.Refused, ErrorKind.Conflict), (plan.Step, plan.Refusal!.Kind));
        Assert.Equal(CommitStep.CheckIn, allowed.Step);
    }

    [Test]
    [Arguments(false, AutosyncMode.On, CommitStep.Refused)]
    [Arguments(true, AutosyncMode.On, CommitStep.CheckFork)]
    [Arguments(false, AutosyncMode.PullOnly, CommitStep.CheckFork)]
    public void A_lock_of_another_refuses_unless_overridden(bool isOverridden, AutosyncMode mode, CommitStep step)
    {
        var plan = new CommitPlan(new CommitPlanOptions { OverrideLock = isOverridden, Mode = mode });

        plan.OnPulled(null, "anna");

        Assert.Equal(step, plan.Step);
        if (step == CommitStep.Refused) Assert.Contains("anna", plan.Refusal!.Message, StringComparison.Ordinal);
    }

    [Test]
    public void Without_a_way_to_the_peer_the_commit_is_made_and_the_fault_told()
    {
        var plan = new CommitPlan(new CommitPlanOptions());

        plan.OnPulled("no route", null);
        plan.OnForkChecked(wouldFork: false);
        plan.OnCheckedIn(AgentDriver.Id(1));
        plan.OnPushed("no route");

        Assert.Equal((CommitStep.Done, "no route", "no route"), (plan.Step, plan.PullFault, plan.PushFault));
        Assert.Equal(AgentDriver.Id(1), plan.Written);
    }

    [Test]
    public void Who_insists_on_the_peer_does_not_commit_alone()
    {
        var plan = new CommitPlan(new CommitPlanOptions { NeedsPeer = true });

        plan.OnPulled("no route", null);

        Assert.Equal(ErrorKind.Unavailable, plan.Refusal!.Kind);
    }

    [Test]
    [Arguments(AutosyncMode.Off, true, CommitStep.CheckFork, CommitStep.Done)]
    [Arguments(AutosyncMode.On, false, CommitStep.CheckFork, CommitStep.Done)]
    [Arguments(AutosyncMode.PullOnly, true, CommitStep.Pull, CommitStep.Done)]
    public void Modes_leave_out_what_they_do_not_do(
        AutosyncMode mode, bool hasPeer, CommitStep first, CommitStep afterCheckIn)
    {
        var plan = new CommitPlan(new CommitPlanOptions { Mode = mode, HasPeer = hasPeer });

        Assert.Equal(first, plan.Step);
        if (first == CommitStep.Pull) plan.OnPulled(null, null);
        plan.OnForkChecked(wouldFork: false);
        plan.OnCheckedIn(AgentDriver.Id(1));
        Assert.Equal(afterCheckIn, plan.Step);
    }

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
