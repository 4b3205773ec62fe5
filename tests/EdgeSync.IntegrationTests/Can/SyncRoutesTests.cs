using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Node.Can.Agent;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>The routes for sync agents, and the streams of events.</summary>
public sealed class SyncRoutesTests
{
    private static readonly (string, string) Key = ("X-Sync-Key", CanTestService.Key);

    [Test]
    public async Task The_key_is_needed_and_without_one_sync_is_disabled()
    {
        await using var can = await CanTestService.StartAsync();
        await using var without = await CanTestService.StartAsync(s => s with { SyncApiKey = null });

        foreach (var path in new[] { "/sync/hashes", "/sync/pull", "/sync/push", "/sync/meta" })
        {
            Assert.Equal(401, (await can.SendAsync(HttpMethod.Post, path)).Status);
            Assert.Equal(401, (await can.SendAsync(HttpMethod.Post, path, null, ("X-Sync-Key", "x"))).Status);
            Assert.Equal(403, (await without.SendAsync(HttpMethod.Post, path, null, Key)).Status);
        }

        Assert.Equal(401, (await can.GetAsync("/sync/events?key=x")).Status);
        Assert.Equal(403, (await without.GetAsync("/sync/events?key=" + CanTestService.Key)).Status);
    }

    [Test]
    public async Task Wrong_keys_are_slowed_down_in_the_header_and_as_the_parameter()
    {
        await using var can = await CanTestService.StartAsync();
        var statuses = new List<int>();
        for (var i = 0; i < 11; i++)
        {
            statuses.Add(i % 2 == 0
                ? (await can.SendAsync(HttpMethod.Post, "/sync/hashes", null, ("X-Sync-Key", $"{i}"))).Status
                : (await can.GetAsync($"/sync/events?key={i}")).Status);
        }

        Assert.Equal([.. Enumerable.Repeat(401, 10), 429], statuses);
        // An agent with the right key takes it as a service that is away, and asks again.
        var right = await can.SendAsync(HttpMethod.Post, "/sync/hashes", null, Key);
        Assert.Equal(429, right.Status);
        Assert.True(right.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        using var agent = new ServiceClient(can.Url(""), CanTestService.Key, TimeProvider.System, NullLogger.Instance);
        var away = await Assert.ThrowsAsync<EdgeSyncException>(() => agent.ProbeAsync(CanTestService.Cancellation));
        Assert.Equal(ErrorKind.Unavailable, away.Kind);
        Assert.Equal(401, (await can.SendAsync(HttpMethod.Post, "/sync/hashes")).Status);
        (await can.GetAsync(CanTestService.Prefix + "/admin/verify", CanTestService.Bearer(CanTestService.Token)))
            .Data();
    }

    [Test]
    public async Task The_right_key_forgives_what_was_mistyped()
    {
        await using var can = await CanTestService.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(401, (await can.SendAsync(HttpMethod.Post, "/sync/hashes", null, ("X-Sync-Key", "x"))).Status);
            Assert.Equal(200, (await can.SendAsync(HttpMethod.Post, "/sync/hashes", null, Key)).Status);
        }
    }

