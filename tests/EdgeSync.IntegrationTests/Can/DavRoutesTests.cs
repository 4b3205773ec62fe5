using System.Text;
using System.Xml.Linq;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>The tree of a store over WebDAV.</summary>
public sealed class DavRoutesTests
{
    private static readonly XNamespace D = "DAV:";

    [Test]
    public async Task The_tree_shows_assets_by_application_month_and_tag()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("0123456789", "a b&ä.txt", ("application", "scan"), ("tags", "x/y,z"));
        var meta = (await can.GetAsync($"{CanTestService.Prefix}/asset/{hash}/meta")).Data();
        var month = DateTimeOffset.FromUnixTimeMilliseconds(meta.GetProperty("timestamp").GetInt64());

        Assert.Equal(
            ["/dav/", "/dav/APPLICATION/", "/dav/CAN/", "/dav/DATES/", "/dav/TAGS/"], await ListAsync(can, "/dav/"));
        Assert.Equal(["/dav/APPLICATION/", "/dav/APPLICATION/scan/"], await ListAsync(can, "/dav/APPLICATION/"));
        Assert.Equal(["/dav/TAGS/", "/dav/TAGS/x%EF%BC%8Fy/", "/dav/TAGS/z/"], await ListAsync(can, "/dav/TAGS/"));
        Assert.Equal(["/dav/DATES/", $"/dav/DATES/{month:yyyy}/"], await ListAsync(can, "/dav/DATES/"));
        Assert.Equal(
            [$"/dav/DATES/{month:yyyy}/", $"/dav/DATES/{month:yyyy}/{month:MM}/"],
            await ListAsync(can, $"/dav/DATES/{month:yyyy}/"));
        foreach (var folder in (string[])["/dav/APPLICATION/scan/", "/dav/TAGS/x%EF%BC%8Fy/", "/dav/TAGS/z/",
            $"/dav/DATES/{month:yyyy}/{month:MM}/"])
        {
            var path = (await ListAsync(can, folder)).Single(p => p != folder);
            Assert.Equal(folder + "a%20b%26%C3%A4.txt", path);
            Assert.Equal("234", (await can.GetAsync(path, ("Range", "bytes=2-4"))).Text);
        }

