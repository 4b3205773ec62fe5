using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class PeerLagTests
{
    private static readonly Instant Seen = Instant.FromUnixSeconds(1_000_000);

    /// <summary>The peer's last presence told of one check-in; here are two.</summary>
    /// <param name="sessionAtS">End of the last session, in seconds from the presence.</param>
    /// <param name="hasAll">It sent everything, and nothing has changed since.</param>
    /// <param name="lag">What is shown.</param>
    [Test]
    [Arguments(1, true, 0)]
    [Arguments(-1, true, 1)]
    [Arguments(1, false, 1)]
    public void A_session_knows_more_than_the_count_of_a_presence_before_it(int sessionAtS, bool hasAll, long lag)
    {
        var target = new Agent.TargetStatus(
            new SyncTarget("nats:hub", TargetKind.NatsPeer, "subject", "hub"), IsRunning: false, BreakerState.Closed,
            Failures: 0, LastOk: Seen + TimeSpan.FromSeconds(sessionAtS), NextTry: null, Reason: null)
        { HasAll = hasAll };
        var agent = new AgentStatus
        {
            NodeId = "leaf",
            LinkIsUp = true,
            Targets = [target],
            Peers = [new PeerRecord { PeerId = "hub", CheckIns = 1, LastSeen = Seen, IsPresent = true }],
        };

        var status = RepositoryStatusOf.Add(
            new RepositoryStatus { Name = "a", Path = "/a.fossil" }, agent,
            new ConcurrentDictionary<string, TargetTally>(), checkins: 2, TimeProvider.System);

        Assert.Equal(lag, Assert.Single(status.Peers).Lag);
    }
}
