using System.Text.Json;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>What the routes of assets answer.</summary>
public sealed class AssetRoutesTests
{
    private const string Prefix = CanTestService.Prefix;

    private static readonly string NoSuch = new('0', 64);

    [Test]
    public async Task Wrong_keys_in_headers_are_slowed_down_and_those_without_a_key_are_not()
    {
        await using var service = await CanTestService.StartAsync(s => s with { ApiKey = "right" });
        var statuses = new List<int>();
        for (var i = 0; i < 12; i++)
        {
            var header = i % 2 == 0
                ? CanTestService.Bearer("wrong") : ("Authorization", "Basic " + Convert.ToBase64String("a:no"u8));
            statuses.Add((await service.GetAsync(CanTestService.Prefix + "/list", header)).Status);
        }

        Assert.Equal(Enumerable.Repeat(401, 10), statuses.Take(10));
        Assert.Equal(429, statuses[11]);
        Assert.Equal(
            429, (await service.GetAsync(CanTestService.Prefix + "/list", CanTestService.Bearer("right"))).Status);
        Assert.Equal(401, (await service.GetAsync(CanTestService.Prefix + "/list")).Status);
    }

    [Test]
    public async Task Wrong_admin_tokens_count_where_no_key_is_needed()
    {
        await using var can = await CanTestService.StartAsync();
        var statuses = new List<int>();
        for (var i = 0; i < 6; i++)
        {
            // One request is one try, however often it is asked what it may do.
            statuses.Add((await can.SendAsync(
                HttpMethod.Post, Prefix + "/admin/rebuild", null, CanTestService.Bearer("no"))).Status);
            await can.GetAsync("/peers", CanTestService.Bearer("no"));
        }

        Assert.Equal([401, 401, 401, 401, 401, 429], statuses);
        var right = await can.SendAsync(
            HttpMethod.Post, Prefix + "/admin/rebuild", null, CanTestService.Bearer(CanTestService.Token));
        Assert.Contains("too many wrong keys", right.Error(429), StringComparison.Ordinal);
        Assert.True(right.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        // What needs no key is there, also for clients that send another one, and so is the mirror.
        (await can.GetAsync(Prefix + "/list", CanTestService.Bearer("no"))).Data();
        Assert.Equal(200, (await can.SendAsync(
            HttpMethod.Post, "/sync/hashes", null, ("X-Sync-Key", CanTestService.Key))).Status);
    }

    [Test]
    public async Task The_api_key_does_not_help_to_guess_the_admin_token()
    {
        await using var can = await CanTestService.StartAsync(s => s with { ApiKey = "right" });
        var statuses = new List<int>();
        for (var i = 0; i < 12; i++)
        {
            statuses.Add((await can.GetAsync(Prefix + "/list", CanTestService.Bearer("right"))).Status);
            statuses.Add((await can.GetAsync(Prefix + "/admin/verify", CanTestService.Bearer($"{i}"))).Status);
        }

        Assert.Equal(10, statuses.Count(s => s == 401));
        Assert.Equal([200, 401, 429, 429], [.. statuses[18..20], .. statuses[^2..]]);
    }

    [Test]
    public async Task The_login_of_a_proxy_is_no_key()
    {
        await using var can = await CanTestService.StartAsync();
        var proxy = ("Authorization", "Basic " + Convert.ToBase64String("a:no"u8));
        for (var i = 0; i < 12; i++) Assert.Equal(200, (await can.GetAsync("/peers", proxy)).Status);

        (await can.GetAsync(Prefix + "/admin/verify", CanTestService.Bearer(CanTestService.Token))).Data();
    }

    [Test]
    public async Task A_download_has_ranges_conditions_and_a_head()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("0123456789", "ä.txt");
        var path = $"{Prefix}/asset/{hash}";

        var whole = await can.GetAsync(path);
        Assert.Equal("0123456789", whole.Text);
        Assert.Equal($"\"{hash}\"", whole.Headers.ETag!.Tag);
        Assert.Equal("bytes", whole.Headers.AcceptRanges.Single());
        Assert.Equal("nosniff", whole.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains(
            "sandbox", whole.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Contains("filename*=UTF-8''%C3%A4.txt", whole.ContentHeaders.GetValues("Content-Disposition").Single(),
            StringComparison.Ordinal);

        var head = await can.SendAsync(HttpMethod.Head, path);
        Assert.Equal((200, 10L, 0), (head.Status, head.ContentHeaders.ContentLength!.Value, head.Body.Length));
        await RangeAsync(can, path, "bytes=2-4", 206, "234", "bytes 2-4/10");
        await RangeAsync(can, path, "bytes=-3", 206, "789", "bytes 7-9/10");
        await RangeAsync(can, path, "bytes=8-", 206, "89", "bytes 8-9/10");
        await RangeAsync(can, path, "bytes=20-", 416, "", "bytes */10");
        Assert.Equal(304, (await can.GetAsync(path, ("If-None-Match", $"\"{hash}\""))).Status);
        Assert.Equal(412, (await can.GetAsync(path, ("If-Match", "\"other\""))).Status);
        Assert.Equal(200, (await can.GetAsync(path, ("Range", "bytes=1-2"), ("If-Range", "\"other\""))).Status);
    }

    [Test]
    public async Task What_is_not_there_is_not_found()
    {
        await using var can = await CanTestService.StartAsync();

        (await can.GetAsync($"{Prefix}/asset/{NoSuch}")).Error(404);
        (await can.GetAsync($"{Prefix}/asset/{NoSuch}/meta")).Error(404);
        (await can.GetAsync($"{Prefix}/asset/{NoSuch}/thumb/10/10")).Error(404);
        (await can.SendAsync(HttpMethod.Patch, $"{Prefix}/asset/{NoSuch}/meta", CanTestService.Json("{}"))).Error(404);
        (await can.SendAsync(HttpMethod.Delete, $"{Prefix}/asset/{NoSuch}")).Error(404);
        (await can.SendAsync(HttpMethod.Post, $"{Prefix}/asset/{NoSuch}/restore")).Error(404);
        (await can.GetAsync($"{Prefix}/asset/../etc/passwd")).Error(404);
        (await can.GetAsync($"{Prefix}/asset/xyz")).Error(400);
        (await can.GetAsync("/api/v1/can/1/list")).Error(400);
        (await can.GetAsync("/nothing")).Error(404);
        Assert.Equal(405, (await can.SendAsync(HttpMethod.Put, $"{Prefix}/list")).Status);
    }

    [Test]
    public async Task Details_can_be_changed_and_stay_the_same_asset()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("x", "a.txt", ("tags", "old"), ("user", "ann"));
        var path = $"{Prefix}/asset/{hash}/meta";

        var changed = (await can.SendAsync(
            HttpMethod.Patch, path,
            CanTestService.Json(
                "{\"tags\":[\"new\",\"two\"],\"description\":\"d\",\"user\":null,\"mime_type\":\"x/y\"}")))
            .Data();

        Assert.Equal("[\"new\",\"two\"]", changed.GetProperty("tags").GetRawText());
        Assert.Equal("d", changed.GetProperty("description").GetString());
        Assert.Equal(JsonValueKind.Null, changed.GetProperty("user").ValueKind);
        Assert.Equal("text/plain", changed.GetProperty("mime_type").GetString());
        Assert.Equal(1, Total(await can.GetAsync(Prefix + "/search?tags=new")));
        Assert.Equal(0, Total(await can.GetAsync(Prefix + "/search?tags=old")));
        (await can.SendAsync(HttpMethod.Patch, path, CanTestService.Json("{\"user\":1}"))).Error(400);
        (await can.SendAsync(HttpMethod.Patch, path, CanTestService.Json("[]"))).Error(400);
    }

    [Test]
    public async Task The_trash_keeps_an_asset_until_it_is_restored_or_deleted()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await can.PutAsync("x");
        var path = $"{Prefix}/asset/{hash}";

        for (var twice = 0; twice < 2; twice++)
            Assert.True((await can.SendAsync(HttpMethod.Delete, path)).Data().GetProperty("is_trashed").GetBoolean());
        (await can.GetAsync(path)).Error(404);
        Assert.Single(Directory.GetFiles(Path.Combine(can.Root, ".trash")));
        Assert.Equal((0, 1, 1), (
            Total(await can.GetAsync(Prefix + "/list")),
            Total(await can.GetAsync(Prefix + "/list?include_trashed=true")),
            Total(await can.GetAsync(Prefix + "/list?trashed=true"))));

        var restored = (await can.SendAsync(HttpMethod.Post, path + "/restore")).Data();
        Assert.False(restored.GetProperty("is_trashed").GetBoolean());
        (await can.SendAsync(HttpMethod.Post, path + "/restore")).Error(404);
        Assert.Equal("x", (await can.GetAsync(path)).Text);

        (await can.SendAsync(HttpMethod.Delete, path + "?permanent=true")).Error(401);
        (await can.SendAsync(HttpMethod.Delete, path + "?permanent=true", null, CanTestService.Bearer("x"))).Error(401);
        (await can.SendAsync(
            HttpMethod.Delete, path + "?permanent=true", null, CanTestService.Bearer(CanTestService.Token))).Data();
        (await can.GetAsync(path + "/meta")).Error(404);
        Assert.Empty(Directory.GetFiles(Path.Combine(can.Root, ".trash")));
    }

