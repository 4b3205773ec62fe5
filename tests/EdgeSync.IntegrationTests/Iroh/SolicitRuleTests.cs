using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Mesh;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Iroh;

public sealed class SolicitRuleTests
{
    private static readonly EndpointId[] Ids =
        [.. Enumerable.Range(1, 2).Select(i => SecretKey.Generate(new SeededEntropy((ulong)i)).Id).Order()];

    [Test]
    [Arguments(NodeRole.Leaf, true, true)]
    [Arguments(NodeRole.Hub, false, false)]
    [Arguments(NodeRole.Peer, true, false)]
    public void A_leaf_opens_the_link_a_hub_does_not_and_of_two_peers_the_lesser_id(
        NodeRole role, bool lesser, bool greater)
    {
        Assert.Equal(lesser, SolicitRule.Solicits(role, Ids[0], Ids[1], isAccepted: false, TimeSpan.Zero));
        Assert.Equal(greater, SolicitRule.Solicits(role, Ids[1], Ids[0], isAccepted: false, TimeSpan.Zero));
        Assert.False(SolicitRule.Solicits(role, Ids[0], Ids[1], isAccepted: true, TimeSpan.FromHours(1)));
    }

    [Test]
    public void The_other_peer_opens_it_when_none_comes() =>
        Assert.True(SolicitRule.Solicits(
            NodeRole.Peer, Ids[1], Ids[0], isAccepted: false, SolicitRule.Patience));

    [Test]
    public void Of_two_streams_at_once_exactly_one_is_refused()
    {
        Assert.True(SolicitRule.Refuses(Ids[0], Ids[1], TimeSpan.Zero));
        Assert.False(SolicitRule.Refuses(Ids[1], Ids[0], TimeSpan.Zero));
    }

    [Test]
    public void A_stream_is_taken_when_ours_is_none_or_lost()
    {
        Assert.False(SolicitRule.Refuses(Ids[0], Ids[1], null));
        Assert.False(SolicitRule.Refuses(Ids[0], Ids[1], SolicitRule.RaceTime));
    }
}
