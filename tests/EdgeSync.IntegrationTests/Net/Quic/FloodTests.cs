using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Storage;

namespace EdgeSync.IntegrationTests.Net.Quic;

/// <summary>First packets of clients that are not there, as fast as one thread sends them.</summary>
public sealed class FloodTests
{
    private const int Distinct = 256;
    private const int Count = 20_000;

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task A_flood_of_first_packets_stops_neither_a_transfer_nor_a_new_client()
    {
        await using var pair = await QuicPair.ConnectAsync();
        var content = RandomNumberGenerator.GetBytes(4 << 20);
        var serving = ServeAsync(pair.There);
        var (packets, target) = (FirstPackets(), pair.Server.Bound[0]);

        var flooding = Task.Run(() => Flood(packets, target));
        var answer = await EchoAsync(pair.Here, content);
        await flooding;

        Assert.True(answer.AsSpan().SequenceEqual(content));
        // Beyond a few handshakes the server keeps nothing of a client before it has proved its address.
        Assert.InRange(pair.Server.ConnectionCount, 1, 65);
        await using var client = QuicPair.Start(QuicPair.Options(3), false);
        var connection = await client.ConnectAsync(
            QuicPair.KeyOf(2), [QuicPair.AddressOf(pair.Server)], null, Cancellation);
        Assert.Equal(QuicPair.KeyOf(2), connection.PeerKey.ToArray());
        pair.Here.Close(0, "");
        await serving;
    }

    private static byte[][] FirstPackets()
    {
        var now = Instant.FromUnixSeconds(1_700_000_000);
        var buffer = new byte[2048];
        return [.. Enumerable.Range(0, Distinct).Select(_ =>
        {
            using var client = QuicConnection.Connect(
                QuicPair.Options(9), null, default, now, SystemEntropy.Instance);
            Assert.True(client.TryTakeDatagram(now, buffer, out var first));
            return buffer[..first.Length];
        })];
    }

    // From many addresses of loopback, each with a port of its own.
    private static void Flood(byte[][] packets, IPEndPoint target)
    {
        var sockets = Enumerable.Range(0, 64).Select(i =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            if (OperatingSystem.IsLinux()) socket.Bind(new IPEndPoint(new IPAddress([127, 1, 0, (byte)(i + 1)]), 0));
            return socket;
        }).ToArray();
        for (var i = 0; i < Count; i++) sockets[i % sockets.Length].SendTo(packets[i % packets.Length], target);
        foreach (var socket in sockets) socket.Dispose();
    }

    private static async Task<byte[]> EchoAsync(HostConnection connection, byte[] content)
    {
        await using var stream = await connection.OpenStreamAsync(false, Cancellation);
        var writing = stream.WriteLastAsync(content, Cancellation).AsTask();
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Cancellation);
        await writing;
        return answer.ToArray();
    }

    private static async Task ServeAsync(HostConnection connection)
    {
        try
        {
            await using var stream = await connection.AcceptStreamAsync(Cancellation);
            await stream.CopyToAsync(stream, Cancellation);
            stream.CompleteWrites();
            await connection.Closed;
        }
        catch (QuicClosedException)
        {
            // The test is over.
        }
    }
}