    [Test]
    public async Task An_asset_goes_from_one_store_into_another_with_all_that_is_known()
    {
        await using var from = await CanTestService.StartAsync();
        await using var to = await CanTestService.StartAsync();
        var hash = await from.PutAsync("hello", "a.txt", ("tags", "x,y"), ("description", "d"), ("application", "app"));

        Assert.True(AssetDigest.TryParseAll(
            (await from.SendAsync(HttpMethod.Post, "/sync/hashes", null, Key)).Body, out var digests));
        Assert.Equal(hash, digests.Single().Hash.ToString());
        var pulled = await from.SendAsync(HttpMethod.Post, "/sync/pull", Pull(hash, new string('0', 64)), Key);
        var pushed = await to.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent(pulled.Body), Key);
        var again = await to.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent(pulled.Body), Key);

        Assert.Equal("application/x-protobuf", pulled.ContentHeaders.ContentType!.ToString());
        Assert.Equal(Convert.ToHexString(SyncReplies.Pushed(digests[0].Hash, false)), Convert.ToHexString(pushed.Body));
        Assert.Equal(Convert.ToHexString(SyncReplies.Pushed(digests[0].Hash, true)), Convert.ToHexString(again.Body));
        var path = $"{CanTestService.Prefix}/asset/{hash}";
        Assert.Equal((await from.GetAsync(path + "/meta")).Text, (await to.GetAsync(path + "/meta")).Text);
        Assert.Equal("hello", (await to.GetAsync(path)).Text);
    }

    [Test]
    public async Task A_push_with_another_content_is_refused_and_leaves_nothing()
    {
        await using var can = await CanTestService.StartAsync();

        var wrong = await can.SendAsync(HttpMethod.Post, "/sync/push", Push("hello", AssetHash.Of(1, "x"u8)), Key);
        var junk = await can.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent([1, 2, 3]), Key);
        var whole = Push("hello", AssetHash.Of(1, "hello"u8));
        var bytes = await whole.ReadAsByteArrayAsync(CanTestService.Cancellation);
        var cut = await can.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent(bytes[..^3]), Key);

        Assert.Equal((400, 400, 400), (wrong.Status, junk.Status, cut.Status));
        Assert.Equal(0, can.Store.Counts().Assets);
        Assert.Empty(Directory.GetFiles(can.Root, "*.tmp"));
        Assert.Equal(200, (await can.SendAsync(HttpMethod.Post, "/sync/push", whole, Key)).Status);
    }

    [Test]
    public async Task Only_later_changes_are_applied()
    {
        await using var can = await CanTestService.StartAsync();
        Assert.True(AssetHash.TryParse(await can.PutAsync("x"), out var hash));
        var now = can.Store.Find(hash)!.MetaUpdatedAtMs;

        Assert.Equal("0801", await AppliedAsync(can, new MetaUpdate(hash, "new", ["t"], true, now + 10)));
        Assert.Equal("", await AppliedAsync(can, new MetaUpdate(hash, "old", [], false, now + 5)));
        Assert.Equal(404, (await MetaAsync(can, new MetaUpdate(AssetHash.Of(0, []), null, [], false, 1))).Status);

        var asset = can.Store.Find(hash)!;
        Assert.Equal(("new", true, "t"), (
            asset.Details.Description, asset.IsTrashed, TagList.Join(asset.Details.Tags)));
        // Trashed assets stay known to peers.
        Assert.True(AssetDigest.TryParseAll(
            (await can.SendAsync(HttpMethod.Post, "/sync/hashes?since=0", null, Key)).Body, out var digests));
        Assert.True(digests.Single().IsTrashed);
        Assert.True(AssetDigest.TryParseAll(
            (await can.SendAsync(HttpMethod.Post, $"/sync/hashes?since={digests[0].TimestampMs}", null, Key)).Body,
            out var later));
        Assert.Empty(later);
    }

    [Test]
    public async Task What_was_deleted_for_good_is_not_taken_from_a_peer_again()
    {
        await using var can = await CanTestService.StartAsync();
        var push = await Push("hello", AssetHash.Of(1, "hello"u8)).ReadAsByteArrayAsync(CanTestService.Cancellation);
        await can.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent(push), Key);
        Assert.True(await can.Store.DeleteAsync(AssetHash.Of(1, "hello"u8)));

        var again = await can.SendAsync(HttpMethod.Post, "/sync/push", new ByteArrayContent(push), Key);
        await can.ReopenAsync();

        Assert.Equal(410, again.Status);
        Assert.Equal(0, can.Store.Counts().Assets);
    }

    [Test]
    public async Task Arrivals_and_changes_are_events_and_what_was_missed_is_sent_again()
    {
        await using var can = await CanTestService.StartAsync();
        using var stream = await EventsAsync(can, CanTestService.Prefix + "/events");

        var hash = await can.PutAsync("one");
        var added = await NextAsync(stream);
        await can.SendAsync(HttpMethod.Delete, $"{CanTestService.Prefix}/asset/{hash}");
        var trashed = await NextAsync(stream);

        Assert.Equal(["event: new_asset", $"data: {{\"hash\":\"{hash}\",\"timestamp\":"], [added[1], added[2][..^14]]);
        Assert.Equal("event: asset_trashed", trashed[1]);

        var second = await can.PutAsync("two");
        Assert.Contains(second, (await NextAsync(stream))[2], StringComparison.Ordinal);
        using var later = await EventsAsync(can, CanTestService.Prefix + "/events", trashed[0][4..]);
        Assert.Contains(second, (await NextAsync(later))[2], StringComparison.Ordinal);
    }

    [Test]
    public async Task Peers_hear_of_arrivals_alone_by_ingest_and_by_push()
    {
        await using var can = await CanTestService.StartAsync();
        using var stream = await EventsAsync(can, "/sync/events?key=" + CanTestService.Key);

        var first = await can.PutAsync("one");
        Assert.Contains(first, (await NextAsync(stream))[2], StringComparison.Ordinal);
        await can.SendAsync(
            HttpMethod.Patch, $"{CanTestService.Prefix}/asset/{first}/meta", CanTestService.Json("{\"tags\":\"t\"}"));
        await can.SendAsync(HttpMethod.Post, "/sync/push", Push("hello", AssetHash.Of(1, "hello"u8)), Key);

        var pushed = await NextAsync(stream);
        Assert.Equal("event: new_asset", pushed[1]);
        Assert.Contains(AssetHash.Of(1, "hello"u8).ToString(), pushed[2], StringComparison.Ordinal);
    }

    private static async Task<StreamReader> EventsAsync(CanTestService can, string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, can.Url(path));
        if (lastEventId is not null) request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await can.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, CanTestService.Cancellation);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.ToString());
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync(CanTestService.Cancellation));
        // The position is taken before anything is sent.
        Assert.StartsWith("retry:", await reader.ReadLineAsync(CanTestService.Cancellation), StringComparison.Ordinal);
        await reader.ReadLineAsync(CanTestService.Cancellation);
        return reader;
    }

    private static async Task<List<string>> NextAsync(StreamReader stream)
    {
        var lines = new List<string>();
        while (await stream.ReadLineAsync(CanTestService.Cancellation) is { } line)
        {
            if (line.Length == 0 && lines.Count > 0) return lines;
            if (line.Length > 0 && line[0] != ':') lines.Add(line);
        }

        throw new InvalidOperationException("the stream has ended");
    }

    private static async Task<string> AppliedAsync(CanTestService can, MetaUpdate update) =>
        Convert.ToHexString((await MetaAsync(can, update)).Body);

    private static Task<Reply> MetaAsync(CanTestService can, MetaUpdate update)
    {
        var body = new ArrayBufferWriter<byte>();
        update.WriteTo(body);
        return can.SendAsync(
            HttpMethod.Post, "/sync/meta", new ByteArrayContent(body.WrittenSpan.ToArray()), Key);
    }

    private static ByteArrayContent Pull(params string[] hashes)
    {
        var body = new ArrayBufferWriter<byte>();
        PullRequest.Write([.. hashes.Select(h => AssetHash.TryParse(h, out var hash) ? hash : default)], body);
        return new ByteArrayContent(body.WrittenSpan.ToArray());
    }

    private static ByteArrayContent Push(string content, AssetHash hash)
    {
        var bundle = new AssetBundle { Hash = hash, TimestampMs = 1, Size = content.Length };
        var (head, tail) = bundle.Frame();
        return new ByteArrayContent([.. head, .. System.Text.Encoding.ASCII.GetBytes(content), .. tail]);
    }
}