    [Test]
    public async Task Without_a_token_in_the_settings_administration_is_disabled()
    {
        await using var can = await CanTestService.StartAsync(s => s with { AdminToken = null });

        (await can.SendAsync(HttpMethod.Post, Prefix + "/admin/rebuild", null, CanTestService.Bearer("x"))).Error(403);
        (await can.SendAsync(HttpMethod.Delete, $"{Prefix}/asset/{NoSuch}?permanent=true")).Error(403);
    }

    [Test]
    public async Task Filters_and_words_find_assets()
    {
        await using var can = await CanTestService.StartAsync();
        await can.PutAsync("1", "Invoice-2026.pdf", ("tags", "paper,work"), ("application", "scan"), ("user", "ann"));
        await can.PutAsync("2", "beach.jpg", ("tags", "vacation,paper"), ("description", "Sunset at the Ostsee"));
        var third = await can.PutAsync("3", "notes.txt", ("human_readable_path", "/docs/2026/"));

        foreach (var (query, count) in new (string, int)[]
        {
            ("q=invoice", 1), ("q=OSTsee", 1), ("q=vacat", 1), ("q=paper", 2), ("q=paper%20sunset", 1),
            ("q=docs/20", 1), ("q=st", 1), ("q=zz", 0), ("q=%22", 0), ("q=2026", 2), ("tags=paper", 2),
            ("tags=paper,work", 1),
            ("tags=pap", 0), ("application=scan", 1), ("user=ann", 1), ("mime_type=image/", 1),
            ("human_path=/docs/", 1), ("human_path=/doc%25", 0), ($"hash={third}", 1), ($"hash={third[..12]}", 1),
            ("end_time=1", 0),
            ("start_time=1", 3), ("limit=1", 3), ("limit=1&offset=5", 3),
        })
        {
            Assert.True(count == Total(await can.GetAsync($"{Prefix}/search?{query}")), query);
        }

        (await can.GetAsync(Prefix + "/search?limit=0")).Error(400);
    }

