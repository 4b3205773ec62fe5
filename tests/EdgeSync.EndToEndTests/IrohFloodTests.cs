using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Node.Iroh;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>First packets of clients that are not there, against a node with an iroh endpoint.</summary>
public sealed class IrohFloodTests
{
    private const int Packets = 20_000;
    private const int Distinct = 256;
    private const int Sources = 64;
    private const long GrowthMax = 16 << 20;

    [Test]
    public async Task A_flood_of_first_packets_takes_no_memory_and_no_peer()
    {
        using var first = new EdgeSyncProgram();
        using var second = new EdgeSyncProgram();
        first.Ok("repo", "new", "work.fossil");
        File.Copy(first["work.fossil"], second["work.fossil"]);
        using var a = Begin(first, IdOf(second));
        using var b = Begin(second, a.Address("iroh"));
        await UntilLinkedAsync(a);
        await UntilLinkedAsync(b);
        var target = TargetOf(a.Address("iroh"));
        var packets = FirstPackets();

        // What the first flood needs is compiled, allocated and kept; a second one needs no more.
        Flood(packets, target);
        await InStepAsync(1);
        var before = Resident(a);
        Flood(packets, target);
        await InStepAsync(2);
        Assert.InRange(Resident(a) - before, long.MinValue, GrowthMax);

        // Both are on the connections that they had.
        await UntilLinkedAsync(a);
        Assert.Equal(1, ConnectedCount(a, "nats-leaf"));
        Assert.DoesNotContain("\"event\":\"nats.disconnected\"", a.Errors + b.Errors, StringComparison.Ordinal);

        async Task InStepAsync(int number)
        {
            first.Write("file.txt", $"{number}\n");
            first.Ok("repo", "ci", "-R", "work.fossil", "-m", $"commit {number}", "file.txt");
            await b.UntilCheckinsAsync(number + 1);
        }
    }

    private static RunningNode Begin(EdgeSyncProgram machine, string peer) => new(
        machine, "leaf", "--repo", "work.fossil", "--iroh", "--iroh-discovery", "off", "--iroh-relay", "off",
        "--iroh-bind", "127.0.0.1:0", "--iroh-peer", peer);

    private static string IdOf(EdgeSyncProgram machine)
    {
        using var key = EndpointKeyFile.Ensure(machine["work.fossil.iroh-key"]);
        return key.Id.ToString();
    }

    private static IPEndPoint TargetOf(string ticket)
    {
        var direct = EndpointTicket.Parse(ticket).Direct[0];
        return new IPEndPoint(direct.ToAddress(), direct.Port);
    }

    private static int ConnectedCount(RunningNode node, string protocol) => node.Errors.Split('\n').Count(
        l => l.Contains("\"event\":\"iroh.connected\"", StringComparison.Ordinal)
            && l.Contains(protocol, StringComparison.Ordinal));

    private static Task<TimeSpan> UntilLinkedAsync(RunningNode node) => node.UntilAsync(
        async n => PeerOf(await n.StatusAsync()).GetProperty("broker_linked").GetBoolean(), "the brokers are linked");

    private static JsonElement PeerOf(JsonElement status) => status.GetProperty("iroh").GetProperty("peers")[0];

    private static long Resident(RunningNode node)
    {
        var line = File.ReadLines($"/proc/{node.ProcessId}/status").First(
            l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        var kilobytes = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kilobytes, CultureInfo.InvariantCulture) << 10;
    }

    private static byte[][] FirstPackets()
    {
        var now = Instant.FromUnixSeconds(1_700_000_000);
        var buffer = new byte[2048];
        return [.. Enumerable.Range(0, Distinct).Select(_ =>
        {
            using var client = QuicConnection.Connect(
                new QuicOptions(new Ed25519Key(new byte[Ed25519Key.KeyBytes]), ["/edgesync/xfer/1"u8.ToArray()]), null,
                default, now, SystemEntropy.Instance);
            Assert.True(client.TryTakeDatagram(now, buffer, out var first));
            return buffer[..first.Length];
        })];
    }

    // From many addresses of loopback.
    private static void Flood(byte[][] packets, IPEndPoint target)
    {
        var sockets = Enumerable.Range(0, Sources).Select(i =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(new IPAddress([127, 1, 0, (byte)(i + 1)]), 0));
            return socket;
        }).ToArray();
        for (var i = 0; i < Packets; i++) sockets[i % Sources].SendTo(packets[i % Distinct], target);
        foreach (var socket in sockets) socket.Dispose();
    }
}
