using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Http;

/// <summary>Clients of all ages: HTTP/1.0 and 1.1, with and without lengths, on any path, compressed or not.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class FramingTests(GeneratedHistory history) : IDisposable
{
    private readonly Workbench _bench = new("http");
    private RunningLeaf? _server;

    public void Dispose()
    {
        _server?.Dispose();
        _bench.Dispose();
    }

    [Test]
    [Arguments("/")]
    [Arguments("/xfer")]
    [Arguments("/any/where?really=1")]
    [Arguments("/index.html")]
    public void Any_path_will_do(string path)
    {
        var reply = RawHttp.Post(Port(), XferMessage.Compress(CloneRequest()), path: path);

        AssertIsClone(reply);
    }

    [Test]
    [Arguments("application/x-fossil-uncompressed", "application/x-fossil-uncompressed")]
    [Arguments("application/x-fossil-debug", "application/x-fossil-debug")]
    [Arguments("Application/X-Fossil-Uncompressed; charset=utf-8", "application/x-fossil-uncompressed")]
    public void A_plain_request_gets_a_plain_reply(string asked, string answered)
    {
        var reply = RawHttp.Post(Port(), PullRequest(), asked);

        Assert.Equal(200, reply.Status);
        Assert.StartsWith(
            answered == "application/x-fossil-debug" ? "application/x-fossil" : answered, reply.Headers["content-type"],
            StringComparison.Ordinal);
        Assert.Contains("igot ", reply.Cards, StringComparison.Ordinal);
    }

    /// <summary>Stock's <c>--no-http-compression</c> sends plain text and calls it compressed.</summary>
    [Test]
    public void Plain_text_under_the_compressed_name_is_understood() =>
        Assert.Contains("igot ", RawHttp.Post(Port(), PullRequest()).Cards, StringComparison.Ordinal);

    /// <summary>Clients before 2.24 stop when the length is missing, and none before 2.29 reads chunks.</summary>
    [Test]
    [Arguments("1.0")]
    [Arguments("1.1")]
    public void A_reply_always_has_a_Content_Length(string version)
    {
        var body = XferMessage.Compress(CloneRequest());
        var reply = RawHttp.Send(
            Port(),
            [.. RawHttp.Head(version, "/", XferMessage.ContentType, body.Length, "Connection: close\r\n"), .. body]);

        AssertIsClone(reply);
        Assert.Equal(
            reply.Body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture),
            reply.Headers["content-length"]);
        Assert.False(reply.Headers.ContainsKey("transfer-encoding"));
    }

    [Test]
    [Arguments(1)]
    [Arguments(7)]
    [Arguments(4096)]
    public void A_chunked_request_is_read(int chunkBytes) =>
        AssertIsClone(RawHttp.PostChunked(Port(), XferMessage.Compress(CloneRequest()), chunkBytes));

    [Test]
    public void Several_requests_share_a_connection()
    {
        var body = XferMessage.Compress(PullRequest());
        var one = (byte[])[.. RawHttp.Head("1.1", "/", XferMessage.ContentType, body.Length), .. body];
        var last = (byte[])[
            .. RawHttp.Head("1.1", "/", XferMessage.ContentType, body.Length, "Connection: close\r\n"), .. body];
        using var client = new System.Net.Sockets.TcpClient("127.0.0.1", Port()) { ReceiveTimeout = 30_000 };
        var stream = client.GetStream();

        stream.Write([.. one, .. last]);
        var first = RawHttp.Read(stream);

        Assert.Equal(200, first.Status);
    }

    [Test]
    public void An_empty_request_gets_an_empty_reply()
    {
        var reply = RawHttp.Post(Port(), []);

        Assert.Equal(200, reply.Status);
        Assert.DoesNotContain("error ", reply.Cards, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("text/plain")]
    [Arguments("application/json")]
    [Arguments("application/x-fossilized")]
    public void Another_content_type_is_refused(string contentType) =>
        Assert.Equal(415, RawHttp.Post(Port(), CloneRequest(), contentType).Status);

    [Test]
    [Arguments("GET /healthz HTTP/1.0\r\n\r\n", 200)]
    [Arguments("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200)]
    [Arguments("GET /nothing/here HTTP/1.0\r\n\r\n", 404)]
    [Arguments("DELETE / HTTP/1.0\r\n\r\n", 405)]
    public void Pages_and_probes_are_served(string request, int status) =>
        Assert.Equal(status, RawHttp.Send(Port(), Encoding.ASCII.GetBytes(request)).Status);

    [Test]
    [Arguments("")]
    [Arguments("POST\r\n\r\n")]
    [Arguments("POST / HTTP/9.9\r\n\r\n")]
    [Arguments("POST / HTTP/1.0\r\nContent-Length: x\r\n\r\n")]
    [Arguments("POST / HTTP/1.0\r\nContent-Length: -5\r\n\r\n")]
    [Arguments("POST / HTTP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    [
        Arguments(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nTransfer-Encoding: "
                + "chunked\r\n\r\nzz\r\n")]
    [Arguments("\0\0\0\0\0\0\0\0\r\n\r\n")]
    [Arguments("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003")]
    public void Broken_http_is_refused_and_hurts_nobody(string request)
    {
        var port = Port();

        var reply = RawHttp.Send(port, Encoding.Latin1.GetBytes(request), thenEnd: true);

        Assert.True(reply.Status is 0 or >= 400, $"status {reply.Status}");
        AssertIsClone(RawHttp.Post(port, XferMessage.Compress(CloneRequest())));
    }

    [Test]
    public void A_request_that_ends_too_early_changes_nothing()
    {
        var port = Port();
        var body = XferMessage.Compress(CloneRequest());

        var reply = RawHttp.Send(
            port, [.. RawHttp.Head("1.0", "/", XferMessage.ContentType, body.Length + 100), .. body], thenEnd: true);

        Assert.True(reply.Status is 0 or >= 400, $"status {reply.Status}");
        AssertIsClone(RawHttp.Post(port, body));
    }

    private static byte[] CloneRequest() => XferMessage.Pragma().Card("clone 3 1").Bytes();

    private static byte[] PullRequest() =>
        XferMessage.Pragma().Card(
            "pull 0123456789012345678901234567890123456789 5eed0123456789abcdef0123456789abcdef0123").Bytes();

    private static void AssertIsClone(RawReply reply)
    {
        Assert.Equal(200, reply.Status);
        Assert.Contains("cfile ", reply.Cards, StringComparison.Ordinal);
        Assert.Contains("clone_seqno ", reply.Cards, StringComparison.Ordinal);
    }

    private int Port()
    {
        _server ??= _bench.Ours.Serve(history.CopyOf("kinds", _bench.Folder, "origin.fossil"));
        return _server.Port;
    }
}