        var raw = (await ListAsync(can, "/dav/CAN/"))[1];
        Assert.Contains(hash, raw, StringComparison.Ordinal);
        var whole = await can.GetAsync(raw);
        Assert.Equal(("0123456789", $"\"{hash}\""), (whole.Text, whole.Headers.ETag!.Tag));
        Assert.Equal(304, (await can.GetAsync(raw, ("If-None-Match", $"\"{hash}\""))).Status);
        Assert.Equal(404, (await can.GetAsync("/dav/TAGS/none/")).Status);
        Assert.Equal(405, (await can.GetAsync("/dav/TAGS/")).Status);
        Assert.Equal(404, (await DavAsync(can, "PROPFIND", "/dav/APPLICATION/none/", null, ("Depth", "0"))).Status);
        Assert.Equal(403, (await DavAsync(can, "PROPFIND", "/dav/", null, ("Depth", "infinity"))).Status);
        Assert.Equal(403, (await DavAsync(can, "PROPFIND", "/dav/")).Status);
    }

    [Test]
    public async Task Properties_are_those_that_were_asked_for()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("0123456789", "a.txt", ("application", "x"));
        const string Path = "/dav/APPLICATION/x/a.txt";

        var answer = await DavAsync(
            can, "PROPFIND", Path,
            "<propfind xmlns='DAV:'><prop><getetag/><getcontentlength/><x xmlns='urn:1&amp;'/></prop></propfind>",
            ("Depth", "0"));
        Assert.Equal(207, answer.Status);
        var document = XDocument.Parse(answer.Text);
        var (found, missing) = (
            document.Descendants(D + "propstat").First(), document.Descendants(D + "propstat").Last());
        Assert.Equal($"\"{hash}\"", found.Descendants(D + "getetag").Single().Value);
        Assert.Equal("10", found.Descendants(D + "getcontentlength").Single().Value);
        Assert.Single(missing.Descendants(XName.Get("x", "urn:1&")));
        Assert.Contains("404", missing.Element(D + "status")!.Value, StringComparison.Ordinal);

        Assert.Equal(400, (await DavAsync(
            can, "PROPFIND", Path, "<!DOCTYPE a [<!ENTITY b 'c'>]><propfind xmlns='DAV:'><allprop/></propfind>",
            ("Depth", "0"))).Status);
        Assert.Equal(413, (await DavAsync(can, "PROPFIND", Path, new string(' ', 70_000), ("Depth", "0"))).Status);
        var patched = await DavAsync(
            can, "PROPPATCH", Path,
            "<propertyupdate xmlns='DAV:'><set><prop><x xmlns='u'>1</x></prop></set></propertyupdate>");
        Assert.Contains("403 Forbidden", patched.Text, StringComparison.Ordinal);
    }

    [Test]
    public async Task Names_are_unique_stable_and_harmless()
    {
        await using var can = await CanTestService.StartAsync();
        var names = new[] { "a.txt", "a.txt", "a.txt", "..", "x/../y", "<&>\"\u0001", "\uff0e\uff0e", "%2e%2e", "" };
        var hashes = new List<string>();
        foreach (var name in names)
        {
            var body = $"{{\"data\":{hashes.Count},\"application\":\"../x\",\"human_filename\":\""
                + System.Text.Json.JsonEncodedText.Encode(name) + "\"}";
            var reply = await can.SendAsync(
                HttpMethod.Post, CanTestService.Prefix + "/ingest/data", CanTestService.Json(body));
            hashes.Add(reply.Data().GetProperty("hash").GetString()!);
        }

        var folder = (await ListAsync(can, "/dav/APPLICATION/"))[1];
        var paths = (await ListAsync(can, folder))[1..];
        Assert.Equal(names.Length, paths.Distinct().Count());
        Assert.EndsWith("/a.txt", paths[0], StringComparison.Ordinal);
        Assert.EndsWith($"/a~{hashes[1][..8]}.txt", paths[1], StringComparison.Ordinal);
        for (var i = 0; i < paths.Count; i++)
        {
            Assert.Equal($"{i}", (await can.GetAsync(paths[i])).Text);
            Assert.Equal(4, paths[i].Count(c => c == '/'));
        }

        // The names of the others stay when the first goes.
        await can.SendAsync(HttpMethod.Delete, $"{CanTestService.Prefix}/asset/{hashes[0]}");
        Assert.Equal("1", (await can.GetAsync(paths[1])).Text);
        Assert.Equal("2", (await can.GetAsync(paths[2])).Text);
    }

    [Test]
    public async Task A_long_folder_is_listed_in_pieces_and_once()
    {
        await using var can = await CanTestService.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 520).Select(async i =>
        {
            using var upload = can.Store.BeginUpload();
            upload.Append(Encoding.UTF8.GetBytes($"{i}"));
            await can.Store.StoreAsync(upload, new() { HumanFileName = $"{i % 100}.txt", Application = "many" });
        }));

        var paths = (await ListAsync(can, "/dav/APPLICATION/many/"))[1..];
        Assert.Equal((520, 520), (paths.Count, paths.Distinct().Count()));
        Assert.Equal(100, paths.Count(p => !p.Contains('~', StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_file_that_is_written_becomes_an_asset()
    {
        await using var can = await CanTestService.StartAsync();
        const string Path = "/dav/APPLICATION/notes/a%20b.md";

        var put = await DavAsync(can, "PUT", Path, "one");
        Assert.Equal(201, put.Status);
        var first = put.Headers.ETag!.Tag.Trim('"');
        var meta = (await can.GetAsync($"{CanTestService.Prefix}/asset/{first}/meta")).Data();
        Assert.Equal(("notes", "a b.md", "text/markdown"), (
            meta.GetProperty("application").GetString(), meta.GetProperty("human_filename").GetString(),
            meta.GetProperty("mime_type").GetString()));

        Assert.Equal(412, (await DavAsync(can, "PUT", Path, "two", ("If-None-Match", "*"))).Status);
        Assert.Equal(412, (await DavAsync(can, "PUT", Path, "two", ("If-Match", "\"x\""))).Status);
        Assert.Equal(204, (await DavAsync(can, "PUT", Path, "two", ("If-Match", $"\"{first}\""))).Status);
        Assert.Equal("two", (await can.GetAsync(Path)).Text);
        Assert.True((await can.GetAsync($"{CanTestService.Prefix}/asset/{first}/meta")).Data()
            .GetProperty("is_trashed").GetBoolean());

        Assert.Equal(201, (await DavAsync(
            can, "MOVE", Path, null, ("Destination", "/dav/APPLICATION/other/c.md"))).Status);
        Assert.Equal(201, (await DavAsync(
            can, "COPY", "/dav/APPLICATION/other/c.md", null, ("Destination", can.Url(Path)))).Status);
        Assert.Equal(412, (await DavAsync(
            can, "COPY", "/dav/APPLICATION/other/c.md", null, ("Destination", Path), ("Overwrite", "F"))).Status);
        Assert.Equal(403, (await DavAsync(
            can, "COPY", Path, null, ("Destination", "http://elsewhere/dav/APPLICATION/x/y"))).Status);
        Assert.Equal("two", (await can.GetAsync(Path)).Text);
        Assert.Equal(204, (await DavAsync(can, "DELETE", Path)).Status);
        Assert.Equal(404, (await can.GetAsync(Path)).Status);

        foreach (var (method, path, status) in new[]
        {
            ("PUT", "/dav/CAN/x", 403), ("PUT", "/dav/TAGS/a/x", 403), ("PUT", "/dav/x", 403),
            ("PUT", "/dav/APPLICATION/a/b/c", 403), ("PUT", "/dav/APPLICATION/x", 405), ("MKCOL", "/dav/TAGS/new", 403),
            ("MKCOL", "/dav/APPLICATION/other", 405), ("MKCOL", "/dav/APPLICATION/new", 201),
            ("DELETE", "/dav/APPLICATION/new", 204), ("DELETE", "/dav/APPLICATION/other/", 403),
            ("DELETE", "/dav/CAN/", 403),
            ("DELETE", "/dav/", 403), ("MOVE", "/dav/CAN/", 403), ("PATCH", "/dav/", 405), ("POST", "/dav/", 405),
            ("PUT", "/dav/APPLICATION/x/" + new string('n', 300), 414), ("PUT", "/dav/../etc/passwd", 404),
            ("PUT", "/dav/APPLICATION/x/..%2f..%2fy", 400),
        })
        {
            var reply = await DavAsync(can, method, path, method == "PUT" ? "x" : null);
            Assert.True(status == reply.Status, $"{method} {path}: {reply.Status}, not {status}: {reply.Text}");
        }
    }

    [Test]
    public async Task A_lock_keeps_other_clients_away()
    {
        await using var can = await CanTestService.StartAsync();
        const string Path = "/dav/APPLICATION/x/a.txt";
        const string Info =
            "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>";

        var held = await DavAsync(can, "LOCK", Path, Info, ("Timeout", "Second-60"));
        Assert.Equal(201, held.Status);
        Assert.Contains("Second-60", held.Text, StringComparison.Ordinal);
        var token = held.Headers.GetValues("Lock-Token").Single();
        Assert.Equal(423, (await DavAsync(can, "LOCK", Path, Info)).Status);
        Assert.Equal(423, (await DavAsync(can, "PUT", Path, "x")).Status);
        Assert.Equal(412, (await DavAsync(can, "PUT", Path, "x", ("If", "(<urn:uuid:other>)"))).Status);
        Assert.Equal(201, (await DavAsync(can, "PUT", Path, "x", ("If", $"({token})"))).Status);
        Assert.Equal(200, (await DavAsync(can, "LOCK", Path, null, ("If", $"({token})"))).Status);
        Assert.Contains(token.Trim('<', '>'), (await DavAsync(can, "PROPFIND", Path, null, ("Depth", "0"))).Text,
            StringComparison.Ordinal);
        Assert.Equal(409, (await DavAsync(can, "UNLOCK", Path, null, ("Lock-Token", "<urn:uuid:other>"))).Status);
        Assert.Equal(204, (await DavAsync(can, "UNLOCK", Path, null, ("Lock-Token", token))).Status);
        Assert.Equal(204, (await DavAsync(can, "PUT", Path, "y")).Status);
        Assert.Equal(403, (await DavAsync(can, "LOCK", "/dav/TAGS/x/a", Info)).Status);
        Assert.Equal(400, (await DavAsync(can, "LOCK", Path, "<x/>")).Status);
    }

    [Test]
    public async Task With_a_key_in_the_settings_it_is_the_password()
    {
        await using var can = await CanTestService.StartAsync(s => s with { ApiKey = "key" });
        static (string, string) Basic(string text) =>
            ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text)));

        var asked = await DavAsync(can, "PROPFIND", "/dav/", null, ("Depth", "0"));
        Assert.Equal(401, asked.Status);
        Assert.Equal("Basic", asked.Headers.WwwAuthenticate.Single().Scheme);
        Assert.Equal(401, (await DavAsync(can, "PROPFIND", "/dav/", null, ("Depth", "0"), Basic("a:b"))).Status);
        Assert.Equal(207, (await DavAsync(can, "PROPFIND", "/dav/", null, ("Depth", "0"), Basic("any:key"))).Status);
        Assert.Equal(403, (await DavAsync(
            can, "PUT", "/dav/APPLICATION/x/a", "x", Basic("any:key"), ("Origin", "https://evil.example"))).Status);
        Assert.Equal(201, (await DavAsync(can, "PUT", "/dav/APPLICATION/x/a", "x", Basic("any:key"))).Status);
    }

    private static Task<Reply> DavAsync(
        CanTestService can, string method, string path, string? body = null,
        params (string Name, string Value)[] headers) => can.SendAsync(
            new HttpMethod(method), path,
            body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)), headers);

    private static async Task<List<string>> ListAsync(CanTestService can, string path)
    {
        var reply = await DavAsync(can, "PROPFIND", path, null, ("Depth", "1"));
        Assert.True(reply.Status == 207, $"{path}: {reply.Status} {reply.Text}");
        return [.. XDocument.Parse(reply.Text).Descendants(D + "response").Select(r => r.Element(D + "href")!.Value)];
    }
}
