namespace EdgeSync.FleetTests.Fleet;

public sealed class FleetPlanTests
{
    [Test]
    public void A_seed_gives_the_same_plan_every_time()
    {
        for (var seed = 1UL; seed <= 50; seed++)
            foreach (var severity in Enum.GetValues<Severity>())
                Assert.Equal(Plan(seed, severity).ToString(), Plan(seed, severity).ToString());
    }

    [Test]
    public void Each_severity_injects_its_faults()
    {
        var plans = Enumerable.Range(1, 60)
            .SelectMany(seed => Enum.GetValues<Severity>().Select(s => Plan((ulong)seed, s))).ToList();

        Assert.All(
            plans.Where(p => p.Options.Severity == Severity.Normal),
            p => Assert.All(p.Steps, step => Assert.True(step.IsWork)));
        Assert.All(
            plans.Where(p => p.Options.Severity == Severity.Adversarial),
            p => Assert.DoesNotContain(p.Steps, s => s.Kind == StepKind.Kill));
        foreach (var kind in Enum.GetValues<StepKind>())
            Assert.Contains(plans, p => p.Steps.Any(step => step.Kind == kind));
    }

    [Test]
    public void Every_killed_node_restarts_and_every_cut_link_heals()
    {
        for (var seed = 1UL; seed <= 100; seed++)
        {
            var plan = Plan(seed, Severity.Hostile);
            foreach (var kill in plan.Steps.Where(step => step.Kind == StepKind.Kill))
                Assert.Contains(
                    plan.Steps, s => s.Kind == StepKind.Start && s.Subject == kill.Subject && s.At > kill.At);
            foreach (var cut in plan.Steps.Where(step => step.Kind is StepKind.Cut or StepKind.Stall))
                Assert.Contains(plan.Steps, s => s.Kind == StepKind.Heal && s.Subject == cut.Subject && s.At > cut.At);
        }
    }

    [Test]
    public void Every_step_is_about_a_node_or_a_cable_that_exists_and_every_topology_is_drawn()
    {
        var plans = Enumerable.Range(1, 40).Select(seed => Plan((ulong)seed, Severity.Hostile)).ToList();

        Assert.All(plans, plan =>
        {
            var names = plan.Layout.Nodes.Select(n => n.Name).Concat(plan.Layout.Links.Select(l => l.Name)).ToHashSet();
            Assert.All(plan.Steps, step => Assert.Contains(step.Subject, names));
            Assert.All(plan.Layout.Nodes, node => Assert.True(node.Uplink is null || names.Contains(node.Uplink)));
        });
        Assert.All(Enum.GetValues<Topology>(), topology => Assert.Equal(
            Enum.GetValues<Guard>(),
            plans.Where(
                plan => plan.Options.Topology == topology).Select(plan => plan.Options.Guard).Distinct().Order()));
        Assert.Equal(Enum.GetValues<Topology>(), plans.Select(plan => plan.Options.Topology).Distinct().Order());
    }

    private static FleetPlan Plan(ulong seed, Severity severity) => new(FleetOptions.Draw(seed, severity));
}
