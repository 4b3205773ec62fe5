using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net;

public sealed class WebServerTests
{
    [Test]
    [Arguments("/", "application/x-fossil", XferContentType.Compressed)]
    [Arguments("/xfer", "application/x-fossil-uncompressed", XferContentType.Uncompressed)]
    [Arguments("/deep/path?x=1", "Application/X-Fossil-Debug", XferContentType.Debug)]
    [Arguments("/", "application/x-fossil; charset=utf-8", XferContentType.Compressed)]
    public async Task Routes_by_content_type_whatever_the_path(string path, string type, XferContentType expected)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            $"POST {path} HTTP/1.0\r\nHost: x\r\nContent-Type: {type}\r\nContent-Length: 5\r\n\r\nhello");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", reply);
        Assert.Contains("\r\nContent-Length: 5\r\n", reply);
        Assert.EndsWith("\r\n\r\nhello", reply);
        Assert.True(server.Requests.TryDequeue(out var request));
        Assert.Equal(expected, request.ContentType);
    }

    [Test]
    public async Task Closes_after_a_request_of_HTTP_1_0()
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            "POST / HTTP/1.0\r\nContent-Type: application/x-fossil\r\nContent-Length: 1\r\n\r\nx");

        Assert.Contains("\r\nConnection: close\r\n", reply);
    }

    /// <summary>.NET's web applications watch the folder of their program, and all below it, for settings.</summary>
    [Test]
    public async Task Watches_no_folder()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "watches are listed by Linux alone");
        await using var server = await TestServer.StartAsync();

        var number = new ProgramStart("/usr/bin/stat") { Arguments = ["-c", "%i", AppContext.BaseDirectory] }.Run()
            .MustSucceed().Output.Trim();
        var folder = $" ino:{long.Parse(number, CultureInfo.InvariantCulture):x} ";
        var watches = Directory.GetFiles("/proc/self/fdinfo").SelectMany(LinesOf)
            .Where(line => line.StartsWith("inotify ", StringComparison.Ordinal));
        Assert.DoesNotContain(watches, line => line.Contains(folder, StringComparison.Ordinal));

        static string[] LinesOf(string file)
        {
            try
            {
                return File.ReadAllLines(file);
            }
            catch (IOException)
            {
                return [];   // It was closed.
            }
        }
    }

    /// <summary>
    /// What programs read differently is refused, so that a proxy in front and we never disagree on where a request
    /// ends (S11).
    /// </summary>
    [Test]
    [Arguments("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nContent-Length: +5\r\n\r\nhello")]
    [Arguments("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nContent-Length: 5,5\r\n\r\nhello")]
    [Arguments("POST / HTTP/1.1\r\nHost: x\nContent-Type: application/x-fossil\r\nContent-Length: 5\r\n\r\nhello")]
    [Arguments("POST / HTTP/1.1\nHost: x\nContent-Type: application/x-fossil\nContent-Length: 5\n\nhello")]
    [
        Arguments(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nTransfer-Encoding: "
                + "chunked\r\n\r\n7fffffffffffffff\r\nx")]
    [
        Arguments(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nTransfer-Encoding: "
                + "chunked\r\n\r\nffffffff\r\nx")]
    [
        Arguments(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nTransfer-Encoding: "
                + "chunked\r\n\r\n80000000\r\nx")]
    public async Task Refuses_lengths_and_lines_that_can_be_read_in_two_ways(string request)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(request);

        Assert.True(
            reply.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal),
            string.Join(" ", server.Log.Select(l => l.Fault)) + reply);
        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task Answers_an_empty_body_like_any_other()
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-fossil\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", reply);
        Assert.Contains("\r\nContent-Length: 0\r\n", reply);
    }

    [Test]
    public async Task Takes_a_chunked_body()
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                + "application/x-fossil\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");

        Assert.EndsWith("abcde", reply);
    }

    [Test]
    [Arguments("Content-Type: text/html\r\n")]
    [Arguments("Content-Type: application/x-fossil-else\r\n")]
    [Arguments("")]
    public async Task Refuses_other_content_types(string header)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            $"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}Content-Length: 2\r\n\r\nhi");

        Assert.StartsWith("HTTP/1.1 415 ", reply);
        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task Refuses_an_announced_length_beyond_the_limit_without_reading_it()
    {
        await using var server = await TestServer.StartAsync(o => o with { RequestBytesMax = 1000 });

        var reply = await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-fossil\r\nContent-Length: "
                + "1001\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", reply);
        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task Refuses_a_chunked_body_when_it_passes_the_limit()
    {
        await using var server = await TestServer.StartAsync(o => o with { RequestBytesMax = 1000 });

        var reply = await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                + "application/x-fossil\r\nTransfer-Encoding: chunked\r\n\r\n"
            + $"3e9\r\n{new string('a', 1001)}\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", reply);
        Assert.Empty(server.Requests);
    }

    /// <summary>
    /// A client that writes everything before it reads must still see why: unread bytes would make the close a reset,
    /// which takes the answer along.
    /// </summary>
    [Test]
    [Arguments(false, "application/x-fossil", "413")]
    [Arguments(true, "application/x-fossil", "413")]
    [Arguments(false, "text/html", "415")]
    [Arguments(true, "text/html", "415")]
    public async Task A_refusal_reaches_a_client_that_is_still_sending(bool isChunked, string type, string status)
    {
        await using var server = await TestServer.StartAsync(o => o with { RequestBytesMax = 1000 });
        var body = new string('x', 8_000_000);

        var reply = await server.RawAsync(isChunked
            ? $"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {type}\r\nTransfer-Encoding: "
                + $"chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n"
            : $"POST / HTTP/1.0\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}");

        Assert.StartsWith($"HTTP/1.1 {status} ", reply);
        Assert.Contains("\r\nConnection: close\r\n", reply);
        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task Never_hands_on_a_body_that_ends_early()
    {
        await using var server = await TestServer.StartAsync();

        await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nContent-Length: 100\r\n\r\nshort",
            halfClose: true);

        Assert.Empty(server.Requests);
    }

    [Test]
    public async Task Gives_up_a_body_that_does_not_come()
    {
        await using var server = await TestServer.StartAsync(
            o => o with { BytesPerSecondMin = 1000, SlownessGrace = TimeSpan.FromSeconds(1.5) });

        var reply = await server.RawAsync(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nContent-Length: 100\r\n\r\nslow");

        Assert.StartsWith("HTTP/1.1 408 ", reply);
        Assert.Empty(server.Requests);
    }

    [Test]
    [Arguments("\0\0\0\0\r\n\r\n")]
    [Arguments("POST\r\n\r\n")]
    [Arguments("GET / HTTP/9.9\r\n\r\n")]
    [Arguments("POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n")]
    [Arguments("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")]
    [Arguments("POST / HTTP/1.0\r\nContent-Type: application/x-fossil\r\n\r\nno length")]
    public async Task Rejects_garbage_and_keeps_serving(string request)
    {
        await using var server = await TestServer.StartAsync();

        var refusal = await server.RawAsync(request, halfClose: true);
        var next = await server.RawAsync("GET /healthz HTTP/1.0\r\n\r\n");

        Assert.True(
            refusal.Length == 0 || refusal.StartsWith("HTTP/1.1 4", StringComparison.Ordinal)
            || refusal.StartsWith("HTTP/1.1 5", StringComparison.Ordinal), refusal);
        Assert.StartsWith("HTTP/1.1 200 ", next);
        Assert.Empty(server.Requests);
    }

    [Test]
    [
        Arguments(
            "GET /else HTTP/1.0\r\n\r\n", "HTTP/1.1 404 ",
            "\r\n\r\nNot found. See / for the repositories; a Fossil client may use any path.\n")]
    [Arguments("HEAD /else HTTP/1.0\r\n\r\n", "HTTP/1.1 404 ", "\r\n\r\n")]
    [Arguments("HEAD /healthz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\n")]
    [Arguments("PUT / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ", "\r\n\r\nGET, HEAD or POST.\n")]
    [Arguments("PUT /healthz HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ", "\r\n\r\nGET, HEAD or POST.\n")]
    [
        Arguments(
            "POST /healthz HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 415 ",
            "\r\n\r\nCards are sent as application/x-fossil or application/x-fossil-uncompressed.\n")]
    public async Task Answers_what_no_route_takes(string request, string status, string end)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(request);

        Assert.StartsWith(status, reply, StringComparison.Ordinal);
        Assert.EndsWith(end, reply, StringComparison.Ordinal);
    }

    /// <summary>An endpoint without a limit of its own reads no more than a small document.</summary>
    [Test]
    [Arguments(4096, "HTTP/1.1 200 ")]
    [Arguments(4097, "HTTP/1.1 413 ")]
    public async Task Endpoints_read_small_bodies_alone(int length, string status)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            $"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                + $"{length}\r\n\r\n{new string('a', length)}");

        Assert.StartsWith(status, reply, StringComparison.Ordinal);
    }

    /// <summary>A route does not take the path away from Fossil clients.</summary>
    [Test]
    public async Task Cards_are_taken_where_a_route_is()
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            "POST /length HTTP/1.0\r\nContent-Type: application/x-fossil\r\nContent-Length: 5\r\n\r\nhello");

        Assert.EndsWith("\r\n\r\nhello", reply, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    /// <summary>Settings of the framework that lie about on the machine open no port and change none.</summary>
    [Test]
    public async Task Takes_no_settings_from_the_framework_s_variables()
    {
        Environment.SetEnvironmentVariable("ASPNETCORE_URLS", "http://127.0.0.1:1");
        Environment.SetEnvironmentVariable("Kestrel__Endpoints__Other__Url", "http://127.0.0.1:1");
        try
        {
            await using var server = await TestServer.StartAsync();

            Assert.Single(server.Addresses);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASPNETCORE_URLS", null);
            Environment.SetEnvironmentVariable("Kestrel__Endpoints__Other__Url", null);
        }
    }

    [Test]
    public async Task Readyz_reports_the_failed_checks()
    {
        await using var server = await TestServer.StartAsync();

        Assert.StartsWith("HTTP/1.1 200 ", await server.RawAsync("GET /readyz HTTP/1.0\r\n\r\n"));
        server.Checks = [NodeCheck.Of("repository", "read-only"), NodeCheck.Of("disk", null)];
        var reply = await server.RawAsync("GET /readyz HTTP/1.0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 503 ", reply);
        Assert.EndsWith("repository: read-only\ndisk: ok\n", reply);
        Assert.StartsWith("HTTP/1.1 200 ", await server.RawAsync("GET /healthz HTTP/1.0\r\n\r\n"));
    }

    [Test]
    public async Task Hides_the_cause_of_a_failure_and_logs_it()
    {
        await using var server = await TestServer.StartAsync();
        server.Answer = (_, _) => throw new InvalidOperationException("secret path");

        var reply = await server.RawAsync(
            "POST / HTTP/1.0\r\nContent-Type: application/x-fossil\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 500 ", reply);
        Assert.DoesNotContain("secret path", reply, StringComparison.Ordinal);
        await server.StopAsync(TestContext.Current!.Execution.CancellationToken);
        Assert.Contains(
            server.Log, e => e.Fault is not null && e.Fault.Contains("secret path", StringComparison.Ordinal));
    }

    [Test]
    public async Task Passes_on_Retry_After()
    {
        await using var server = await TestServer.StartAsync();
        server.Answer = (_, _) =>
            ValueTask.FromResult(XferHttpReply.Refusal(429, "Wait.") with { RetryAfter = TimeSpan.FromSeconds(5.2) });

        var refusal = await server.RawAsync(
            "POST / HTTP/1.0\r\nContent-Type: application/x-fossil\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 429 ", refusal);
        Assert.Contains("\r\nRetry-After: 6\r\n", refusal, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("text/plain", "HTTP/1.1 415 ")]
    [Arguments("application/x-fossil", "HTTP/1.1 413 ")]
    public async Task A_refused_body_is_not_drained_without_end(string type, string answer)
    {
        await using var server = await TestServer.StartAsync();
        var token = TestContext.Current!.Execution.CancellationToken;
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Port, token);
        var stream = socket.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\nContent-Length: 900000000\r\n\r\n"), token);
        var head = new byte[13];
        await stream.ReadExactlyAsync(head, token);
        Assert.Equal(answer, Encoding.ASCII.GetString(head));

        // What the buffers of both sockets hold comes on top.
        var sent = 0L;
        var piece = new byte[64 * 1024];
        try
        {
            while (sent < 256 << 20)
            {
                await stream.WriteAsync(piece, token);
                sent += piece.Length;
            }
        }
        catch (IOException)
        {
            // Cut.
        }

        Assert.InRange(sent, 0, 64 << 20);
    }

    [Test]
    [Arguments("::1:8080", "[::1]:8080")]
    [Arguments("fe80::1:2:8080", "[fe80::1:2]:8080")]
    [Arguments("[::1]:8080", "[::1]:8080")]
    [Arguments("localhost:8080", "localhost:8080")]
    public async Task Accepts_an_IPv6_host_without_brackets(string written, string seen)
    {
        await using var server = await TestServer.StartAsync();

        var reply = await server.RawAsync(
            $"POST / HTTP/1.0\r\nHost: {written}\r\nContent-Type: application/x-fossil-uncompressed\r\nContent-Length: "
                + $"3\r\n\r\nabc");

        Assert.StartsWith("HTTP/1.1 200 ", reply);
        Assert.EndsWith("abc", reply, StringComparison.Ordinal);
        Assert.Equal(seen, Assert.Single(server.Requests).Host);
    }

    [Test]
    public async Task Refuses_more_exchanges_than_it_can_queue()
    {
        var release = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(o => o with { ConcurrentExchangesMax = 1 });
        server.Answer = async (request, token) =>
        {
            await release.Task.WaitAsync(token);
            return new XferHttpReply(200, request.ContentType, default);
        };
        const string Request = "POST / HTTP/1.0\r\nContent-Type: application/x-fossil\r\nContent-Length: 0\r\n\r\n";

        // One works, one waits; the third is refused, and only then may the first two go on.
        var replies = Enumerable.Range(0, 3).Select(_ => server.RawAsync(Request)).ToList();
        var refused = await await Task.WhenAny(replies);
        release.SetResult();
        var all = await Task.WhenAll(replies);

        Assert.StartsWith("HTTP/1.1 503 ", refused);
        Assert.Equal(2, all.Count(r => r.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_port_in_use_is_an_error()
    {
        await using var first = await TestServer.StartAsync();

        var failure = await Assert.ThrowsAsync<EdgeSyncException>(
            () => TestServer.StartAsync(o => o with { Listen = [new IPEndPoint(IPAddress.Loopback, first.Port)] }));

        Assert.Equal(ErrorKind.System, failure.Kind);
        Assert.Contains("cannot listen on", failure.Message, StringComparison.Ordinal);
    }
}
