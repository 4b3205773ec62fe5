using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>How assets come in, and what is on the disk afterwards.</summary>
public sealed class IngestTests
{
    private static readonly HttpMethod Post = HttpMethod.Post;

    [Test]
    public async Task A_form_becomes_a_file_with_a_row_and_attributes()
    {
        await using var can = await CanTestService.StartAsync();

        var stored = (await can.IngestAsync(
            "hello"u8.ToArray(), "folder/note.txt", ("human_readable_path", "/docs/"), ("application", "app"),
            ("user", "ann"), ("tags", "b, a"), ("description", "größe"))).Data();

        var (hash, timestamp) = (stored.GetProperty("hash").GetString()!, stored.GetProperty("timestamp").GetInt64());
        Assert.Equal(AssetHash.Of(timestamp, "hello"u8).ToString(), hash);
        Assert.Equal($"{timestamp}_{hash}_b_a.txt", stored.GetProperty("filename").GetString());
        Assert.Equal("hello", await File.ReadAllTextAsync(
            Path.Combine(can.Root, stored.GetProperty("filename").GetString()!)));
        var meta = (await can.GetAsync($"{CanTestService.Prefix}/asset/{hash}/meta")).Data();
        Assert.Equal(
            $"{{\"hash\":\"{hash}\",\"timestamp\":{timestamp},\"mime_type\":\"text/plain\",\"size\":5,"
            + "\"application\":\"app\",\"user\":\"ann\",\"tags\":[\"b\",\"a\"],\"description\":\"gr\\u00F6\\u00DFe\","
            + "\"human_filename\":\"note.txt\",\"human_path\":\"/docs/\",\"is_trashed\":false,\"is_corrupted\":false}",
            meta.GetRawText());
        Assert.DoesNotContain(Directory.GetFiles(can.Root), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Test]
    public async Task JSON_is_stored_compactly()
    {
        await using var can = await CanTestService.StartAsync();

        var stored = (await can.SendAsync(
            Post, CanTestService.Prefix + "/ingest/data",
            CanTestService.Json("{ \"data\" : { \"t\" : 20.50, \"n\": \"é<\" }, \"tags\": \"iot,sensor\" }"))).Data();
        var reply = await can.GetAsync($"{CanTestService.Prefix}/asset/{stored.GetProperty("hash").GetString()}");

        Assert.Equal("{\"t\":20.50,\"n\":\"é<\"}", reply.Text);
        Assert.Equal("application/json", reply.ContentHeaders.ContentType!.ToString());
        Assert.EndsWith("_iot_sensor.json", stored.GetProperty("filename").GetString(), StringComparison.Ordinal);
    }

    [Test]
    public async Task What_cannot_be_stored_is_refused_and_leaves_nothing()
    {
        await using var can = await CanTestService.StartAsync();
        var ingest = CanTestService.Prefix + "/ingest";

        using var noFile = new MultipartFormDataContent { { new StringContent("x"), "tags" } };
        Assert.Contains("'file'", (await can.SendAsync(Post, ingest, noFile)).Error(400), StringComparison.Ordinal);
        (await can.SendAsync(Post, ingest, CanTestService.Json("{}"))).Error(400);
        (await can.SendAsync(Post, ingest, Form("boundary", "--boundary\r\nContent-Dispo"))).Error(400);
        (await can.SendAsync(Post, ingest, Form("b", Part("b", "file", "x") + "--b--\r\n"))).Data();
        (await can.IngestAsync("x"u8.ToArray(), "a", ("mime_type", "no type"))).Error(400);
        (await can.IngestAsync("x"u8.ToArray(), "a", ("application", new string('x', 2000)))).Error(400);
        (await can.SendAsync(Post, ingest, Form("b", Part("b", "file", "x") + Part("b", "file", "y") + "--b--\r\n")))
            .Error(400);
        (await can.SendAsync(Post, ingest + "/data", CanTestService.Json("{\"tags\":\"x\"}"))).Error(400);
        (await can.SendAsync(Post, ingest + "/data", CanTestService.Json("{\"data\":"))).Error(400);
        (await can.SendAsync(Post, ingest + "/data", CanTestService.Json("{\"data\":1,\"tags\":[1]}"))).Error(400);
        (await can.SendAsync(Post, "/api/v1/can/1/ingest", Form("b", Part("b", "file", "x") + "--b--\r\n")))
            .Error(400);

        Assert.Equal(1, (await can.GetAsync(CanTestService.Prefix + "/list")).Data()
            .GetProperty("pagination").GetProperty("total").GetInt32());
        Assert.Single(Directory.GetFiles(can.Root), f => AssetFileName.TryParse(Path.GetFileName(f), out _));
        Assert.DoesNotContain(Directory.GetFiles(can.Root), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    /// <summary>The form is cut at every byte, and the rest comes later.</summary>
    [Test]
    public async Task A_form_may_come_in_any_pieces()
    {
        await using var can = await CanTestService.StartAsync();
        var body = Encoding.ASCII.GetBytes(Part("b", "tags", "x,y") + Part("b", "file", "\r\n--") + "--b--\r\n");

        for (var cut = 1; cut < body.Length; cut++)
        {
            using var content = new PiecesContent([body[..cut], body[cut..]]);
            content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
            var stored = (await can.SendAsync(Post, CanTestService.Prefix + "/ingest", content)).Data();
            Assert.Equal(4, stored.GetProperty("size").GetInt32());
        }
    }

    [Test]
    public async Task An_upload_that_breaks_off_leaves_nothing()
    {
        await using var can = await CanTestService.StartAsync();
        var uri = new Uri(can.Url("/"));
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(uri.Host, uri.Port, CanTestService.Cancellation);
            var head = $"POST {CanTestService.Prefix}/ingest HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhello";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), CanTestService.Cancellation);
            await Patience.UntilAsync(() => Uploads(can) == 1, TimeSpan.FromSeconds(20), () => "no upload has begun");
        }

        await Patience.UntilAsync(
            () => Uploads(can) == 0, TimeSpan.FromSeconds(20), () => "the upload is still there");
        Assert.Equal(0, can.Store.Counts().Assets);
    }

