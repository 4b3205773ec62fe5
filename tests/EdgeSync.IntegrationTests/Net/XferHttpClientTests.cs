using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Net;

public sealed class XferHttpClientTests
{
    private static readonly RetryPolicy Quick = new(4, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(4));

    [Test]
    public async Task Posts_cards_and_streams_the_reply()
    {
        await using var server = await TestServer.StartAsync();
        using var client = Client();

        Assert.Equal("igot …", await TextAsync(client, server.Url, "igot …"));
        Assert.True(server.Requests.TryDequeue(out var request));
        Assert.Equal(("/some/path", XferContentType.Uncompressed), (request.Path, request.ContentType));
    }

    [Test]
    [Arguments("HTTP/1.0 503 Busy\r\n\r\n", 4)]
    [Arguments("HTTP/1.0 500 Oops\r\n\r\n", 4)]
    [Arguments("HTTP/1.0 429 Slow\r\n\r\n", 4)]
    [Arguments("", 4)]
    [Arguments("HTTP/1.0 501 Never\r\n\r\n", 1)]
    [Arguments("HTTP/1.0 403 No\r\n\r\n", 1)]
    public async Task Retries_only_transient_failures(string reply, int attempts)
    {
        using var peer = new ScriptedPeer(Enumerable.Repeat(reply, 10));
        using var client = Client();

        await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"));

        Assert.Equal(attempts, peer.Served);
    }

    [Test]
    [Arguments("HTTP/1.0 503 Busy\r\n\r\n", 4)]
    [Arguments("HTTP/1.0 500 Oops\r\n\r\n", 1)]
    [Arguments("", 1)]
    public async Task Repeats_a_possibly_processed_request_only_if_allowed(string reply, int attempts)
    {
        using var peer = new ScriptedPeer(Enumerable.Repeat(reply, 10));
        using var client = Client();

        await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x", mayRepeat: false));

        Assert.Equal(attempts, peer.Served);
    }

