using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Node.Status;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What <c>edgesync status</c> makes of a daemon's status.</summary>
public sealed class SyncVerdictTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void A_peer_that_has_the_same_is_in_sync_by_its_route_since_the_last_agreement()
    {
        var verdict = Of([Peer("first", lag: 0)], [Target("nats:first", agreed: 3)]);

        Assert.Equal(SyncState.InSync, verdict.State);
        Assert.Equal(
            new PeerVerdict("first", SyncState.InSync, "nats", Now.AddSeconds(-3), null, null),
            Assert.Single(verdict.Peers));
    }

    [Test]
    public void An_absent_peer_is_never_in_sync()
    {
        var verdict = Of([Peer("first", lag: 0) with { Route = null }], [Target("nats:first", agreed: 3)]);

        Assert.Equal(SyncState.Away, verdict.State);
        Assert.Equal((SyncState.Away, (string?)null, "it does not answer"), Of(Assert.Single(verdict.Peers)));
    }

    [Test]
    public void One_peer_that_is_away_beside_one_in_sync_is_named_and_no_failure()
    {
        var verdict = Of(
            [Peer("first", lag: 0), Peer("second", lag: 0) with { Route = null }], [Target("nats:first", agreed: 3)]);

        Assert.Equal((SyncState.InSync, 1), (verdict.State, verdict.InSyncCount));
        Assert.Equal(SyncState.Away, verdict.Peers[1].State);
    }

    [Test]
    public void A_link_that_is_down_is_the_reason_why_peers_are_away()
    {
        var node = Node(
            new NatsLinkStatus
            {
                Mode = "leafnode",
                State = "reconnecting",
                Url = "tls://first:7422",
                LastError = "Connection refused"
            });
        var verdict = SyncVerdict.Of(Repository([Peer("first", lag: 0) with { Route = null }], []), node);

        Assert.Equal("tls://first:7422 is not reachable: Connection refused", verdict.Peers[0].Reason);
        Assert.Equal("edgesync doctor --nats tls://first:7422", verdict.Hint);
        Assert.Equal(SyncState.Away, SyncVerdict.Of(Repository([], []), node).State);
    }

    [Test]
    [Arguments("idle", "behind")]
    [Arguments("syncing", "syncing")]
    public void A_peer_that_differs_is_behind_until_an_exchange_runs(string state, string word)
    {
        var verdict = Of([Peer("first", lag: 2)], [Target("nats:first", agreed: 3) with { State = state }]);

        Assert.Equal(word, SyncStates.WordOf(verdict.State));
        Assert.StartsWith("first: ", verdict.Reason, StringComparison.Ordinal);
    }

    [Test]
    public void A_refusal_by_a_server_of_the_settings_is_worse_than_any_agreement()
    {
        var refused = Target("http:https://host/", agreed: 30) with
        {
            FailuresInARow = 1,
            NeedsPerson = true,
            LastError = "login failed"
        };
        var verdict = Of([Peer("first", lag: 0)], [Target("nats:first", agreed: 3), refused]);

        Assert.Equal((SyncState.Refused, "https://host/: login failed"), (verdict.State, verdict.Reason));
    }

    // Any node can appear on the network and refuse this one.
    [Test]
    public void A_refusal_by_a_node_is_named_and_decides_only_without_an_agreement()
    {
        var refused = Target("nats:second", agreed: 30) with
        {
            FailuresInARow = 1,
            NeedsPerson = true,
            LastError = "login failed"
        };
        var verdict = Of([Peer("first", lag: 0), Peer("second", lag: 0)], [Target("nats:first", agreed: 3), refused]);

        Assert.Equal((SyncState.InSync, 1), (verdict.State, verdict.InSyncCount));
        Assert.Equal((SyncState.Refused, "nats", "login failed"), Of(verdict.Peers[1]));
        Assert.Equal(
            (SyncState.Refused, "second: login failed"),
            Of([Peer("second", lag: 0)], [refused]) is var alone ? (alone.State, alone.Reason!) : default);
    }

    [Test]
    public void A_server_that_does_not_answer_is_away_with_its_reason()
    {
        var verdict = Of(
            [],
            [
                Target(
                    "http:https://host/", agreed: 30) with { FailuresInARow = 2,
                    LastError = "cannot reach https://host/" }]);

        Assert.Equal((SyncState.Away, (string?)null, "cannot reach https://host/"), Of(Assert.Single(verdict.Peers)));
        Assert.Equal(SyncState.InSync, Of([], [Target("http:https://host/", agreed: 30)]).State);
    }

    [Test]
    public void Announced_artifacts_not_yet_received_are_lag() =>
        Assert.Equal(
            (SyncState.Behind, "3 announced artifacts have not arrived yet"),
            (
                SyncVerdict.Of(
                    Repository([Peer("first", lag: 0)], [Target("nats:first", agreed: 3)]) with { Wanted = 3 },
                    Node()) is var v ? (v.State, v.Reason!) : default));

    [Test]
    public void A_first_copy_that_is_waited_for_and_a_first_peer_that_is_waited_for_are_two_things()
    {
        var cloning = Node() with
        {
            Checks = [new NodeCheck("cloning:work", CheckState.Failed, "nobody answers", "edgesync doctor")]
        };

        Assert.Equal(
            (SyncState.Cloning, "nobody answers"),
            SyncVerdict.Of(
                Repository([], []) with { State = "cloning" }, cloning) is var v ? (v.State, v.Reason!) : default);
        Assert.Equal(SyncState.Alone, Of([], []).State);
    }

    [Test]
    public void Exit_codes_are_those_of_the_worst()
    {
        Assert.Equal(ExitCode.NotFound, StatusReport.Of(Now, [], null).ExitCode);
        Assert.Equal(ExitCode.Ok, Exit(Repository([Peer("first", lag: 0)], [])));
        Assert.Equal(ExitCode.Unavailable, Exit(Repository([Peer("first", lag: 0)], []), Repository([], [])));
        Assert.Equal(
            ExitCode.Denied,
            Exit(
                Repository([], []),
                Repository(
                    [Peer("first", lag: 0)],
                    [Target("nats:first", agreed: 3) with { NeedsPerson = true, FailuresInARow = 1 }])));
        Assert.Equal(
            ExitCode.Unavailable,
            StatusReport.Of(Now, [new DaemonAnswer("/run/17.sock", null, "no answer for 5.0 s")], null).ExitCode);
    }

    private static ExitCode Exit(params RepositoryStatus[] repositories) =>
        StatusReport.Of(
            Now, [new DaemonAnswer("/run/17.sock", Node() with { Repositories = repositories }, null)], null).ExitCode;

    private static (SyncState, string?, string?) Of(PeerVerdict peer) => (peer.State, peer.Route, peer.Reason);

    private static SyncVerdict Of(IReadOnlyList<PeerStatus> peers, IReadOnlyList<TargetStatus> targets) =>
        SyncVerdict.Of(Repository(peers, targets), Node());

    private static NodeStatus Node(NatsLinkStatus? link = null) =>
        new() { Node = "me", Role = "leaf", StartedAt = Now.AddHours(-1), Now = Now, Nats = link };

    private static RepositoryStatus Repository(IReadOnlyList<PeerStatus> peers, IReadOnlyList<TargetStatus> targets) =>
        new() { Name = "work", Path = "/srv/work.fossil", Peers = peers, Targets = targets };

    private static PeerStatus Peer(string name, long lag) =>
        new() { Peer = name, Role = "leaf", Route = "nats", Lag = lag, LastSeenAt = Now.AddSeconds(-10) };

    private static TargetStatus Target(string name, int agreed) =>
        new() { Target = name, State = "idle", LastAgreedAt = Now.AddSeconds(-agreed) };
}
