using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>What the pages of a store answer, to whom.</summary>
public sealed partial class CanPageTests
{
    private const string ApiKey = "api-key";
    private const string Hostile = "<script>ran=1</script>\"'><img src=x onerror=ran=1>\u202egnp.exe";

    [Test]
    public async Task The_grid_shows_what_fits_its_filters_page_by_page()
    {
        await using var can = await CanTestService.StartAsync();
        for (var i = 0; i < 130; i++) await can.PutAsync($"{i}", $"n{i}.txt", ("tags", i % 2 == 0 ? "even" : "odd"));

        var seen = new List<string>();
        for (string? path = "/?tags=even"; path is not null;)
        {
            var page = await PageAsync(can, path);
            Assert.Contains("65 assets found", page, StringComparison.Ordinal);
            seen.AddRange(Cards().Matches(page).Select(m => m.Groups[1].Value));
            // One that arrives meanwhile neither moves nor repeats what follows.
            await can.PutAsync($"late {seen.Count}", "late.txt", ("tags", "other"));
            path = More().Match(page) is { Success: true } more ? WebUtility.HtmlDecode(more.Groups[1].Value) : null;
        }

        Assert.Equal((65, 65), (seen.Count, seen.Distinct().Count()));
        Assert.Contains("1 asset found", await PageAsync(can, "/?q=n17.t"), StringComparison.Ordinal);
        var two = string.Join(',', seen.Take(2));
        Assert.Equal(2, Cards().Count(await PageAsync(can, "/?only=" + two)));
        Assert.Equal(0, Cards().Count(await PageAsync(can, "/?tags=odd&only=" + two)));
        Assert.Equal(400, (await can.GetAsync("/?only=x")).Status);
        Assert.Equal(400, (await can.GetAsync("/?cursor=x")).Status);
    }

    [Test]
    public async Task Names_of_others_are_text()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync(
            Hostile, "a.txt", ("human_file_name", Hostile),
            ("tags", Hostile.Replace(",", "", StringComparison.Ordinal)),
            ("description", Hostile), ("human_readable_path", Hostile), ("application", Hostile), ("user", Hostile));

