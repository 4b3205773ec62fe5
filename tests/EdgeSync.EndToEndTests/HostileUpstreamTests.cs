using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A bridge whose Fossil server is none.</summary>
public sealed class HostileUpstreamTests
{
    [Test]
    public async Task A_server_that_answers_without_end_does_not_grow_the_bridge()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "mine.fossil");
        var code = edgesync.Json("repo", "info", "-R", "mine.fossil").GetProperty("project_code").GetString()!;
        await using var server = new EndlessServer();
        using var bridge = new RunningNode(
            edgesync, "bridge", "serve", "--nats-leaf-port", "0", "--fossil-url", server.Url, "--project", code,
            "--memory-limit", "96M");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "mine.fossil", "--nats", bridge.Address("nats-leaf"));

        foreach (var what in (string[])["bridge.probe_failed", "bridge.upstream_failed"])
        {
            await bridge.UntilAsync(n => Task.FromResult(Refusals(n, what).Any()), $"{what}, because of the size");
        }

        Assert.DoesNotContain("OutOfMemory", bridge.Errors, StringComparison.Ordinal);
        Assert.Equal(0, leaf.Stop());
        Assert.Equal(0, bridge.Stop());
    }

    private static IEnumerable<string> Refusals(RunningNode bridge, string what) => bridge.Errors.Split('\n')
        .Where(l => l.Contains(what, StringComparison.Ordinal)
            && (l.Contains("sends a message of more than", StringComparison.Ordinal)
                || l.Contains("no memory is left for the reply", StringComparison.Ordinal)));

    /// <summary>Answers any request with a body that has no end.</summary>
    private sealed class EndlessServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public EndlessServer()
        {
            _listener.Start();
            _loop = Task.Run(RunAsync);
        }

        public string Url => $"http://{_listener.LocalEndpoint}/";

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop;
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            var senders = new List<Task>();
            try
            {
                while (true) senders.Add(SendAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(senders);
            }
        }

        private async Task SendAsync(TcpClient client)
        {
            using var owned = client;
            var piece = new byte[64 * 1024];
            var chunk = Encoding.ASCII.GetBytes($"{piece.Length:x}\r\n").Concat(piece).Concat("\r\n"u8.ToArray())
                .ToArray();
            try
            {
                var stream = client.GetStream();
                await stream.ReadAtLeastAsync(piece, 1, cancellationToken: _stop.Token);
                await stream.WriteAsync(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/x-fossil\r\nTransfer-Encoding: chunked\r\n\r\n"u8
                        .ToArray(), _stop.Token);
                while (true) await stream.WriteAsync(chunk, _stop.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // The bridge has had enough, or the test is over.
            }
        }
    }
}
