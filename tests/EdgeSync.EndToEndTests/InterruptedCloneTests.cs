using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// A clone that does not come to its end leaves no repository under the final name, and the same command resumes it.
/// </summary>
public sealed class InterruptedCloneTests
{
    [Test]
    public void Resumes_after_a_timeout()
    {
        using var edgesync = new EdgeSyncProgram();
        MakeHub(edgesync);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var relay = new StallingRelay(new Uri(leaf.Url).Port, stallAfterBytes: 300_000);

        var cut = edgesync.Try("repo", "clone", relay.Url, "mine.fossil", "--timeout", "2s");

        Assert.Equal(7, cut.ExitCode);
        Assert.Contains("the same command resumes it", cut.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(edgesync["mine.fossil"]));
        Assert.True(File.Exists(edgesync["mine.fossil.part"]));

        var whole = edgesync.Json("repo", "clone", leaf.Url, "mine.fossil");
        Assert.True(whole.GetProperty("resumed").GetBoolean());
        var afresh = edgesync.Json("repo", "clone", leaf.Url, "afresh.fossil");
        Assert.True(Received(whole) < Received(afresh) - 100_000, "what had come is not sent again");
        Assert.Equal([edgesync["mine.fossil"]], Directory.GetFiles(edgesync.Folder, "mine.fossil*"));
        Assert.Equal(
            "verified", edgesync.Json("repo", "verify", "-R", "mine.fossil").GetProperty("status").GetString());
        Assert.Equal(
            edgesync.Ok("repo", "ls", "--long", "-R", "hub.fossil"),
            edgesync.Ok("repo", "ls", "--long", "-R", "mine.fossil"));
    }

    [Test]
    public void Does_not_go_on_with_another_project()
    {
        using var edgesync = new EdgeSyncProgram();
        MakeHub(edgesync);
        edgesync.Ok("repo", "new", "other.fossil");
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var other = new RunningLeaf(edgesync, "other.fossil");
        using var relay = new StallingRelay(new Uri(leaf.Url).Port, stallAfterBytes: 300_000);
        Assert.Equal(7, edgesync.Try("repo", "clone", relay.Url, "mine.fossil", "--timeout", "2s").ExitCode);

        var mixed = edgesync.Try("repo", "clone", other.Url, "mine.fossil");

        Assert.Equal(5, mixed.ExitCode);
        Assert.Contains("mine.fossil.part", mixed.Errors, StringComparison.Ordinal);
        Assert.True(edgesync.Json("repo", "clone", leaf.Url, "mine.fossil").GetProperty("resumed").GetBoolean());
    }

    [Test]
    public void Never_touches_a_file_that_is_there()
    {
        using var edgesync = new EdgeSyncProgram();
        MakeHub(edgesync);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Write("mine.fossil", "");

        Assert.Equal(5, edgesync.Try("repo", "clone", leaf.Url, "mine.fossil").ExitCode);
        Assert.Equal(0, new FileInfo(edgesync["mine.fossil"]).Length);
    }

    private static long Received(JsonElement report) => report.GetProperty("wire_bytes_received").GetInt64();

    // About a megabyte that no compression makes smaller, handed out in batches of a tenth of it.
    private static void MakeHub(EdgeSyncProgram edgesync)
    {
        edgesync.Ok("repo", "new", "hub.fossil");
        edgesync.Ok("repo", "config", "set", "max-download", "100000", "-R", "hub.fossil");
        for (var i = 0; i < 30; i++) edgesync.Write($"tree/{i}.txt", RandomNumberGenerator.GetHexString(80_000));
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "files", "-C", "tree", ".");
    }

    /// <summary>Passes everything on, except what a server sends beyond a number of bytes.</summary>
    private sealed class StallingRelay : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _work;
        private readonly int _serverPort;
        private long _bytesLeft;

        public StallingRelay(int serverPort, long stallAfterBytes)
        {
            (_serverPort, _bytesLeft) = (serverPort, stallAfterBytes);
            _listener.Start();
            _work = Task.Run(AcceptAsync);
        }

        public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/";

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Stop();
            _work.GetAwaiter().GetResult();
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            var relaying = new List<Task>();
            try
            {
                while (true) relaying.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
            }

            await Task.WhenAll(relaying);
        }

        private async Task RelayAsync(TcpClient client)
        {
            using var server = new TcpClient();
            using (client)
            {
                await server.ConnectAsync(IPAddress.Loopback, _serverPort);
                await Task.WhenAll(
                    CopyAsync(client.GetStream(), server.GetStream(), isReply: false),
                    CopyAsync(server.GetStream(), client.GetStream(), isReply: true));
            }
        }

        private async Task CopyAsync(NetworkStream from, NetworkStream to, bool isReply)
        {
            var buffer = new byte[8192];
            try
            {
                while (true)
                {
                    var count = await from.ReadAsync(buffer, _stop.Token);
                    if (count == 0) break;
                    if (isReply && Interlocked.Add(ref _bytesLeft, -count) < 0)
                        await Task.Delay(Timeout.Infinite, _stop.Token);
                    await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
                }

                to.Socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // One end is gone, or the test is over.
            }
        }
    }
}
