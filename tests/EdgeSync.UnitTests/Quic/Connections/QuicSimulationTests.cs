using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>
/// Two endpoints on links that lose, delay, duplicate, damage and change: all bytes come back, or the connection closes
/// and says why.
/// </summary>
public sealed class QuicSimulationTests
{
    [Test]
    public void All_bytes_come_back_over_bad_links()
    {
        var seeds = SeedCount.Or(120);
        Property.Check(prng => RunWorld(prng), runs: seeds);
    }

    [Test]
    public void The_same_seed_makes_the_same_run()
    {
        Assert.Equal(RunWorld(new Prng(7)), RunWorld(new Prng(7)));
        Assert.NotEqual(RunWorld(new Prng(7)), RunWorld(new Prng(8)));
    }

    [Test]
    [Arguments(0.01, 20)]
    [Arguments(0.05, 40)]
    [Arguments(0.2, 150)]
    public void A_megabyte_comes_back_in_time_in_spite_of_loss(double loss, double secondsMax)
    {
        using var world = new QuicWorld(seed: 3) { Link = new LinkFaults { Loss = loss } }.Connected();
        var transfer = new StreamTransfer(world);

        transfer.Add(world.Chance.NextBytes(1_000_000));

        world.Run(() => transfer.IsDone, secondsMax);
    }

    [Test]
    public void A_link_is_used_well_and_its_queue_not_overrun()
    {
        var link = new LinkFaults { Rate = 1_250_000, Delay = TimeSpan.FromMilliseconds(20) };
        using var world = new QuicWorld { Link = link }.Connected();
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(5_000_000));

        world.Run(() => transfer.IsDone, 30);

