using EdgeSync.Agent;
using EdgeSync.Agent.Commits;

namespace EdgeSync.UnitTests.Agent;

public class CommitPlanTests
{
    [Test]
    public void A_commit_pulls_writes_and_pushes()
    {
        var plan = new CommitPlan(new CommitPlanOptions());

        Assert.Equal(CommitStep.Pull, plan.Step);
        Assert.True(plan.TakesLock);
        plan.OnPulled(null);
        Assert.Equal(CommitStep.CheckIn, plan.Step);
        plan.OnCheckedIn();
        Assert.Equal(CommitStep.Push, plan.Step);
        plan.OnPushed();

        Assert.Equal(CommitStep.Done, plan.Step);
    }

    [Test]
    [Arguments(false, false, AutosyncMode.On, CommitStep.Refused)]
    [Arguments(true, false, AutosyncMode.On, CommitStep.CheckIn)]
    [Arguments(false, true, AutosyncMode.On, CommitStep.CheckIn)]
    [Arguments(false, false, AutosyncMode.PullOnly, CommitStep.CheckIn)]
    public void A_lock_of_another_refuses_unless_overridden_or_useless(
        bool isOverridden, bool mayFork, AutosyncMode mode, CommitStep step)
    {
        var plan = new CommitPlan(
            new CommitPlanOptions { OverrideLock = isOverridden, MayFork = mayFork, Mode = mode });

        plan.OnPulled("anna");

        Assert.Equal(step, plan.Step);
        if (step == CommitStep.Refused) Assert.Contains("anna", plan.Refusal!.Message, StringComparison.Ordinal);
    }

    [Test]
    [Arguments(AutosyncMode.On, false, true)]
    [Arguments(AutosyncMode.On, true, false)]
    [Arguments(AutosyncMode.PullOnly, false, false)]
    [Arguments(AutosyncMode.Off, false, false)]
    public void A_lock_is_renewed_before_the_check_in(AutosyncMode mode, bool mayFork, bool isRenewed)
    {
        var plan = new CommitPlan(new CommitPlanOptions { Mode = mode, MayFork = mayFork });
        if (plan.Step == CommitStep.Pull) plan.OnPulled(null);

        Assert.Equal(isRenewed, plan.Renew());

        Assert.Equal(isRenewed ? CommitStep.Pull : CommitStep.CheckIn, plan.Step);
    }

    [Test]
    [Arguments(AutosyncMode.Off, true, CommitStep.CheckIn, CommitStep.Done)]
    [Arguments(AutosyncMode.On, false, CommitStep.CheckIn, CommitStep.Done)]
    [Arguments(AutosyncMode.PullOnly, true, CommitStep.Pull, CommitStep.Done)]
    public void Modes_leave_out_what_they_do_not_do(
        AutosyncMode mode, bool hasPeer, CommitStep first, CommitStep afterCheckIn)
    {
        var plan = new CommitPlan(new CommitPlanOptions { Mode = mode, HasPeer = hasPeer });

        Assert.Equal(first, plan.Step);
        if (first == CommitStep.Pull) plan.OnPulled(null);
        plan.OnCheckedIn();
        Assert.Equal(afterCheckIn, plan.Step);
    }
}
