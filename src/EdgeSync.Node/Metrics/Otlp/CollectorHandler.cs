using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using EdgeSync.Net.Http;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// Sees each request of an exporter and logs what the collector did not take: the exporter itself reports to event
/// sources only, which the published program does not have. Once <paramref name="isStopping"/> is true, a failure is
/// final: a process that ends does not wait for a collector that is away.
/// </summary>
/// <param name="signal"><c>traces</c>, <c>metrics</c> or <c>logs</c>.</param>
internal sealed class CollectorHandler(string signal, Func<bool> isStopping, ILogger log, HttpMessageHandler inner)
    : DelegatingHandler(inner)
{
    private const int ReplyBytesMax = 64 * 1024;

    /// <param name="timeout">Of a connection and of a request.</param>
    public static HttpClient CreateClient(
        string signal, OtlpOptions options, TimeSpan timeout, Func<bool> isStopping, ILogger log)
    {
        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,   // the headers may be a key
            UseCookies = false,
            ConnectTimeout = timeout,
            ActivityHeadersPropagator = null,
        };
        var client = new HttpClient(new CollectorHandler(signal, isStopping, log, HttpConnections.Handler(sockets)))
        {
            Timeout = timeout,
            MaxResponseContentBufferSize = ReplyBytesMax,
        };
        foreach (var (name, value) in options.Headers)
            client.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
        return client;
    }

    // HTTP/1.1: the exporter sends from a thread of its own.
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Judge(request, base.Send(request, cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Report(request, Describe(e));
            if (isStopping()) return Refusal();
            throw;
        }
    }

    // HTTP/2: gRPC.
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            var response = await base.SendAsync(request, cancellationToken);
            // The status is in the trailers, which come after the message.
            await response.Content.LoadIntoBufferAsync(ReplyBytesMax, cancellationToken);
            return Judge(request, response);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Report(request, Describe(e));
            if (isStopping()) return Refusal();
            throw;
        }
    }

    private HttpResponseMessage Judge(HttpRequestMessage request, HttpResponseMessage response)
    {
        var fault = response.IsSuccessStatusCode ? GrpcFault(response) : $"status {(int)response.StatusCode}";
        if (fault is null) return response;

        Report(request, fault);
        if (!isStopping()) return response;

        response.Dispose();
        return Refusal();
    }

    private void Report(HttpRequestMessage request, string fault) =>
        log.TelemetryNotSent(signal, request.RequestUri!.Host, fault);

    // A status that the exporter does not try again.
    private static HttpResponseMessage Refusal() => new(HttpStatusCode.BadRequest);

    private static string Describe(Exception e) =>
        e is OperationCanceledException ? "no answer in time" : e.Message;

    private static string? GrpcFault(HttpResponseMessage response)
    {
        if (response.Version != HttpVersion.Version20) return null;

        var status = Field(response, "grpc-status");
        return status is null or "0" ? null : $"gRPC status {status} {Field(response, "grpc-message")}".TrimEnd();
    }

    // In the trailers, or in the headers when there is no message at all.
    private static string? Field(HttpResponseMessage response, string name) =>
        Field(response.TrailingHeaders, name) ?? Field(response.Headers, name);

    private static string? Field(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
