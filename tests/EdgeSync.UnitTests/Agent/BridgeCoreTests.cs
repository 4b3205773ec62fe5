using EdgeSync.Agent.Bridge;
using EdgeSync.Nats.Exchange;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent;

public class BridgeCoreTests
{
    private static readonly Instant Start = AgentDriver.Start;
    private static readonly UpstreamOutcome Refused = new(UpstreamOutcomeKind.NotReached, "connection refused");

    [Test]
    public void A_request_is_forwarded_and_its_answer_sent_back()
    {
        var bridge = Bridge();

        var id = bridge.OnRequest(Start, "p");
        var forward = Assert.IsType<BridgeEffect.Forward>(Assert.Single(Take(bridge)));
        bridge.OnUpstream(Start, id, UpstreamOutcome.Answered);

        Assert.Equal((id, "http://server/", 1), (forward.RequestId, forward.Url, forward.Attempt));
        Assert.Equal([new BridgeEffect.Reply(id)], Take(bridge));
        Assert.Null(bridge.Deadline);
    }

    [Test]
    public void A_server_that_was_not_reached_is_tried_again()
    {
        var bridge = Bridge();
        var id = bridge.OnRequest(Start, "p");
        Take(bridge);

        bridge.OnUpstream(Start, id, Refused);
        Assert.Empty(Take(bridge));
        var again = bridge.Deadline!.Value;
        bridge.OnDeadline(again);

        Assert.InRange(again - Start, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
        Assert.Equal(2, Assert.IsType<BridgeEffect.Forward>(Assert.Single(Take(bridge))).Attempt);
    }

    [Test]
    public void What_the_server_may_have_done_is_not_repeated()
    {
        var bridge = Bridge();
        var id = bridge.OnRequest(Start, "p");
        Take(bridge);

        bridge.OnUpstream(Start, id, new UpstreamOutcome(UpstreamOutcomeKind.Lost, "the connection broke"));

        var refuse = Assert.IsType<BridgeEffect.Refuse>(Assert.Single(Take(bridge)));
        Assert.Equal(ExchangeRefusal.Upstream, refuse.Refusal);
        Assert.Contains("the connection broke", refuse.Reason, StringComparison.Ordinal);
    }

    [Test]
    public void Every_request_is_answered_or_refused() => Property.Check(prng =>
    {
        var bridge = Bridge(seed: prng.NextUInt64());
        var open = new HashSet<long>();
        var forwarded = new HashSet<long>();
        var came = new Dictionary<long, Instant>();
        var now = Start;
        for (var i = 0; i < 200; i++)
        {
            now += TimeSpan.FromMilliseconds(prng.NextInt32(2000));
            if (prng.Chance(0.4))
            {
                var id = bridge.OnRequest(now, "p");
                open.Add(id);
                came[id] = now;
            }

            if (forwarded.Count > 0 && prng.Chance(0.6))
            {
                var id = forwarded.First();
                forwarded.Remove(id);
                bridge.OnUpstream(now, id, new UpstreamOutcome((UpstreamOutcomeKind)prng.NextInt32(6)));
            }

            Settle();
        }

        void Settle()
        {
            while (bridge.Deadline is { } due && due <= now) bridge.OnDeadline(now);
            foreach (var effect in Take(bridge))
            {
                if (effect is BridgeEffect.Forward f) Assert.True(forwarded.Add(f.RequestId));
                if (effect is BridgeEffect.Reply reply) Assert.True(open.Remove(reply.RequestId));
                if (effect is not BridgeEffect.Refuse refuse) continue;
                Assert.True(open.Remove(refuse.RequestId));
                Assert.NotEmpty(refuse.Reason);
                forwarded.Remove(refuse.RequestId);
            }

            Assert.True(forwarded.Count <= 8);
            Assert.All(open, id => Assert.True(now - came[id] < TimeSpan.FromSeconds(25)));
        }

        now += TimeSpan.FromSeconds(26);
        forwarded.Clear();
        Settle();
        Assert.Empty(open);
    });

    [Test]
    public void An_open_circuit_refuses_requests_with_the_reason()
    {
        var bridge = Bridge();
        var now = Start;
        for (var i = 0; i < 5; i++)
        {
            var id = bridge.OnRequest(now, "p");
            bridge.OnUpstream(now, id, new UpstreamOutcome(UpstreamOutcomeKind.Failed, "no route"));
        }

        Take(bridge);
        bridge.OnRequest(now, "p");

        var refuse = Assert.IsType<BridgeEffect.Refuse>(Assert.Single(Take(bridge)));
        Assert.Contains("no route", refuse.Reason, StringComparison.Ordinal);
        Assert.Contains("next try in", refuse.Reason, StringComparison.Ordinal);

        // One request finds out that it is back; then all go through.
        now += TimeSpan.FromMinutes(1);
        var trial = bridge.OnRequest(now, "p");
        bridge.OnRequest(now, "p");
        Assert.Single(Take(bridge));
        bridge.OnUpstream(now, trial, UpstreamOutcome.Answered);
        Assert.Equal(2, Take(bridge).Count);
    }

    [Test]
    public void Too_many_requests_are_refused_as_busy()
    {
        var bridge = Bridge();
        for (var i = 0; i < 100; i++) bridge.OnRequest(Start, "p");
        var effects = Take(bridge);

        Assert.Equal(8, effects.OfType<BridgeEffect.Forward>().Count());
        Assert.Equal(100 - 8 - 64, effects.OfType<BridgeEffect.Refuse>().Count(r => r.Refusal == ExchangeRefusal.Busy));
    }

    [Test]
    public void Projects_do_not_wait_for_each_other()
    {
        var bridge = Bridge();
        bridge.SetProject("q", "http://other/");
        for (var i = 0; i < 20; i++) bridge.OnRequest(Start, "p");
        Take(bridge);

        bridge.OnRequest(Start, "q");
        bridge.OnRequest(Start, "unknown");

        var effects = Take(bridge);
        Assert.Equal("http://other/", effects.OfType<BridgeEffect.Forward>().Single().Url);
        Assert.Single(effects.OfType<BridgeEffect.Refuse>());
    }

    private static BridgeCore Bridge(ulong seed = 1)
    {
        var bridge = new BridgeCore(new BridgeOptions(), new Prng(seed), new SeededEntropy(seed));
        bridge.SetProject("p", "http://server/");
        return bridge;
    }

    private static List<BridgeEffect> Take(BridgeCore bridge)
    {
        var effects = new List<BridgeEffect>();
        while (bridge.TryTake(out var effect)) effects.Add(effect);
        return effects;
    }
}