    [Test]
    public async Task The_reserve_of_the_disk_is_not_given_away()
    {
        await using var can = await CanTestService.StartAsync(s => s with { DiskReserveMb = 1 << 20 });

        Assert.Contains("reserve", (await can.IngestAsync([1], "a")).Error(507), StringComparison.Ordinal);
        Assert.Equal(503, (await can.GetAsync("/readyz")).Status);
        Assert.Equal(0, Uploads(can));
    }

    [Test]
    public async Task Names_are_names_and_never_paths()
    {
        await using var can = await CanTestService.StartAsync();

        var stored = (await can.IngestAsync(
            [1], "x", ("human_file_name", "../../evil.sh"), ("tags", "../..,\0"), ("human_readable_path", "/../")))
            .Data();
        var name = stored.GetProperty("filename").GetString()!;

        Assert.DoesNotContain('/', name);
        Assert.True(File.Exists(Path.Combine(can.Root, name)));
        var reply = await can.GetAsync($"{CanTestService.Prefix}/asset/{stored.GetProperty("hash").GetString()}");
        Assert.Equal("inline; filename=evil.sh; filename*=UTF-8''evil.sh", reply.ContentHeaders.GetValues(
            "Content-Disposition").Single().Replace("\"", "", StringComparison.Ordinal));
    }

    [Test]
    public async Task Many_at_once_are_all_stored()
    {
        await using var can = await CanTestService.StartAsync();

        var hashes = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => can.PutAsync($"content {i}")));

        Assert.Equal(200, hashes.Distinct().Count());
        Assert.Equal(200, can.Store.Counts().Assets);
        foreach (var hash in hashes.Take(5))
            Assert.Equal(200, (await can.GetAsync($"{CanTestService.Prefix}/asset/{hash}")).Status);
    }

    private static int Uploads(CanTestService can) => Directory.GetFiles(can.Root, ".*.tmp").Length;

    private static string Part(string boundary, string name, string value) =>
        $"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n";

    private static ByteArrayContent Form(string boundary, string body)
    {
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse($"multipart/form-data; boundary={boundary}");
        return content;
    }

    private sealed class PiecesContent(byte[][] pieces) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            foreach (var piece in pieces)
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
