using EdgeSync.Primitives;
using EdgeSync.Quic.Recovery;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Recovery;

public sealed class RecoveryTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_000);

    [Test]
    public void Round_trip_time_follows_the_samples_as_the_RFC_says()
    {
        var rtt = new RttEstimator(Milliseconds(333));
        Assert.Equal(Milliseconds(333 + (4 * 166.5) + 25), rtt.Pto(Milliseconds(25)));

        rtt.Add(Milliseconds(100), TimeSpan.Zero);
        Assert.Equal((Milliseconds(100), Milliseconds(50)), (rtt.Smoothed, rtt.Variance));

        // 7/8 of 100 and 1/8 of 180 - 20; 3/4 of 50 and 1/4 of |100 - 160|.
        rtt.Add(Milliseconds(180), Milliseconds(20));
        Assert.Equal((Milliseconds(107.5), Milliseconds(52.5)), (rtt.Smoothed, rtt.Variance));
        Assert.Equal(Milliseconds(100), rtt.Min);
        Assert.Equal(Milliseconds(180 * 9 / 8.0), rtt.LossDelay());
    }

    [Test]
    public void A_delay_that_would_undercut_the_minimum_is_not_subtracted()
    {
        var rtt = new RttEstimator(Milliseconds(333));
        rtt.Add(Milliseconds(100), TimeSpan.Zero);

        rtt.Add(Milliseconds(110), Milliseconds(20));

        Assert.Equal(Milliseconds(101.25), rtt.Smoothed);
    }

    [Test]
    public void A_window_doubles_in_slow_start_and_shrinks_once_for_each_round_trip()
    {
        var window = new Cubic(1200);
        var first = window.Window;
        window.OnSent((int)first);
        window.OnAcked(Start + Milliseconds(50), (int)first, Start, Milliseconds(50), isLimited: true);
        Assert.Equal(2 * first, window.Window);
        Assert.True(window.IsInSlowStart);

        window.OnCongestion(Start + Milliseconds(60), Start + Milliseconds(10));
        var reduced = window.Window;
        Assert.Equal((long)(2 * first * 0.7), reduced);
        // Sent before the reduction: the same event.
        window.OnCongestion(Start + Milliseconds(70), Start + Milliseconds(60));
        Assert.Equal(reduced, window.Window);
        window.OnCongestion(Start + Milliseconds(130), Start + Milliseconds(61));
        Assert.True(window.Window < reduced);
    }

    [Test]
    public void A_window_that_was_not_filled_does_not_grow_and_never_falls_below_two_datagrams()
    {
        var window = new Cubic(1200);
        var first = window.Window;
        window.OnSent(1200);
        window.OnAcked(Start, 1200, Start, Milliseconds(50), isLimited: false);
        Assert.Equal(first, window.Window);
        Assert.Equal(0, window.InFlight);

        for (var i = 1; i < 50; i++) window.OnCongestion(Start + Milliseconds(i), Start + Milliseconds(i));
        Assert.Equal(2400, window.Window);
        window.OnPersistentCongestion();
        Assert.Equal(2400, window.Window);
    }

    [Test]
    public void After_a_loss_the_window_returns_to_where_it_was_and_beyond()
    {
        var window = new Cubic(1200);
        Acknowledge(window, Start, 200_000, Milliseconds(50));
        var before = window.Window;
        window.OnCongestion(Start, Start);
        var now = Start;
        var reached = TimeSpan.Zero;
        for (var i = 0; i < 400 && window.Window <= before * 11 / 10; i++)
        {
            now += Milliseconds(50);
            Acknowledge(window, now, window.Window, Milliseconds(50));
            reached = now - Start;
        }

        // The time to the old maximum: cube root of (0.3 w / 0.4) with w in datagrams, RFC 9438 §4.2.
        var k = Math.Cbrt(0.3 * before / 1200 / 0.4);
        Assert.InRange(reached.TotalSeconds, k * 0.5, k * 2.5);
    }

    [Test]
    public void A_pacer_spreads_a_window_over_its_round_trip()
    {
        var pacer = new Pacer();
        var now = Start;
        var sent = 0;
        while (now < Start + TimeSpan.FromSeconds(1))
        {
            var next = pacer.NextSend(now, 1200, 120_000, Milliseconds(100), 1200);
            if (next > now)
            {
                now = next;
                continue;
            }

            pacer.OnSent(1200);
            sent += 1200;
        }

        // 1.25 windows a round trip, and a burst of ten datagrams at the start.
        Assert.InRange(sent, 1_490_000, 1_530_000);
    }

    [Test]
    [Arguments(1200)]
    [Arguments(1201)]
    [Arguments(1280)]
    [Arguments(1399)]
    [Arguments(1452)]
    [Arguments(9000)]
    public void A_search_finds_what_arrives_and_ends(int carried)
    {
        var search = new MtuSearch();
        search.Start(1452);
        var probes = 0;
        for (int size; (size = search.NextProbe(Start)) > 0; probes++)
        {
            Assert.InRange(size, search.Current + 1, 1452);
            search.OnProbeSent();
            Assert.Equal(0, search.NextProbe(Start));
            if (size <= carried) search.OnProbeAcked(Start, size);
            else search.OnProbeLost(Start, size);
        }

        Assert.InRange(probes, 1, 30);
        Assert.InRange(search.Current, Math.Min(carried, 1452) - 45, Math.Min(carried, 1452));
    }

    [Test]
    [Arguments(1200, 1200)]
    [Arguments(1400, 1400)]
    [Arguments(1452, 1452)]
    [Arguments(4000, 1452)]
    [Arguments(8952, 8952)]
    [Arguments(65507, 8952)]
    public void Only_a_route_that_carries_all_of_Ethernet_is_tried_with_the_largest_datagram(int carried, int found)
    {
        var search = new MtuSearch();
        search.Start(8952);
        var probes = new List<int>();
        for (int size; (size = search.NextProbe(Start)) > 0; probes.Add(size))
        {
            search.OnProbeSent();
            if (size <= carried) search.OnProbeAcked(Start, size);
            else search.OnProbeLost(Start, size);
        }

        Assert.InRange(search.Current, found - 45, found);
        Assert.Equal(carried < 1452 ? 0 : carried < 8952 ? 3 : 1, probes.Count(p => p == 8952));
        Assert.DoesNotContain(probes, p => p is > 1452 and < 8952);
        Assert.Equal(0, search.NextProbe(Start + TimeSpan.FromSeconds(599)));
        Assert.Equal(found < 8952, search.NextProbe(Start + TimeSpan.FromSeconds(600)) > 0);
    }

    [Test]
    public void A_black_hole_behind_jumbo_frames_is_searched_from_the_base_again()
    {
        var search = new MtuSearch();
        search.Start(8952);
        Find(8952);
        Assert.Equal(8952, search.Current);

        for (var i = 0; i < 4; i++) search.OnLost(Start, 8952);
        Assert.Equal(1200, search.Current);
        Find(1452);

        Assert.Equal(1452, search.Current);

        void Find(int carried)
        {
            var now = search.NextSearch ?? Start;
            for (int size; (size = search.NextProbe(now)) > 0;)
            {
                search.OnProbeSent();
                if (size <= carried) search.OnProbeAcked(now, size);
                else search.OnProbeLost(now, size);
            }
        }
    }

    [Test]
    public void A_black_hole_falls_back_to_the_base_and_is_searched_again_later()
    {
        var search = new MtuSearch();
        search.Start(1452);
        for (int size; (size = search.NextProbe(Start)) > 0;)
        {
            search.OnProbeSent();
            search.OnProbeAcked(Start, size);
        }

        for (var i = 0; i < 3; i++) search.OnLost(Start, 1452);
        search.OnAcked(1452);
        for (var i = 0; i < 3; i++) search.OnLost(Start, 1452);
        Assert.Equal(1452, search.Current);
        search.OnLost(Start, 1452);

        Assert.Equal(1200, search.Current);
        Assert.Equal(0, search.NextProbe(Start));
        Assert.True(search.NextProbe(Start + TimeSpan.FromSeconds(60)) > 1200);
    }

    [Test]
    public void A_probe_whose_verdict_is_never_known_does_not_end_the_search()
    {
        var search = new MtuSearch();
        search.Start(1452);
        Assert.True(search.NextProbe(Start) > 0);
        search.OnProbeSent();

        search.OnProbeForgotten();

        Assert.True(search.NextProbe(Start) > 0);
    }

    [Test]
    public void A_ring_is_a_queue_by_number() => Property.Check(prng =>
    {
        var ring = new Ring<int>();
        var model = new Dictionary<ulong, int>();
        for (var i = 0; i < 300; i++)
        {
            if (prng.Chance(0.6) || ring.IsEmpty)
            {
                model[ring.Next] = i;
                ring.Add(i);
            }
            else
            {
                model.Remove(ring.First);
                ring.RemoveFirst();
            }

            Assert.Equal(model.Count, (int)(ring.Next - ring.First));
            foreach (var (number, value) in model) Assert.Equal(value, ring[number]);
            Assert.False(ring.Holds(ring.Next));
        }
    }, runs: 10);

    private static void Acknowledge(Cubic window, Instant now, long bytes, TimeSpan rtt)
    {
        for (; bytes > 0; bytes -= 1200)
        {
            window.OnSent(1200);
            window.OnAcked(now, 1200, now, rtt, isLimited: true);
        }
    }

    private static TimeSpan Milliseconds(double count) => TimeSpan.FromMilliseconds(count);
}