    [Test]
    public async Task Pages_stay_exact_while_assets_arrive()
    {
        await using var can = await CanTestService.StartAsync();
        var known = new HashSet<string>();
        for (var i = 0; i < 25; i++) known.Add(await can.PutAsync($"{i}"));

        foreach (var order in new[] { "asc", "desc" })
        {
            var (seen, cursor) = (new List<string>(), "");
            do
            {
                var page = (await can.GetAsync(
                    $"{Prefix}/list?limit=4&order={order}{(cursor.Length > 0 ? "&cursor=" + cursor : "")}")).Data();
                seen.AddRange(
                    page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("hash").GetString()!));
                cursor = page.GetProperty("pagination").GetProperty("next").GetString() ?? "";
                await can.PutAsync($"late {order} {cursor}");
            }
            while (cursor.Length > 0 && seen.Count < 100);

            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.Subset(seen.ToHashSet(), known);
        }
    }

    [Test]
    public async Task A_page_of_another_site_can_neither_change_nor_read_assets()
    {
        await using var can = await CanTestService.StartAsync();

        (await can.SendAsync(HttpMethod.Post, Prefix + "/ingest/data", CanTestService.Json("{\"data\":1}"),
            ("Origin", "http://evil.example"))).Error(403);
        (await can.GetAsync(Prefix + "/list", ("Host", "evil.example"))).Error(403);
        (await can.SendAsync(HttpMethod.Post, Prefix + "/ingest/data", CanTestService.Json("{\"data\":1}"),
            ("Origin", can.Url("")))).Data();
    }

    [Test]
    public async Task A_second_service_on_the_folder_is_refused()
    {
        await using var can = await CanTestService.StartAsync();

        var refusal = await Assert.ThrowsAsync<EdgeSync.Primitives.EdgeSyncException>(
            () => CanTestService.StartAsync(s => s with { StorageRoot = can.Root }));

        Assert.Contains("in use by another process", refusal.Message, StringComparison.Ordinal);
    }

    [Test]
    public async Task Operators_have_their_pages()
    {
        await using var can = await CanTestService.StartAsync();
        await can.PutAsync("12345");

        Assert.Equal("{\"status\":\"ok\"}\n", (await can.GetAsync("/healthz")).Text);
        Assert.Equal("ready\n", (await can.GetAsync("/readyz")).Text);
        Assert.Equal(5, (await can.GetAsync("/status")).Data().GetProperty("bytes").GetInt64());
        var metrics = (await can.GetAsync("/metrics")).Text;
        Assert.Contains("\nedgesync_can_assets 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("edgesync_can_ingested_total", metrics, StringComparison.Ordinal);
        (await can.GetAsync("/status", ("X-Forwarded-For", "10.0.0.1"))).Error(403);
    }

    private static int Total(Reply reply) =>
        reply.Data().GetProperty("pagination").GetProperty("total").GetInt32();

    private static async Task RangeAsync(
        CanTestService can, string path, string range, int status, string text, string contentRange)
    {
        var reply = await can.GetAsync(path, ("Range", range));

        Assert.Equal((status, contentRange), (reply.Status, reply.ContentHeaders.ContentRange!.ToString()));
        if (status == 206) Assert.Equal(text, reply.Text);
    }
}
