using System.Net;
using System.Net.Sockets;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class TelemetryTests
{
    private const string Key = "quite secret";

    [Test]
    public void A_sync_is_one_trace_across_two_processes()
    {
        using var collector = new FakeCollector();
        using var edgesync = Project(collector.Url);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");
        edgesync.Variables["OTEL_SERVICE_NAME"] = "asking";

        edgesync.Ok("repo", "sync", leaf.Url, "-R", "mine.fossil");
        Assert.Equal(0, leaf.Stop());

        var session = collector.Spans.Single(s => s.Service == "asking" && s.Span.Text(5) == "sync.session").Span;
        var trace = collector.Spans.Where(s => s.Span.Hex(1) == session.Hex(1)).ToList();
        Assert.Equal(["edgesync-leaf", "asking"], trace.Select(s => s.Service).Distinct().OrderByDescending(s => s));
        var handled = trace.First(s => s.Service == "edgesync-leaf" && s.Span.Text(5) == "sync.handle").Span;
        Assert.Contains(session.Hex(2), AncestorsOf(handled, trace.Select(s => s.Span)));

        var attributes = session.Attributes(9);
        Assert.Equal(40, attributes["sync.project_code"].Length);
        Assert.Equal("1", attributes["sync.push"]);
        Assert.NotEqual("0", attributes["sync.bytes_sent"]);
        Assert.NotEqual("0", attributes["sync.bytes_received"]);
    }

    [Test]
    public async Task A_trace_goes_over_NATS_and_through_a_bridge()
    {
        using var collector = new FakeCollector();
        using var edgesync = Project(collector.Url);
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "gio", "-R", "hub.fossil");
        var code = edgesync.Json("repo", "info", "-R", "hub.fossil").GetProperty("project_code").GetString()!;
        edgesync.Variables["OTEL_SERVICE_NAME"] = "upstream";
        using var upstream = new RunningLeaf(edgesync, "hub.fossil", "--no-nats");
        edgesync.Variables["OTEL_SERVICE_NAME"] = "leaf";
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "mine.fossil", "--nats-leaf-port", "0", "--clone-from", upstream.Url);
        edgesync.Variables["OTEL_SERVICE_NAME"] = "bridge";
        using var bridge = new RunningNode(
            edgesync, "bridge", "serve", "--nats", leaf.Address("nats-leaf"), "--fossil-url", upstream.Url, "--project",
            code);
        await leaf.UntilPeersAsync(1);

        edgesync.Write("a.txt", "a");
        edgesync.Ok("repo", "ci", "--nosync", "-R", "mine.fossil", "-m", "of the leaf", "a.txt");
        await leaf.UntilAsync(
            _ => Task.FromResult(
                edgesync.Ok("repo", "timeline", "-R", "hub.fossil").Contains(
                    "of the leaf", StringComparison.Ordinal)), "the server has it");
        leaf.Stop();
        bridge.Stop();
        upstream.Stop();

        var spans = collector.Spans;
        var handled = spans.Where(s => s.Service == "upstream" && s.Span.Text(5) == "sync.handle");
        var byId = spans.ToDictionary(s => s.Span.Hex(2));
        Assert.Contains(handled, h =>
        {
            var names = new List<string>();
            for (var id = h.Span.Hex(4); id.Length > 0 && byId.TryGetValue(id, out var above); id = above.Span.Hex(4))
                names.Add($"{above.Service} {above.Span.Text(5)}");
            return names is [
                "upstream POST", "bridge POST", "bridge bridge.proxy", "leaf nats.request", "leaf sync.session"];
        });
        Assert.Contains(collector.Metrics, m => m.Text(1) == "bridge.requests.total");
    }

    [Test]
    public async Task A_session_that_the_stop_cut_is_exported_as_failed()
    {
        using var collector = new FakeCollector();
        using var edgesync = Project(collector.Url);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "hub.fossil", "--no-nats", "--peer", $"http://{silent.LocalEndpoint}");
        using var request = await silent.AcceptTcpClientAsync(TestContext.Current!.Execution.CancellationToken);

        Assert.Equal(0, leaf.Stop());

        var session = Assert.Single(collector.Spans, s => s.Span.Text(5) == "sync.session").Span;
        Assert.Equal(2ul, session.Messages(15).Single().Number(3));
        Assert.Equal("cancelled", session.Attributes(9)["error.type"]);
        Assert.Contains(collector.Metrics, m => m.Text(1) == "repository.checkins");
    }

    [Test]
    public void Counters_gauges_and_log_lines_arrive_with_the_key_that_no_log_shows()
    {
        using var collector = new FakeCollector();
        using var edgesync = Project(collector.Url);
        edgesync.Variables["EDGESYNC_LOG_LEVEL"] = "debug";
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");
        Assert.Equal(0, leaf.Stop());

        Assert.All(collector.Requests, r => Assert.Equal(Key, r.Key));
        var names = collector.Metrics.Select(m => m.Text(1)).ToHashSet();
        Assert.Superset(
            new HashSet<string>
            {
                "sync.sessions.total",
                "sync.duration.seconds",
                "sync.rounds",
                "sync.bytes.received",
                "sync.handled.total",
                "repository.checkins",
                "ready"
            },
            names);
        Assert.Contains(
            collector.LogRecords,
            r => r.Messages(6).Any(a => a.Text(1) == "event" && a.Messages(2).Single().Text(1) == "http.request"));
        Assert.DoesNotContain("secret", leaf.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void Without_an_endpoint_nothing_is_sent_anywhere()
    {
        using var collector = new FakeCollector();
        using var edgesync = Project(collector.Url);
        edgesync.Variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "";
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");
        Assert.Equal(0, leaf.Stop());

        Assert.Empty(collector.Requests);
    }

    [Test]
    public void An_unreachable_collector_causes_only_a_warning()
    {
        using var edgesync = Project($"http://127.0.0.1:{Ports.Free()}");

        var outcome = edgesync.Try("repo", "info", "-R", "hub.fossil");
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Variables["OTEL_SDK_DISABLED"] = "true";
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(0, leaf.Stop());
    }

    private static EdgeSyncProgram Project(string collector)
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "hub.fossil");
        edgesync.Variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector;
        edgesync.Variables["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=" + Uri.EscapeDataString(Key);
        edgesync.Variables["OTEL_BSP_SCHEDULE_DELAY"] = "100";
        return edgesync;
    }

    private static IEnumerable<string> AncestorsOf(ProtobufFields span, IEnumerable<ProtobufFields> trace)
    {
        var byId = trace.ToDictionary(s => s.Hex(2));
        for (var id = span.Hex(4); id.Length > 0; id = byId[id].Hex(4)) yield return id;
    }
}
