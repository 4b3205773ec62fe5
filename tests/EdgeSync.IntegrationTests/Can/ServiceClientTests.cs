using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Node.Can.Agent;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>An agent's client beside services that misbehave.</summary>
public sealed class ServiceClientTests
{
    [Test]
    [Arguments("", "silent")]
    [Arguments("1234", "silent")]
    [Arguments("12345", "broke off")]
    public async Task A_reply_that_does_not_go_on_is_given_up(string body, string reason)
    {
        var cancellation = TestContext.Current!.Execution.CancellationToken;
        var clock = new HurriedClock();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync();
        var url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        using var client = new ServiceClient(url, "key", clock, NullLogger.Instance);

        var error = await Assert.ThrowsAsync<EdgeSyncException>(() => client.HashesAsync(cancellation));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        listener.Stop();
        (await serving).Dispose();

        // Ten bytes are announced; five that came are followed by the end of the connection.
        async Task<Socket> ServeAsync()
        {
            var socket = await listener.AcceptSocketAsync(cancellation);
            var request = new byte[4096];
            Assert.NotEqual(0, await socket.ReceiveAsync(request, cancellation));
            clock.IsHurried = body.Length < 5;
            await socket.SendAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{body}"), cancellation);
            if (body.Length == 5) socket.Shutdown(SocketShutdown.Send);
            return socket;
        }
    }

    /// <summary>No time passes, or, once it hurries, all that is waited for at once.</summary>
    private sealed class HurriedClock : TimeProvider
    {
        public volatile bool IsHurried;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, IsHurried ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, period);
    }
}