        foreach (var path in (string[])["/", "/asset/" + hash, "/?q=" + Uri.EscapeDataString(Hostile),
            "/?tags=" + Uri.EscapeDataString(Hostile), "/?folder=" + Uri.EscapeDataString(Hostile)])
        {
            var reply = await can.GetAsync(path);
            Assert.Equal(200, reply.Status);
            Assert.DoesNotContain("<script>", reply.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("<img src=x", reply.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"'>", reply.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("style=", reply.Text, StringComparison.Ordinal);
            var policy = reply.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        }
    }

    [Test]
    public async Task Forms_store_edit_trash_restore_and_delete()
    {
        await using var can = await CanTestService.StartAsync();
        var token = TokenOf(await PageAsync(can, "/"));
        var stored = await UploadAsync(can, token, "hello");
        Assert.Equal(303, stored.Status);
        var path = stored.Headers.Location!.OriginalString;
        var hash = path["/asset/".Length..];
        Assert.Contains("hello", await PageAsync(can, path), StringComparison.Ordinal);

        Assert.Equal(303, (await FormAsync(
            can, "edit", ("csrf", token), ("hash", hash), ("human_filename", "b.txt"), ("tags", "x, y"),
            ("description", "one\r\ntwo"))).Status);
        Assert.Contains("value=\"b.txt\"", await PageAsync(can, path), StringComparison.Ordinal);
        Assert.Equal(1, Cards().Count(await PageAsync(can, "/?tags=y")));
        Assert.Contains(
            ">\none\ntwo</textarea>", WebUtility.HtmlDecode(await PageAsync(can, path)), StringComparison.Ordinal);

        Assert.Equal("/?tags=x", (await FormAsync(
            can, "trash", ("csrf", token), ("hash", hash), ("back", "/?tags=x"))).Headers.Location!.OriginalString);
        Assert.Equal(0, Cards().Count(await PageAsync(can, "/")));
        Assert.Equal(1, Cards().Count(await PageAsync(can, "/?trashed=1")));
        Assert.Equal("/", (await FormAsync(
            can, "restore", ("csrf", token), ("hash", hash), ("back", "//evil.example"))).Headers.Location!
            .OriginalString);
        Assert.Equal(1, Cards().Count(await PageAsync(can, "/")));

        // Only with the admin token, and the tick.
        Assert.Equal(403, (await FormAsync(
            can, "delete", ("csrf", token), ("hash", hash), ("confirmed", "yes"))).Status);
        var cookie = await LoginAsync(can, CanTestService.Token);
        var ofSession = TokenOf((await can.GetAsync(path, ("Cookie", cookie))).Text);
        Assert.NotEqual(token, ofSession);
        Assert.Equal(400, (await FormAsync(can, cookie, "delete", ("csrf", ofSession), ("hash", hash))).Status);
        Assert.Equal(303, (await FormAsync(
            can, cookie, "delete", ("csrf", ofSession), ("hash", hash), ("confirmed", "yes"))).Status);
        Assert.Equal(404, (await can.GetAsync(path)).Status);
    }

    [Test]
    public async Task A_form_without_its_token_or_of_another_site_changes_nothing()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("x");
        var token = TokenOf(await PageAsync(can, "/"));

        foreach (var (csrf, origin, host) in new (string, string?, string?)[]
        {
            ("", null, null), ("0123", null, null), (token, "https://evil.example", null),
            (token, null, "evil.example"), (token, "null", null),
        })
        {
            var headers = new List<(string, string)>();
            if (origin is not null) headers.Add(("Origin", origin));
            if (host is not null) headers.Add(("Host", host));
            foreach (var action in (string[])["trash", "edit", "restore", "delete", "mirror", "logout"])
            {
                var reply = await can.SendAsync(
                    HttpMethod.Post, "/page/" + action, Form(("csrf", csrf), ("hash", hash)), [.. headers]);
                Assert.Equal(403, reply.Status);
            }

            Assert.Equal(403, (await UploadAsync(can, csrf, "stored?", [.. headers])).Status);
        }

        Assert.Equal(1, can.Store.Counts().Assets);
        Assert.Equal(0, can.Store.Counts().Trashed);
        Assert.Empty(Directory.GetFiles(can.Root, ".*.tmp"));
        var read = await can.GetAsync("/", ("Origin", "https://evil.example"));
        Assert.False(read.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal("same-site", read.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
        Assert.Equal(403, (await can.GetAsync("/", ("Host", "evil.example"))).Status);
    }

    [Test]
    public async Task With_a_key_in_the_settings_everything_asks_for_it()
    {
        await using var can = await CanTestService.StartAsync(s => s with { ApiKey = ApiKey });
        can.Http.DefaultRequestHeaders.Clear();
        var prefix = CanTestService.Prefix;
        var hash = (await can.SendAsync(
            HttpMethod.Post, prefix + "/ingest/data", CanTestService.Json("""{"data":1}"""),
            CanTestService.Bearer(ApiKey))).Data().GetProperty("hash").GetString()!;

        foreach (var path in (string[])["/list", "/search", "/events", $"/asset/{hash}", $"/asset/{hash}/meta"])
        {
            (await can.GetAsync(prefix + path)).Error(401);
            (await can.GetAsync(prefix + path, CanTestService.Bearer("x"))).Error(401);
        }

        (await can.SendAsync(HttpMethod.Delete, $"{prefix}/asset/{hash}")).Error(401);
        (await can.IngestAsync([1], "a")).Error(401);
        (await can.GetAsync(prefix + "/list", CanTestService.Bearer(ApiKey))).Data();
        (await can.GetAsync(prefix + "/list", CanTestService.Bearer(CanTestService.Token))).Data();
        Assert.Equal(200, (await can.GetAsync("/healthz")).Status);

        Assert.Contains("type=\"password\"", await PageAsync(can, "/?q=x"), StringComparison.Ordinal);
        Assert.Equal(401, (await FormAsync(can, "login", ("key", "x"))).Status);
        var cookie = await LoginAsync(can, ApiKey);
        var page = await can.GetAsync("/", ("Cookie", cookie));
        Assert.Equal(1, Cards().Count(page.Text));
        (await can.GetAsync(prefix + "/list", ("Cookie", cookie))).Data();

        // A cookie is sent by any page: it reads, and changes with the token alone.
        (await can.SendAsync(HttpMethod.Delete, $"{prefix}/asset/{hash}", null, ("Cookie", cookie))).Error(401);
        Assert.Equal(403, (await FormAsync(can, cookie, "trash", ("csrf", "x"), ("hash", hash))).Status);
        var token = TokenOf(page.Text);
        Assert.Equal(303, (await FormAsync(can, cookie, "trash", ("csrf", token), ("hash", hash))).Status);
        Assert.Equal(403, (await FormAsync(
            can, cookie, "delete", ("csrf", token), ("hash", hash), ("confirmed", "yes"))).Status);
        Assert.Contains("type=\"password\"", (await can.GetAsync(
            "/", ("Cookie", cookie.Replace("=1.", "=2.", StringComparison.Ordinal)))).Text, StringComparison.Ordinal);
    }

    [Test]
    public async Task Wrong_keys_are_slowed_down()
    {
        await using var can = await CanTestService.StartAsync(s => s with { ApiKey = ApiKey });

        var replies = new List<int>();
        for (var i = 0; i < 12; i++) replies.Add((await FormAsync(can, "login", ("key", $"{i}"))).Status);

        Assert.Equal(401, replies[0]);
        Assert.Equal(429, replies[^1]);
    }

    [Test]
    public async Task Style_and_script_come_compressed_and_once()
    {
        await using var can = await CanTestService.StartAsync();
        var page = await PageAsync(can, "/");

        foreach (var name in (string[])["can.js", "can.css", "edgesync.css"])
        {
            var path = Regex.Match(page, $"\"(/{Regex.Escape(name)}\\?v=[0-9a-f]+)\"").Groups[1].Value;
            var reply = await can.GetAsync(path, ("Accept-Encoding", "gzip"));
            Assert.Equal("gzip", reply.ContentHeaders.ContentEncoding.Single());
            Assert.Equal(304, (await can.GetAsync(path, ("If-None-Match", reply.Headers.ETag!.Tag))).Status);
        }

        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
    }

    [Test]
    public async Task The_page_of_the_mirror_shows_stores_and_decides()
    {
        await using var can = await CanTestService.StartAsync();
        Assert.Contains("takes part in no mirror", await PageAsync(can, "/peers"), StringComparison.Ordinal);
    }

    private static async Task<string> PageAsync(CanTestService can, string path)
    {
        var reply = await can.GetAsync(path);
        Assert.True(reply.Status == 200, $"{path}: {reply.Status} {reply.Text}");
        return reply.Text;
    }

    private static string TokenOf(string page) => Regex.Match(page, "data-csrf=\"([0-9a-f]{64})\"").Groups[1].Value;

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));