    [Test]
    public async Task A_connection_that_is_reset_at_once_is_an_unreachable_peer()
    {
        var end = TestContext.Current!.Execution.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var resetting = ResetAllAsync(listener);
        Assert.True(PeerUrl.TryParse($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/", out var url));

        // .NET looks at the remote address of a new connection; in a few of a hundred the reset comes before that.
        for (var i = 0; i < 400; i++)
        {
            using var client = new XferHttpClient(
                new XferHttpClientOptions { Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero) },
                TimeProvider.System);
            await Assert.ThrowsAsync<EdgeSyncException>(() => client.PostAsync(
                url, XferContentType.Uncompressed, "x"u8.ToArray(), mayRepeat: false, end));
        }

        listener.Stop();
        await resetting;
    }

    private static async Task ResetAllAsync(TcpListener listener)
    {
        while (true)
        {
            try
            {
                using var socket = await listener.AcceptSocketAsync();
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    [Test]
    public async Task Recovers_from_a_transient_failure()
    {
        using var peer = new ScriptedPeer(["", "HTTP/1.0 502 Gone\r\n\r\n", Fine("hello")]);
        using var client = Client();

        Assert.Equal("hello", await TextAsync(client, peer.Url, "x"));
    }

    [Test]
    public async Task Follows_redirects_without_the_xfer_at_their_end()
    {
        await using var target = await TestServer.StartAsync();
        using var peer = new ScriptedPeer(
            [$"HTTP/1.0 301 Moved\r\nLocation: http://127.0.0.1:{target.Port}/new/xfer\r\n\r\n"]);
        using var client = Client();

        using var response = await client.PostAsync(
            peer.Url, XferContentType.Uncompressed, "x"u8.ToArray(), mayRepeat: true,
            TestContext.Current!.Execution.CancellationToken);

        Assert.True(response.IsMovedForGood);
        Assert.Equal($"http://127.0.0.1:{target.Port}/new", response.Address.AbsoluteUri);
        Assert.Equal("/new", target.Requests.Single().Path);
    }

    [Test]
    public async Task Stops_after_twenty_redirects()
    {
        using var peer = new ScriptedPeer(Enumerable.Repeat("HTTP/1.0 302 Round\r\nLocation: /again\r\n\r\n", 30));
        using var client = Client();

        var failure = await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"));

        Assert.Equal(ErrorKind.Protocol, failure.Kind);
        Assert.Equal(21, peer.Served);
    }

    [Test]
    [Arguments("HTTP/1.0 401 Who\r\n\r\n", ErrorKind.Denied)]
    [Arguments("HTTP/1.0 404 None\r\n\r\n", ErrorKind.NotFound)]
    [Arguments("HTTP/1.0 503 Later\r\n\r\n", ErrorKind.Unavailable)]
    [Arguments("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html><b>Hello</b> there", ErrorKind.Protocol)]
    [Arguments("HTTP/1.0 302 Off\r\nLocation: ftp://x/\r\n\r\n", ErrorKind.Protocol)]
    [Arguments("SSH-2.0-OpenSSH\r\n\r\n", ErrorKind.Protocol)]
    public async Task Maps_failures_to_kinds(string reply, ErrorKind kind)
    {
        using var peer = new ScriptedPeer(Enumerable.Repeat(reply, 10));
        using var client = Client();

        Assert.Equal(
            kind, (await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"))).Kind);
    }

    [Test]
    public async Task Shows_the_words_of_a_page_without_its_tags()
    {
        using var peer = new ScriptedPeer(
            ["HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html><b>Hello</b>\u001b[31m\n there"]);
        using var client = Client();

        var failure = await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"));

        Assert.EndsWith(": Hello [31m there", failure.Message);
    }

    [Test]
    public async Task A_refused_connection_is_unavailable()
    {
        using var client = Client();

        var failure = await Assert.ThrowsAnyAsync<EdgeSyncException>(
            () => TextAsync(client, PeerUrl.Parse($"http://127.0.0.1:{ScriptedPeer.FreePort()}"), "x"));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.Contains("cannot reach", failure.Message, StringComparison.Ordinal);
    }

    [Test]
    public async Task Notices_a_reply_that_breaks_off()
    {
        using var peer = new ScriptedPeer(
            ["HTTP/1.0 200 OK\r\nContent-Type: application/x-fossil\r\nContent-Length: 100\r\n\r\nshort"]);
        using var client = Client();

        var failure = await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.Contains("broke off after 5 bytes", failure.Message, StringComparison.Ordinal);
    }

    [Test]
    public async Task Times_out_on_a_silent_peer()
    {
        using var peer = new ScriptedPeer([ScriptedPeer.Silence]);
        using var client = new XferHttpClient(
            new XferHttpClientOptions { Retry = RetryPolicy.None, SilenceMax = TimeSpan.FromMilliseconds(50) },
            TimeProvider.System);

        var failure = await Assert.ThrowsAnyAsync<EdgeSyncException>(() => TextAsync(client, peer.Url, "x"));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
    }

    [Test]
    public void Waits_longer_each_time_and_never_longer_than_the_limit()
    {
        var policy = RetryPolicy.Standard with { AttemptsMax = 6 };

        Assert.Equal(
            [250, 500, 1000, 2000, 2000],
            Enumerable.Range(1, 5).Select(attempt => policy.PauseAfter(attempt, null)!.Value.TotalMilliseconds));
        Assert.Null(policy.PauseAfter(6, null));
        Assert.Equal(TimeSpan.FromSeconds(2), policy.PauseAfter(1, TimeSpan.FromSeconds(2)));
        Assert.Null(policy.PauseAfter(1, TimeSpan.FromSeconds(3)));
    }

    private static string Fine(string body) =>
        $"HTTP/1.0 200 OK\r\nContent-Type: application/x-fossil-uncompressed\r\nContent-Length: "
            + $"{body.Length}\r\n\r\n{body}";

    private static XferHttpClient Client() => new(new XferHttpClientOptions { Retry = Quick }, TimeProvider.System);

    private static async Task<string> TextAsync(XferHttpClient client, PeerUrl url, string body, bool mayRepeat = true)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        using var response = await client.PostAsync(
            url, XferContentType.Uncompressed, Encoding.UTF8.GetBytes(body), mayRepeat, token);
        using var text = new MemoryStream();
        var buffer = new byte[7];
        while (await response.ReadAsync(buffer, token) is > 0 and var read) text.Write(buffer.AsSpan(0, read));
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>Answers each connection with the next bytes of its script, then closes it.</summary>
    private sealed class ScriptedPeer : IDisposable
    {
        public const string Silence = "(silence)";

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public ScriptedPeer(IEnumerable<string> replies)
        {
            _listener.Start();
            _loop = ServeAsync(replies);
        }

        public int Served { get; private set; }

        public PeerUrl Url => PeerUrl.Parse($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

        public static int FreePort()
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            return ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        public void Dispose()
        {
            // The loop ends first: it must not find the listener stopped between two connections.
            _stop.Cancel();
            _loop.GetAwaiter().GetResult();
            _listener.Stop();
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task ServeAsync(IEnumerable<string> replies)
        {
            try
            {
                foreach (var reply in replies)
                {
                    using var connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                    Served++;
                    var stream = connection.GetStream();
                    await ReadRequestAsync(stream);
                    if (reply == Silence) await Task.Delay(Timeout.Infinite, _stop.Token);
                    await stream.WriteAsync(Encoding.UTF8.GetBytes(reply), _stop.Token);
                }
            }
            catch (Exception e) when (
                e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The test has ended, or the client gave up the connection.
            }
        }

        private async Task ReadRequestAsync(NetworkStream stream)
        {
            var text = new StringBuilder();
            var buffer = new byte[4096];
            while (true)
            {
                var read = await stream.ReadAsync(buffer, _stop.Token);
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
                var whole = text.ToString();
                var head = whole.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (read == 0 || (head > 0 && whole.Length > head + 4)) return;
            }
        }
    }
}
