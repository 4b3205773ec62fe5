using System.Net;
using EdgeSync.Node.Metrics.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class OtlpSenderTests
{
    private static readonly byte[] Body = [10, 3, 1, 2, 3];

    [Test]
    public async Task Over_http_the_message_is_posted_to_its_signal()
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http1, context => { context.Response.StatusCode = 200; return Task.CompletedTask; });
        using var sender = new OtlpSender(collector.Options(OtlpProtocol.Http));

        var answer = await sender.SendAsync("logs", Body, TestContext.Current!.Execution.CancellationToken);

        Assert.True(answer.IsTaken);
        Assert.Equal(
            ("/base/v1/logs", "application/x-protobuf", "v"), (collector.Path, collector.ContentType, collector.Key));
        Assert.Equal(Body, collector.Received);
    }

    [Test]
    [Arguments(503, true)]
    [Arguments(429, true)]
    [Arguments(400, false)]
    [Arguments(302, false)]
    public async Task Over_http_some_refusals_are_worth_another_try(int status, bool mayRetry)
    {
        await using var collector = await Collector.StartAsync(HttpProtocols.Http1, context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "7";
            return Task.CompletedTask;
        });
        using var sender = new OtlpSender(collector.Options(OtlpProtocol.Http));

        var answer = await sender.SendAsync("traces", Body, TestContext.Current!.Execution.CancellationToken);

        Assert.Equal((false, mayRetry, TimeSpan.FromSeconds(7)), (answer.IsTaken, answer.MayRetry, answer.RetryAfter));
    }

    [Test]
    [Arguments("traces", "trace.v1.TraceService")]
    [Arguments("metrics", "metrics.v1.MetricsService")]
    [Arguments("logs", "logs.v1.LogsService")]
    public async Task Over_grpc_the_message_is_framed_and_the_trailer_decides(string signal, string service)
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http2, context => AnswerGrpcAsync(context, "0"));
        using var sender = new OtlpSender(collector.Options(OtlpProtocol.Grpc));

        var answer = await sender.SendAsync(signal, Body, TestContext.Current!.Execution.CancellationToken);

        Assert.True(answer.IsTaken);
        Assert.Equal(
            ($"/opentelemetry.proto.collector.{service}/Export", "application/grpc", "v"),
            (collector.Path, collector.ContentType, collector.Key));
        Assert.Equal([0, 0, 0, 0, (byte)Body.Length, .. Body], collector.Received);
    }

    [Test]
    [Arguments("14", true)]
    [Arguments("16", false)]
    public async Task Over_grpc_the_status_says_whether_to_try_again(string status, bool mayRetry)
    {
        await using var collector = await Collector.StartAsync(
            HttpProtocols.Http2, context => AnswerGrpcAsync(context, status));
        using var sender = new OtlpSender(collector.Options(OtlpProtocol.Grpc));

        var answer = await sender.SendAsync("traces", Body, TestContext.Current!.Execution.CancellationToken);

        Assert.Equal((false, mayRetry), (answer.IsTaken, answer.MayRetry));
        Assert.Contains($"gRPC status {status}", answer.Fault, StringComparison.Ordinal);
    }

    [Test]
    public async Task Nobody_there_is_worth_another_try()
    {
        using var sender = new OtlpSender(
            new OtlpOptions { Endpoint = new Uri($"http://127.0.0.1:{Tests.Support.Ports.Free()}") });

        var answer = await sender.SendAsync("traces", Body, TestContext.Current!.Execution.CancellationToken);

        Assert.Equal((false, true), (answer.IsTaken, answer.MayRetry));
    }

    private static async Task AnswerGrpcAsync(HttpContext context, string status)
    {
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = status;
    }

    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        public string? Path { get; private set; }

        public string? ContentType { get; private set; }

        public string? Key { get; private set; }

        public byte[] Received { get; private set; } = [];

        public static async Task<Collector> StartAsync(HttpProtocols protocols, Func<HttpContext, Task> answer)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore()
                .ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = protocols));
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(async context =>
            {
                (collector.Path, collector.ContentType, collector.Key) = (
                    context.Request.Path, context.Request.ContentType, context.Request.Headers["x-key"]);
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                collector.Received = body.ToArray();
                await answer(context);
            });
            await app.StartAsync();
            return collector;
        }

        public OtlpOptions Options(OtlpProtocol protocol)
        {
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
                .Single();
            return new OtlpOptions
            {
                Endpoint = new Uri(address + "/base"),
                Protocol = protocol,
                Headers = [new("x-key", "v")]
            };
        }

        public async ValueTask DisposeAsync() => await app.DisposeAsync();
    }
}
