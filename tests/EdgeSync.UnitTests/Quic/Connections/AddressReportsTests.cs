using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Frames;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>OBSERVED_ADDRESS: who is told what, and when again.</summary>
public sealed class AddressReportsTests
{
    [Test]
    public void A_client_that_asks_is_told_where_it_is_seen_and_again_when_that_changes()
    {
        using var world = NewWorld();
        world.SeenClient = QuicWorld.ClientAddress with { Port = 40_000 };
        world.Connected();

        world.Run(() => world.Dialled!.ObservedAddress == world.SeenClient);
        Assert.Contains(world.Events, e => e is { OfServer: false, Event.Kind: QuicEventKind.AddressObserved });

        // Another mapping: the server sees it with the next packet, and moves there.
        world.SeenClient = QuicWorld.ClientAddress with { Port = 40_001 };
        world.Run(() => world.Dialled!.ObservedAddress == world.SeenClient);

        Assert.Null(world.Accepted!.ObservedAddress);
        Assert.Equal(2, world.Events.Count(e => e.Event.Kind == QuicEventKind.AddressObserved));
    }

    [Test]
    public void A_report_that_is_lost_comes_again()
    {
        using var world = NewWorld();
        world.Connected();
        world.Run(() => world.Dialled!.ObservedAddress is not null);
        var first = world.SeenClient;

        // The new address is seen, and nothing of the server arrives for a while.
        world.Tamper = (ofServer, bytes) => bytes[^1] ^= (byte)(ofServer ? 1 : 0);
        world.SeenClient = QuicWorld.ClientAddress with { Port = 40_001 };
        world.Dialled!.TryOpenStream(unidirectional: true, out var stream);
        world.Dialled.Write(stream, "x"u8, finish: true);
        world.Run(() => world.Accepted!.Route.Remote == world.SeenClient);
        world.RunFor(3);
        Assert.Equal(first, world.Dialled.ObservedAddress);
        world.Tamper = null;

        world.Run(() => world.Dialled.ObservedAddress == world.SeenClient);
    }

    [Test]
    public void Reports_arrive_over_links_that_lose_and_repeat() => Property.Check(
        prng =>
        {
            using var world = NewWorld(prng.NextUInt64());
            world.Link = new LinkFaults { Loss = 0.2, Duplication = 0.1 };
            world.Connected();
            for (var port = 40_000; port < 40_003; port++)
            {
                world.SeenClient = QuicWorld.ClientAddress with { Port = (ushort)port };
                world.Run(() => world.Dialled!.ObservedAddress == world.SeenClient);
            }
        },
        runs: 20);

    [Test]
    [Arguments(false, false, false, false)]
    [Arguments(true, false, false, false)]
    [Arguments(false, true, false, false)]
    [Arguments(true, true, true, false)]
    [Arguments(false, false, true, true)]
    public void Nobody_reports_who_does_not_want_to_or_is_not_asked(
        bool serverReports, bool clientAsks, bool clientReports, bool serverAsks)
    {
        using var world = new QuicWorld(
            client: QuicWorld.ClientOptions() with { AsksForAddress = clientAsks, ReportsAddresses = clientReports },
            server: QuicWorld.ServerOptions() with { AsksForAddress = serverAsks, ReportsAddresses = serverReports });
        world.Connected().RunFor(2);

        Assert.Equal(
            serverReports && clientAsks ? QuicWorld.ClientAddress : (UdpAddress?)null,
            world.Dialled!.ObservedAddress);
        Assert.Equal(
            clientReports && serverAsks ? QuicWorld.ServerAddress : (UdpAddress?)null,
            world.Accepted!.ObservedAddress);
        Assert.True(world.Dialled.IsConnected && world.Accepted.IsConnected);
    }

    [Test]
    public void An_ordinary_connection_negotiates_nothing() =>
        Assert.Null(AddressReports.RoleOf(QuicWorld.ClientOptions()));

    [Test]
    [Arguments(FrameType.ObservedAddressV4)]
    [Arguments(FrameType.ObservedAddressV6)]
    public void A_report_is_acknowledged_tests_a_path_and_comes_after_the_handshake(ulong type)
    {
        Assert.True(FrameType.IsAckEliciting(type));
        Assert.True(FrameType.IsProbing(type));
        Assert.False(FrameType.IsAllowedInHandshake(type));
    }

    [Test]
    [Arguments(3UL, "192.0.2.9:0")]
    [Arguments(3UL, "0.0.0.0:7")]
    [Arguments(3UL, "[::]:7")]
    [Arguments(3UL, "224.0.0.1:7")]
    [Arguments(3UL, "[ff02::1]:7")]
    [Arguments(3UL, "[100::5]:7")]      // what means a relay in this program
    [Arguments(2UL, "192.0.2.9:7")]     // as old as the one before
    [Arguments(1UL, "192.0.2.9:7")]     // older
    [Arguments(9UL, "192.0.2.8:7")]     // nothing new
    public void What_is_no_address_or_old_is_not_taken(ulong sequence, string text)
    {
        using var world = NewWorld();
        var path = world.Connected().Dialled!.State.Path;
        path.ObservedSequence = null;
        Assert.True(AddressReports.Take(path, Observed(2, Parse("192.0.2.8:7"))));

        Assert.False(AddressReports.Take(path, Observed(sequence, Parse(text))));
        Assert.Equal(Parse("192.0.2.8:7"), path.ObservedAddress);
        Assert.True(AddressReports.Take(path, Observed(10, Parse("[2001:db8::7]:7"))));
    }

    private static QuicWorld NewWorld(ulong seed = 1) => new(
        seed,
        QuicWorld.ClientOptions() with { AsksForAddress = true },
        QuicWorld.ServerOptions() with { ReportsAddresses = true });

    private static UdpAddress Parse(string text)
    {
        var endpoint = System.Net.IPEndPoint.Parse(text);
        return UdpAddress.From(endpoint.Address, endpoint.Port);
    }

    private static Frame Observed(ulong sequence, UdpAddress address) =>
        new() { Type = FrameType.ObservedAddressV4, Sequence = sequence, Address = address };
}
