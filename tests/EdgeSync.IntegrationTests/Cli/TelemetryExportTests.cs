using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What arrives at a collector, and what is logged when it does not.</summary>
[NotInParallel]   // the sources of spans and numbers belong to the process
public sealed class TelemetryExportTests
{
    private const string Span = "nats.handle";
    private const string Event = "test.happened";

    private static CancellationToken Cancelled => TestContext.Current!.Execution.CancellationToken;

    [Test]
    [Arguments("none")]
    [Arguments("gzip")]
    public async Task Over_http_each_signal_is_posted_to_its_path(string compression)
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (var export = new Export(collector.Url, ("OTEL_EXPORTER_OTLP_COMPRESSION", compression)))
        {
            EndSpan();
            export.Write();
        }

        Assert.Equal(
            ["/base/v1/logs", "/base/v1/metrics", "/base/v1/traces"],
            collector.Requests.Select(r => r.Path).Order(StringComparer.Ordinal));
        Assert.All(collector.Requests, r => Assert.Equal(("application/x-protobuf", "a,b c"), (r.ContentType, r.Key)));
        Assert.Single(collector.Spans, s => s.Text(5) == Span);
    }

    [Test]
    [Arguments("traces", "trace.v1.TraceService")]
    [Arguments("metrics", "metrics.v1.MetricsService")]
    [Arguments("logs", "logs.v1.LogsService")]
    public async Task Over_grpc_each_signal_calls_its_service(string signal, string service)
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http2, c => AnswerGrpcAsync(c, "0"));
        await using (var export = new Export(collector.Url, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")))
        {
            EndSpan();
            Instruments.BridgeRequestsTotal.Add(1);
            export.Write();
        }

        var request = Assert.Single(
            collector.Requests, r => r.Path == $"/base/opentelemetry.proto.collector.{service}/Export");
        Assert.Equal(("application/grpc", "a,b c"), (request.ContentType, request.Key));
        Assert.True(request.Body.Below(1, 2, 2).Any(), $"no {signal}");
    }

    [Test]
    [Arguments(503)]
    [Arguments(429)]
    public async Task Over_http_a_busy_collector_is_asked_again(int status)
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http1, RefuseFirst(c => { c.Response.StatusCode = status; return Task.CompletedTask; }));
        await using var export = new Export(collector.Url);

        EndSpan();
        await collector.UntilSpansAsync(2);

        Assert.Contains($"\"status {status}\"", export.Log, StringComparison.Ordinal);
    }

    [Test]
    [Arguments(400)]
    [Arguments(302)]
    public async Task Over_http_a_refusal_is_final_and_logged(int status)
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, RefuseFirst(c =>
        {
            c.Response.StatusCode = status;
            c.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        }));
        await using var export = new Export(collector.Url);

        EndSpan();
        await collector.UntilSpansAsync(1);
        await export.DisposeAsync();

        Assert.Single(collector.Spans, s => s.Text(5) == Span);
        Assert.DoesNotContain(collector.Requests, r => r.Path == "/elsewhere");
        Assert.Contains(
            $"\"event\":\"telemetry.not_sent\",\"message\":\"Telemetry was not sent\",\"signal\":\"traces\","
                + $"\"to\":\"127.0.0.1\",\"error\":\"status {status}\"",
            export.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(collector.Events, e => e == "telemetry.not_sent");
    }

    [Test]
    public async Task Over_grpc_an_unavailable_collector_is_asked_again()
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http2, RefuseFirst(c => AnswerGrpcAsync(c, "14"), c => AnswerGrpcAsync(c, "0")));
        await using var export = new Export(collector.Url, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));

        EndSpan();
        await collector.UntilSpansAsync(2);

        Assert.Contains("gRPC status 14", export.Log, StringComparison.Ordinal);
    }

    [Test]
    public async Task Over_grpc_a_refusal_is_final_and_logged()
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http2, RefuseFirst(c => AnswerGrpcAsync(c, "16"), c => AnswerGrpcAsync(c, "0")));
        await using var export = new Export(collector.Url, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));

        EndSpan();
        await collector.UntilSpansAsync(1);
        await export.DisposeAsync();

        Assert.Single(collector.Spans, s => s.Text(5) == Span);
        Assert.Contains("gRPC status 16", export.Log, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_collector_that_is_away_is_logged_for_each_signal_and_holds_up_no_end()
    {
        var export = new Export($"http://127.0.0.1:{Ports.Free()}");
        EndSpan();
        export.Write();

        await export.DisposeAsync();

        foreach (var signal in (string[])["traces", "metrics", "logs"])
            Assert.Contains($"\"signal\":\"{signal}\"", export.Log, StringComparison.Ordinal);
    }

    [Test]
    public async Task The_resource_holds_service_name_and_version()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(
            collector.Url, ("OTEL_RESOURCE_ATTRIBUTES", "site=north,service.name=other,service.version=0"),
            ("EDGESYNC_ENVIRONMENT", "test"), ("OTEL_SERVICE_NAME", "mine")))
            EndSpan();

        Assert.All(collector.Requests, r =>
        {
            var resource = r.Body.Below(1, 1).Single().Attributes(1);
            Assert.Equal("mine", resource["service.name"]);
            Assert.Equal(EdgeSync.Node.BuildInfo.Version, resource["service.version"]);
            Assert.Equal("node-1", resource["service.instance.id"]);
            Assert.Equal("north", resource["site"]);
            Assert.Equal("test", resource["deployment.environment.name"]);
        });
    }

    [Test]
    public async Task An_instance_that_the_variables_name_is_kept()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url, ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=theirs"))) EndSpan();

        Assert.Equal(
            "theirs", collector.Requests.First().Body.Below(1, 1).Single().Attributes(1)["service.instance.id"]);
    }

    [Test]
    public async Task A_span_has_its_parent_its_kind_and_its_attributes()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url)) EndSpan();

        var span = Assert.Single(collector.Spans, s => s.Text(5) == Span);
        Assert.Equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), (span.Hex(1), span.Hex(4)));
        Assert.Equal(("k=v", 2ul), (span.Text(3), span.Number(6)));   // SERVER
        Assert.Equal("nats", span.Attributes(9)["messaging.system"]);
        Assert.Equal("7", span.Attributes(9)["messaging.message.body.size"]);
        Assert.Empty(span.Messages(15).Where(s => s.Number(3) != 0));
    }

    [Test]
    public async Task A_trace_that_its_caller_does_not_record_is_not_exported()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url))
            MessageSpans.Handle("x", 7, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", null)?.Dispose();

        Assert.Empty(collector.Spans);
    }

    [Test]
    public async Task A_session_that_was_cut_has_an_error_status()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url))
            SessionSpan.Begin(new SessionFacts("http", "abc", Push: true, Pull: true, Unversioned: false)).Dispose();

        var span = Assert.Single(collector.Spans, s => s.Text(5) == "sync.session");
        Assert.Equal((2ul, "cancelled"), (span.Messages(15).Single().Number(3), span.Messages(15).Single().Text(2)));
        Assert.Equal("cancelled", span.Attributes(9)["error.type"]);
    }

    [Test]
    public async Task Metrics_keep_names_units_kinds_and_bounds()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url)) Instruments.BridgeDuration.Record(0.02);

        var histogram = Assert.Single(collector.Metrics, m => m.Text(1) == "bridge.duration.seconds");
        Assert.Equal(("Time from request to answer.", "s"), (histogram.Text(2), histogram.Text(3)));
        Assert.Equal(2ul, histogram.Messages(9).Single().Number(2));   // cumulative
        var point = histogram.Below(9, 1).Single();
        Assert.Equal((1ul, 0.02), (point.Number(4), point.Double(5)));
        Assert.Equal(11 * 8, point.Bytes(7).Length);
        Assert.Equal(0.005, BitConverter.ToDouble(point.Bytes(7)));
    }

    [Test]
    public async Task The_status_is_read_once_an_export_and_goes_out_as_gauges_and_sums()
    {
        var reads = 0;
        MetricFamily[] status =
        [
            new(Instruments.LeafScope, "ready", MetricKind.Gauge, null, "", [], [MetricPoint.Of(1)]),
            new(
                Instruments.LeafScope, "target.wire.bytes.sent.total", MetricKind.Counter, "By", "", [],
                [MetricPoint.Of(12, ("target", "a")), MetricPoint.Of(30, ("target", "b"))]),
        ];
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        await using (new Export(collector.Url, () => { reads++; return status; }))
        {
        }

        Assert.Equal(1, reads);
        var ready = Assert.Single(collector.Metrics, m => m.Text(1) == "ready");
        Assert.Equal(1.0, ready.Below(5, 1).Single().Double(4));
        var sent = Assert.Single(collector.Metrics, m => m.Text(1) == "target.wire.bytes.sent.total");
        Assert.Equal(
            ("By", 2ul, 1ul), (sent.Text(3), sent.Messages(7).Single().Number(2), sent.Messages(7).Single().Number(3)));
        Assert.Equal(
            [("a", 12.0), ("b", 30.0)],
            sent.Below(7, 1).Select(p => (p.Attributes(7)["target"], p.Double(4))).Order());
        Assert.DoesNotContain(collector.Metrics, m => m.Text(1) == "nats.connected");
    }

    [Test]
    public async Task A_log_line_has_its_event_its_fields_and_its_span()
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, _ => Task.CompletedTask);
        string trace;
        await using (var export = new Export(collector.Url))
        {
            using var span = Instruments.Leaf.StartActivity("sync.session")!;
            trace = span.TraceId.ToHexString();
            export.Write();
        }

        var record = Assert.Single(collector.LogRecords, r => r.Attributes(6)["event"] == Event);
        Assert.Equal("Something happened", record.Messages(5).Single().Text(1));
        Assert.Equal((13ul, trace), (record.Number(2), record.Hex(9)));   // WARN
        Assert.Equal("12", record.Attributes(6)["bytes_in"]);
        Assert.Equal(Event, record.Text(12));
    }

    [Test]
    public void A_variable_that_the_SDK_refuses_is_a_usage_error()
    {
        var failure = Assert.Throws<EdgeSyncException>(
            () => new Export("http://127.0.0.1:1", ("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "sometimes")));

        Assert.Equal(ErrorKind.Usage, failure.Kind);
    }

    private static void EndSpan() => MessageSpans.Handle(
        "x", 7, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "k=v")?.Dispose();

    // Only spans: what else goes out at the same time is taken.
    private static Func<HttpContext, Task> RefuseFirst(
        Func<HttpContext, Task> refuse, Func<HttpContext, Task>? take = null)
    {
        var isRefused = false;
        return context =>
        {
            if (isRefused || !context.Request.Path.Value!.Contains("trace", StringComparison.OrdinalIgnoreCase))
                return take?.Invoke(context) ?? Task.CompletedTask;

            isRefused = true;
            return refuse(context);
        };
    }

    private static async Task AnswerGrpcAsync(HttpContext context, string status)
    {
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = status;
    }

    private sealed class Export : IAsyncDisposable
    {
        private readonly StringWriter _lines = new();
        private readonly NodeLog _log;
        private readonly TelemetryExport _export;
        private bool _isDisposed;

        public Export(string url, params (string Name, string Value)[] variables)
            : this(url, null, variables)
        {
        }

        public Export(
            string url, Func<IReadOnlyList<MetricFamily>>? status, params (string Name, string Value)[] variables)
        {
            var configuration = new ConfigurationManager
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url,
                ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=a%2Cb%20c",
                ["OTEL_BSP_SCHEDULE_DELAY"] = "10",
            };
            foreach (var (name, value) in variables) configuration[name] = value;
            _log = new NodeLog(
                TextWriter.Synchronized(_lines), TimeProvider.System, new LogSettings(LogStyle.Json, LogLevel.Debug));
            _export = TelemetryExport.Start(OtlpOptions.Read(configuration, "edgesync-leaf", "node-1")!, status, _log);
        }

        public string Log => _lines.ToString();

        public void Write() => _log.CreateLogger().Log(
            LogLevel.Warning, new EventId(0, Event), (KeyValuePair<string, object?>[])[new("BytesIn", 12)], null,
            (_, _) => "Something happened");

        public async ValueTask DisposeAsync()
        {
            if (_isDisposed) return;

            _isDisposed = true;
            await _export.DisposeAsync();
        }
    }

    private sealed record Request(string Path, string? ContentType, string? Key, ProtobufFields Body);

    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        private readonly SemaphoreSlim _arrived = new(0);

        public ConcurrentQueue<Request> Requests { get; } = new();

        public IEnumerable<ProtobufFields> Spans => Of("trace");

        public IEnumerable<ProtobufFields> Metrics => Of("metrics");

        public IEnumerable<ProtobufFields> LogRecords => Of("logs");

        public IEnumerable<string> Events => LogRecords.Select(r => r.Attributes(6)["event"]);

        public string Url => app.Urls.Single() + "/base";

        public static async Task<Collector> StartAsync(HttpProtocols protocols, Func<HttpContext, Task> answer)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore()
                .ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = protocols));
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(async context =>
            {
                await collector.KeepAsync(context.Request);
                await answer(context);
            });
            await app.StartAsync();
            return collector;
        }

        /// <summary>Until so many requests with spans have come.</summary>
        public async Task UntilSpansAsync(int count)
        {
            for (var i = 0; i < count; i++) await _arrived.WaitAsync(Cancelled);
        }

        public async ValueTask DisposeAsync()
        {
            await app.DisposeAsync();
            _arrived.Dispose();
        }

        private async Task KeepAsync(HttpRequest request)
        {
            using var body = new MemoryStream();
            var source = request.Headers.ContentEncoding == "gzip"
                ? new GZipStream(request.Body, CompressionMode.Decompress)
                : request.Body;
            await source.CopyToAsync(body);
            var message = body.ToArray().AsSpan(request.ContentType == "application/grpc" ? 5 : 0);
            Requests.Enqueue(
                new Request(
                    request.Path, request.ContentType, request.Headers["x-key"], new ProtobufFields(message)));
            if (request.Path.Value!.Contains("trace", StringComparison.OrdinalIgnoreCase)) _arrived.Release();
        }

        private IEnumerable<ProtobufFields> Of(string signal) =>
            Requests.Where(r => r.Path.Contains(signal, StringComparison.OrdinalIgnoreCase))
                .SelectMany(r => r.Body.Below(1, 2, 2));
    }
}