    private static Task<Reply> FormAsync(
        CanTestService can, string action, params (string Name, string Value)[] fields) =>
        SendAsync(can, HttpMethod.Post, "/page/" + action, Form(fields));

    private static Task<Reply> FormAsync(
        CanTestService can, string cookie, string action, params (string Name, string Value)[] fields) =>
        SendAsync(can, HttpMethod.Post, "/page/" + action, Form(fields), ("Cookie", cookie));

    private static Task<Reply> UploadAsync(
        CanTestService can, string token, string text, params (string Name, string Value)[] headers)
    {
        var form = new MultipartFormDataContent
        {
            { new StringContent(token), "csrf" },
            { new StringContent("a,b"), "tags" },
            { new ByteArrayContent(Encoding.UTF8.GetBytes(text)), "file", "a.txt" },
        };
        return SendAsync(can, HttpMethod.Post, "/page/upload", form, headers);
    }

    private static async Task<string> LoginAsync(CanTestService can, string key)
    {
        var reply = await FormAsync(can, "login", ("key", key), ("next", "/"));
        Assert.Equal(303, reply.Status);
        var cookie = reply.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(key, cookie, StringComparison.Ordinal);
        return cookie.Split(';')[0];
    }

    // Without following what a form answers.
    private static async Task<Reply> SendAsync(
        CanTestService can, HttpMethod method, string path, HttpContent content,
        params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var request = new HttpRequestMessage(method, can.Url(path)) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request, CanTestService.Cancellation);
        return new Reply(
            (int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(CanTestService.Cancellation),
            response.Headers, response.Content.Headers);
    }

    [GeneratedRegex("data-hash=\"([0-9a-f]{64})\"")]
    private static partial Regex Cards();

    [GeneratedRegex("id=\"more\" rel=\"next\" href=\"([^\"]+)\"")]
    private static partial Regex More();
}
