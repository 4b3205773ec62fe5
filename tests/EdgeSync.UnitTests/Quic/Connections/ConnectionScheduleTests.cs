using System.Net;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.UnitTests.Quic.Connections;

public sealed class ConnectionScheduleTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);

    [Test]
    public void The_endpoint_is_due_when_the_first_of_its_connections_is()
    {
        var chance = new Prng(3);
        using var endpoint = new QuicEndpoint(QuicWorld.ClientOptions(), new SeededEntropy(3));
        var buffer = new byte[1500];
        var connections = new List<QuicConnection>();
        var now = Start;
        for (var step = 0; step < 400; step++)
        {
            now += TimeSpan.FromMilliseconds(chance.NextInt32(200));
            if (connections.Count < 12 && chance.Chance(0.2))
                connections.Add(endpoint.Connect(null, new FourTuple(default, Address(connections.Count)), now));
            if (chance.Chance(0.1) && connections.Count > 0)
            {
                var some = chance.Pick<QuicConnection>([.. connections]);
                if (chance.Chance(0.5)) some.Close(now, 1, "");
                else some.Dispose();
            }

            if (endpoint.Deadline() <= now) endpoint.OnDeadline(now);
            while (endpoint.TryTakeDatagram(now, buffer, out _))
            {
            }

            connections.RemoveAll(connection => connection.IsClosed);
            Assert.Equal(Earliest(connections), endpoint.Deadline());
            endpoint.OnDeadline(now);
            Assert.Equal(connections.Count(connection => !connection.IsClosed), endpoint.Count);
        }
    }

    [Test]
    public void Connections_take_turns()
    {
        using var endpoint = new QuicEndpoint(QuicWorld.ClientOptions(), new SeededEntropy(4));
        for (var i = 0; i < 3; i++) endpoint.Connect(null, new FourTuple(default, Address(i)), Start);
        var order = new List<ushort>();
        var buffer = new byte[1500];

        while (endpoint.TryTakeDatagram(Start, buffer, out var datagram)) order.Add(datagram.Tuple.Remote.Port);

        Assert.Equal("1 2 3", string.Join(' ', order.Take(3)));
    }

    private static Instant? Earliest(List<QuicConnection> connections)
    {
        Instant? earliest = null;
        foreach (var connection in connections) earliest = Instant.Earlier(earliest, connection.Deadline());
        return earliest;
    }

    private static UdpAddress Address(int number) => UdpAddress.From(IPAddress.Loopback, number + 1);
}
