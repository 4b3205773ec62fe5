using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Mesh;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>One side of a link, by the second; whole fleets of them are in the simulation.</summary>
public sealed class PeerLinkCoreTests
{
    private static readonly EndpointId[] Ids =
        [.. Enumerable.Range(1, 2).Select(i => SecretKey.Generate(new SeededEntropy((ulong)i)).Id).Order()];

    [Test]
    public void Links_that_end_soon_make_a_side_pause_longer_each_time()
    {
        var core = new PeerLinkCore<object>(NodeRole.Leaf, Ids[1], Ids[0], TimeSpan.Zero);
        var now = TimeSpan.Zero;
        foreach (var pause in (int[])[1, 2, 4, 8, 16, 32, 32])
        {
            Assert.True(core.Solicits(now));
            var stream = new object();
            Assert.True(core.TryAccept(stream, now, out _));
            now += TimeSpan.FromSeconds(1);
            Assert.True(core.OnAcceptedEnded(stream, now));

            Assert.False(core.Solicits(now));
            Assert.Equal(TimeSpan.FromSeconds(pause), core.SolicitsIn(now));
            now += TimeSpan.FromSeconds(pause);
        }
    }

    [Test]
    public void A_link_that_lasted_is_opened_again_at_once()
    {
        var core = new PeerLinkCore<object>(NodeRole.Leaf, Ids[1], Ids[0], TimeSpan.Zero);
        Assert.True(core.TryOpen(TimeSpan.Zero));
        core.OnOpenedEnded(TimeSpan.FromSeconds(1));
        Assert.False(core.Solicits(TimeSpan.FromSeconds(1)));

        var stream = new object();
        Assert.True(core.TryAccept(stream, TimeSpan.FromSeconds(2), out _));
        Assert.False(core.TryOpen(TimeSpan.FromSeconds(3)));
        Assert.True(core.OnAcceptedEnded(stream, TimeSpan.FromSeconds(9)));

        Assert.True(core.Solicits(TimeSpan.FromSeconds(9)));
        Assert.Null(core.SolicitsIn(TimeSpan.FromSeconds(9)));
    }

    [Test]
    public void A_second_stream_replaces_the_first_whose_end_is_then_nothing_new()
    {
        var core = new PeerLinkCore<object>(NodeRole.Peer, Ids[1], Ids[0], TimeSpan.Zero);
        var (first, second) = (new object(), new object());
        Assert.True(core.TryAccept(first, TimeSpan.Zero, out _));
        Assert.True(core.TryAccept(second, TimeSpan.FromSeconds(1), out var older));

        Assert.Equal(first, older);
        Assert.False(core.OnAcceptedEnded(first, TimeSpan.FromSeconds(1)));
        Assert.Equal(second, core.Accepted);
    }
}