        // Five megabytes each way at the same time at 10 Mbit/s: four seconds at best.
        Assert.InRange(world.VirtualElapsed.TotalSeconds, 4, 8);
        var sent = world.Dialled!.Statistics;
        Assert.InRange(sent.PacketsLost, 0, sent.PacketsSent / 20);
    }

    /// <summary>100 ms each way, 25 MB a second: a window moves once in a fifth of a second.</summary>
    [Test]
    public void Windows_grow_over_a_long_link_and_are_given_back()
    {
        // The window that a stream begins with, 1.25 MB, moves by halves: one in each round trip.
        var fixedRate = RateOverLongLink(growth: 0, out _, out _);
        var rate = RateOverLongLink(growth: 64 << 20, out var held, out var free);
        var littleRate = RateOverLongLink(growth: 3 << 20, out var littleHeld, out _);

        Assert.InRange(fixedRate, 3e6, 6.5e6);
        Assert.InRange(littleRate, 6.5e6, rate);
        Assert.InRange(rate, 20e6, 25e6);
        // A reader that stops: no more than the connection's window, in a ring whose size is a power of two.
        Assert.InRange(held, 8 << 20, 32 << 20);
        Assert.InRange(littleHeld, 1 << 20, 16 << 20);
        Assert.Equal((64L << 20, 64L << 20), free);
    }

    [Test]
    public void Windows_stay_over_a_short_link()
    {
        var link = new LinkFaults { Rate = 50_000_000, Delay = TimeSpan.FromMilliseconds(1) };
        using var world = new QuicWorld { Link = link }.Connected();
        Assert.True(world.Dialled!.TryOpenStream(true, out var id));

        Feed(world, world.Dialled, id, 2);

        Assert.Equal(64 << 20, world.Dialled.State.Options.Growth!.Free);
        Assert.Equal(1_250_000, world.Accepted!.State.Streams.Find(id)!.Window);
    }

    [Test]
    public void Two_flows_share_a_link_fairly()
    {
        var link = new LinkFaults { Rate = 1_250_000, Delay = TimeSpan.FromMilliseconds(20) };
        using var world = new QuicWorld(seed: 2) { Link = link }.Connected();
        var first = world.Dialled!;
        Assert.True(first.TryOpenStream(true, out var id));
        Feed(world, first, id, 3);
        world.Connected();
        var second = world.Dialled!;
        Assert.True(second.TryOpenStream(true, out var other));

        // The second one comes three seconds later and gets its share.
        for (var i = 0; i < 300; i++)
        {
            Feed(world, first, id, 0);
            Feed(world, second, other, 0.05);
        }

        var (before, late) = (first.Statistics.BytesSent, second.Statistics.BytesSent);
        for (var i = 0; i < 300; i++)
        {
            Feed(world, first, id, 0);
            Feed(world, second, other, 0.05);
        }

        var share = (double)(second.Statistics.BytesSent - late)
            / (second.Statistics.BytesSent - late + first.Statistics.BytesSent - before);
        Assert.InRange(share, 0.3, 0.7);
        // Together they use the link: 15 seconds at 1.25 MB each second.
        Assert.True(second.Statistics.BytesSent - late + first.Statistics.BytesSent - before > 14_000_000);
    }

    [Test]
    public void Marks_of_congestion_slow_a_sender_down_and_missing_ones_switch_them_off()
    {
        using var marked = new QuicWorld { Link = new LinkFaults { CeMarks = 0.05 } }.Connected();
        using var plain = new QuicWorld().Connected();
        using var bleached = new QuicWorld { Link = new LinkFaults { BleachesEcn = true } }.Connected();
        foreach (var world in new[] { marked, plain, bleached })
        {
            var transfer = new StreamTransfer(world);
            transfer.Add(world.Chance.NextBytes(2_000_000));
            world.Run(() => transfer.IsDone);
        }

        Assert.True(marked.Dialled!.State.Path.Route.UsesEcn);
        Assert.True(marked.VirtualElapsed > plain.VirtualElapsed);
        Assert.True(marked.Dialled.Statistics.CongestionWindow < plain.Dialled!.Statistics.CongestionWindow);
        Assert.Equal(0, marked.Dialled.Statistics.PacketsLost);
        Assert.False(bleached.Dialled!.State.Path.Route.UsesEcn);
    }

    [Test]
    public void A_black_hole_for_large_datagrams_is_found()
    {
        using var world = new QuicWorld().Connected();
        world.RunFor(5);
        Assert.Equal(1452, world.Dialled!.Statistics.Mtu);
        var transfer = new StreamTransfer(world);

        world.Link = world.Link with { Mtu = 1280 };
        transfer.Add(world.Chance.NextBytes(300_000));

        world.Run(() => transfer.IsDone, 60);
        Assert.Equal(1200, world.Dialled.Statistics.Mtu);
    }

    [Test]
    public void Jumbo_frames_are_used_where_both_sides_and_the_link_take_them_and_given_up_where_they_vanish()
    {
        var client = QuicWorld.ClientOptions() with { MaxUdpPayload = QuicOptions.JumboPayload };
        var server = QuicWorld.ServerOptions() with { MaxUdpPayload = QuicOptions.JumboPayload };
        using var world = new QuicWorld(client: client, server: server) { Link = new LinkFaults { Mtu = 9000 } };
        world.Connected().RunFor(5);
        Assert.Equal(QuicOptions.JumboPayload, world.Dialled!.Statistics.Mtu);
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(300_000));
        world.RunFor(0.05);

        world.Link = world.Link with { Mtu = 1500 };
        transfer.Add(world.Chance.NextBytes(300_000));

        world.Run(() => transfer.IsDone, 60);
        Assert.Equal(1200, world.Dialled.Statistics.Mtu);
        world.RunFor(70);
        Assert.Equal(1452, world.Dialled.Statistics.Mtu);
        Assert.True(world.Dialled.IsConnected);
    }

    [Test]
    public void A_link_that_was_down_is_used_again_within_seconds()
    {
        using var world = new QuicWorld().Connected();
        var transfer = new StreamTransfer(world);
        transfer.Add(world.Chance.NextBytes(3_000_000));
        world.RunFor(0.1);

        world.IsDown = true;
        world.RunFor(20);
        world.IsDown = false;

        world.Run(() => transfer.IsDone, 15);
    }

    /// <summary>Bytes a second of one stream over a long link, from its fifth second to its tenth.</summary>
    /// <param name="held">Bytes that the server holds when its application has stopped reading.</param>
    /// <param name="free">What is left of the growth of client and server when the connection is over.</param>
    private static double RateOverLongLink(int growth, out long held, out (long Client, long Server) free)
    {
        var link = new LinkFaults { Rate = 25_000_000, Delay = TimeSpan.FromMilliseconds(100), Mtu = 9000 };
        var client = QuicWorld.ClientOptions() with { WindowGrowth = growth, MaxUdpPayload = QuicOptions.JumboPayload };
        var server = QuicWorld.ServerOptions() with { WindowGrowth = growth, MaxUdpPayload = QuicOptions.JumboPayload };
        using var world = new QuicWorld(seed: 5, client: client, server: server) { Link = link };
        world.Connected().RunFor(5);
        var (dialled, accepted) = (world.Dialled!, world.Accepted!);
        Assert.True(dialled.TryOpenStream(true, out var id));
        var more = new byte[256 * 1024];
        world.Application = (writer, happened) =>
        {
            while (!writer.IsServer && happened.Kind == QuicEventKind.StreamWritable
                && writer.Write(id, more, finish: false) == more.Length)
            {
            }
        };
        Feed(world, dialled, id, 5);
        var before = accepted.Statistics.BytesReceived;
        Feed(world, dialled, id, 5);
        var rate = (accepted.Statistics.BytesReceived - before) / 5.0;

        world.ApplicationOfAll = null;
        for (var i = 0; i < 40; i++)
        {
            dialled.Write(id, new byte[1 << 20], finish: false);
            world.RunFor(0.05);
        }

        held = accepted.State.Streams.HeldBytes;
        Assert.True(accepted.IsConnected);
        dialled.Close(world.Now, 0, "");
        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0, 200);
        free = (dialled.State.Options.Growth!.Free, accepted.State.Options.Growth!.Free);
        return rate;
    }

    /// <summary>Keeps a stream full for a time; the server throws away what it reads.</summary>
    private static void Feed(QuicWorld world, QuicConnection connection, ulong id, double seconds)
    {
        var target = new byte[64 * 1024];
        world.ApplicationOfAll = (reader, happened) =>
        {
            while (reader.IsServer && happened.Kind == QuicEventKind.StreamReadable
                && reader.Read(happened.StreamId, target, out _) > 0)
            {
            }
        };
        var end = world.VirtualElapsed + TimeSpan.FromSeconds(seconds);
        do
        {
            while (connection.Write(id, target, finish: false) > 0)
            {
            }

            if (seconds > 0) world.RunFor(Math.Min(0.05, seconds));
        }
        while (world.VirtualElapsed < end);
    }

    /// <summary>One world of a seed; returns its trace.</summary>
    private static string RunWorld(Prng prng)
    {
        var link = new LinkFaults
        {
            Delay = TimeSpan.FromMilliseconds(prng.NextInt32(1, 150)),
            Jitter = TimeSpan.FromMilliseconds(prng.Chance(0.5) ? prng.NextInt32(60) : 0),
            Loss = prng.Chance(0.6) ? prng.NextDouble() * 0.2 : 0,
            Duplication = prng.Chance(0.4) ? prng.NextDouble() * 0.2 : 0,
            Corruption = prng.Chance(0.4) ? prng.NextDouble() * 0.1 : 0,
            CeMarks = prng.Chance(0.2) ? prng.NextDouble() * 0.1 : 0,
            BleachesEcn = prng.Chance(0.2),
            Mtu = prng.Chance(0.3) ? prng.NextInt32(1200, 1500) : 1500,
            Rate = prng.Chance(0.4) ? prng.NextInt32(50_000, 5_000_000) : 0,
        };
        var options = QuicWorld.ServerOptions() with
        {
            StreamWindow = prng.NextInt32(5_000, 500_000),
            ConnectionWindow = prng.NextInt32(20_000, 2_000_000),
            StreamsMax = prng.NextInt32(1, 50),
            LocalIdBytes = prng.Pick<int>([4, 8, 20]),
        };
        var client = QuicWorld.ClientOptions();
        if (prng.Chance(0.25))
        {
            link = link with { Mtu = prng.Pick<int>([1500, 4000, 9000]) };
            options = options with { MaxUdpPayload = QuicOptions.JumboPayload };
            client = client with { MaxUdpPayload = QuicOptions.JumboPayload };
        }

        using var world = new QuicWorld(
            prng.NextUInt64() >> 8, client: client, server: options, retries: prng.Chance(0.2))
        {
            Link = link,
        };
        world.Dial();
        var transfer = new StreamTransfer(world);
        var isOver = () => world.Dialled!.CloseReason is not null;
        if (world.TryRun(() => isOver() || world.Dialled!.IsConnected, 60) && !isOver())
        {
            for (var i = prng.NextInt32(1, 12); i > 0; i--) transfer.Add(prng.NextBytes(prng.NextInt32(60_000)));
            RunWithTroubles(prng, world, transfer, isOver);
        }

        if (!transfer.IsDone || transfer.Streams == 0)
        {
            // Only the silence of a link that was too bad for too long ends a connection.
            var reason = world.Dialled!.CloseReason;
            Assert.True(
                reason is { Kind: CloseKind.IdleTimeout or CloseKind.Peer } && link.Loss + link.Corruption > 0.1,
                $"not all came back: {reason} {link} {world.Dialled.Statistics}");
        }
        else
        {
            world.Dialled!.Close(world.Now, 0, "");
        }

        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0, 200);
        Assert.Equal(0, world.Client.IdCount + world.Server.IdCount);
        return string.Create(
            CultureInfo.InvariantCulture, $"{world.VirtualElapsed} {world.DatagramsSent} {world.Dialled!.Statistics}");
    }

    private static void RunWithTroubles(Prng prng, QuicWorld world, StreamTransfer transfer, Func<bool> isOver)
    {
        for (var troubles = prng.NextInt32(4); troubles > 0; troubles--)
        {
            world.TryRun(() => transfer.IsDone || isOver(), prng.NextDouble());
            switch (prng.NextInt32(4))
            {
                case 0:
                    world.IsDown = true;
                    world.RunFor(prng.NextDouble() * 5);
                    world.IsDown = false;
                    break;
                case 1: world.SeenClient = world.SeenClient with { Port = (ushort)prng.NextInt32(1024, 65000) }; break;
                case 2: world.Dialled!.UpdateKeys(); break;
                default: world.Link = world.Link with { Mtu = prng.NextInt32(1200, 1500) }; break;
            }
        }

        world.TryRun(() => transfer.IsDone || isOver(), 600);
    }
}
