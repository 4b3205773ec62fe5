using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Tests.Support;
using EdgeSync.UnitTests.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>
/// Two endpoints behind NATs, with a relay and a direct network of the nine profiles that lose, delay, duplicate,
/// damage and change: all bytes come back, or the connection closes and says why.
/// </summary>
public sealed class PathSimulationTests
{
    [Test]
    public void All_bytes_come_back_over_paths_that_come_and_go() =>
        Property.Check(prng => RunWorld(prng), runs: SeedCount.Or(520));

    [Test]
    public void The_same_seed_makes_the_same_run()
    {
        Assert.Equal(RunWorld(new Prng(7)), RunWorld(new Prng(7)));
        Assert.NotEqual(RunWorld(new Prng(7)), RunWorld(new Prng(8)));
    }

    [Test]
    public void Every_profile_carries_a_transfer_directly_and_over_the_relay()
    {
        foreach (var (name, link) in LinkFaults.Profiles)
        {
            using var world = new PathWorld(seed: 5) { Direct = link, Relayed = link };
            world.Dial();
            var transfer = new StreamTransfer(world);
            world.Run(() => world.Dialled!.IsConnected, 60);
            transfer.Add(world.Chance.NextBytes(20_000));

            world.Run(() => transfer.IsDone, 120);
            Assert.True(world.TryRun(() => world.IsDirect, 60), $"{name} stays on the relay");
        }
    }

    /// <summary>One world of a seed; returns its trace.</summary>
    private static string RunWorld(Prng prng)
    {
        var (direct, relayed) = (DrawLink(prng), DrawLink(prng));
        var options = PathWorld.Options(TlsPair.ServerKey) with
        {
            StreamWindow = prng.NextInt32(5_000, 500_000),
            StreamsMax = prng.NextInt32(1, 50),
            PathsMax = prng.NextInt32(2, 9),
            LocalIdBytes = prng.Pick<int>([4, 8, 20]),
        };
        var kinds = Enum.GetValues<NatKind>();
        using var world = new PathWorld(
            prng.NextUInt64() >> 8, prng.Pick<NatKind>(kinds), prng.Pick<NatKind>(kinds), server: options)
        {
            Direct = direct,
            Relayed = relayed,
        };
        if (prng.Chance(0.3)) world.Dial(directly: false, new FourTuple(default, world.ServerAddress));
        else world.Dial();
        var transfer = new StreamTransfer(world);
        var isOver = () => world.Dialled!.CloseReason is not null;
        if (world.TryRun(() => isOver() || world.Dialled!.IsConnected, 60) && !isOver())
            RunWithTroubles(prng, world, transfer, isOver);

        if (!transfer.IsDone || transfer.Streams == 0)
        {
            // Only silence for too long ends a connection: the link that is always there is bad.
            var reason = world.Dialled!.CloseReason;
            Assert.True(
                reason is { Kind: CloseKind.IdleTimeout or CloseKind.Peer } && relayed.Loss + relayed.Corruption > 0.1,
                $"not all came back: {reason} {direct} {relayed} {world.Describe()}");
        }

        world.Dialled!.Close(world.Now, 0, "");
        world.Run(() => world.Client.Count == 0 && world.Server.Count == 0, 200);
        Assert.Equal(0, world.Client.IdCount + world.Server.IdCount);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{world.VirtualElapsed} {world.DatagramsSent} {world.ArrivedDirectly} {world.Dialled.Statistics}");
    }

    private static LinkFaults DrawLink(Prng prng)
    {
        var profile = prng.Pick<LinkFaults>([.. LinkFaults.Profiles.Values]);
        return profile with
        {
            Jitter = prng.Chance(0.4) ? profile.Delay : TimeSpan.Zero,
            Duplication = prng.Chance(0.3) ? prng.NextDouble() * 0.2 : 0,
            Corruption = prng.Chance(0.2) ? prng.NextDouble() * 0.05 : 0,
            Mtu = prng.Chance(0.3) ? prng.NextInt32(1200, 1500) : 1500,
            BleachesEcn = prng.Chance(0.2),
        };
    }

    private static void RunWithTroubles(Prng prng, PathWorld world, StreamTransfer transfer, Func<bool> isOver)
    {
        for (var troubles = prng.NextInt32(5); troubles > 0; troubles--)
        {
            transfer.Add(prng.NextBytes(prng.NextInt32(12_000)));
            world.TryRun(isOver, prng.NextDouble() * 2);
            switch (prng.NextInt32(7))
            {
                case 0: BreakFor(prng, world, isOver, direct: true, relay: false); break;
                case 1: BreakFor(prng, world, isOver, direct: false, relay: true); break;
                case 2: BreakFor(prng, world, isOver, direct: true, relay: true); break;
                case 3: world.Rebind(prng.Chance(0.5) && HasRelay(world)); break;
                case 4 when world.Dialled!.State.IsConfirmed: world.Move(prng.Chance(0.5) && HasRelay(world)); break;
                case 5: world.Dialled!.UpdateKeys(); break;
                default: world.Direct = world.Direct with { Mtu = prng.NextInt32(1200, 1500) }; break;
            }
        }

        transfer.Add(prng.NextBytes(prng.NextInt32(1, 12_000)));
        world.TryRun(() => transfer.IsDone || isOver(), 600);
    }

    /// <summary>
    /// A server that gets another address is lost to a client with no other path, which cannot follow it.
    /// </summary>
    private static bool HasRelay(PathWorld world) =>
        world.Accepted is { } accepted && HasRelay(accepted) && HasRelay(world.Dialled!);

    private static bool HasRelay(QuicConnection connection) =>
        connection.Paths.Any(path => path is { IsRelayed: true, IsValidated: true });

    private static void BreakFor(Prng prng, PathWorld world, Func<bool> isOver, bool direct, bool relay)
    {
        (world.IsDirectDown, world.IsRelayDown) = (direct, relay);
        world.TryRun(isOver, prng.NextDouble() * 6);
        (world.IsDirectDown, world.IsRelayDown) = (false, false);
    }
}
