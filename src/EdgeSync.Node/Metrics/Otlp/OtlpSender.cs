using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// What became of a request: taken, worth another try (after a while that the receiver may name), or refused.
/// </summary>
internal readonly record struct OtlpAnswer(bool IsTaken, bool MayRetry, TimeSpan? RetryAfter, string? Fault);

/// <summary>Brings one request to the collector, over HTTP or gRPC. Spec: opentelemetry.io/docs/specs/otlp.</summary>
internal sealed class OtlpSender : IDisposable
{
    private const int ReplyBytesMax = 64 * 1024;
    private const int GrpcPrefixBytes = 5;

    private readonly OtlpOptions _options;
    private readonly HttpClient _http;

    public OtlpSender(OtlpOptions options)
    {
        _options = options;
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                ConnectTimeout = options.Timeout,
                ActivityHeadersPropagator = null
            })
        {
            Timeout = options.Timeout,
            MaxResponseContentBufferSize = ReplyBytesMax,
        };
    }

    /// <param name="signal"><c>traces</c>, <c>metrics</c> or <c>logs</c>.</param>
    public async Task<OtlpAnswer> SendAsync(
        string signal, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var request = _options.Protocol == OtlpProtocol.Grpc
            ? GrpcRequest(signal, body)
            : HttpRequest(signal, body);
        foreach (var (name, value) in _options.Headers) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return _options.Protocol == OtlpProtocol.Grpc ? GrpcAnswer(response) : HttpAnswer(response);
        }
        catch (Exception e) when (
            e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new OtlpAnswer(
                false, MayRetry: true, null,
                e is OperationCanceledException ? $"no answer within {_options.Timeout.TotalSeconds:F0} s" : e.Message);
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage HttpRequest(string signal, ReadOnlyMemory<byte> body)
    {
        var content = new ByteArrayContent(_options.Compress ? Gzip(body.Span) : body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        if (_options.Compress) content.Headers.ContentEncoding.Add("gzip");
        var address = $"{_options.Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/')}/v1/{signal}";
        return new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
    }

    // Spec: gRPC over HTTP/2: one byte "compressed", four bytes of length, the message.
    private HttpRequestMessage GrpcRequest(string signal, ReadOnlyMemory<byte> body)
    {
        var message = _options.Compress ? Gzip(body.Span) : body.ToArray();
        var framed = new byte[GrpcPrefixBytes + message.Length];
        framed[0] = _options.Compress ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, GrpcPrefixBytes);

        var content = new ByteArrayContent(framed);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        var method = signal switch
        {
            "traces" => "trace.v1.TraceService",
            "metrics" => "metrics.v1.MetricsService",
            _ => "logs.v1.LogsService",
        };
        var request = new HttpRequestMessage(
            HttpMethod.Post, new Uri(_options.Endpoint, $"/opentelemetry.proto.collector.{method}/Export"))
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        if (_options.Compress) request.Headers.TryAddWithoutValidation("grpc-encoding", "gzip");
        return request;
    }

    private static OtlpAnswer HttpAnswer(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode) return new OtlpAnswer(true, false, null, null);

        var mayRetry = response.StatusCode
            is HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout;
        return new OtlpAnswer(
            false, mayRetry, response.Headers.RetryAfter?.Delta, $"status {(int)response.StatusCode}");
    }

    // The status is in the trailers, or in the headers when there is no message at all.
    private static OtlpAnswer GrpcAnswer(HttpResponseMessage response)
    {
        var status = Field(response.TrailingHeaders, "grpc-status") ?? Field(response.Headers, "grpc-status");
        if (status == "0") return new OtlpAnswer(true, false, null, null);

        // Spec: OTLP, "Failures": cancelled, deadline, aborted, out of range, unavailable and data loss may be tried
        // again.
        var mayRetry = status is "1" or "4" or "10" or "11" or "14" or "15";
        var words = Field(response.TrailingHeaders, "grpc-message") ?? Field(response.Headers, "grpc-message");
        return new OtlpAnswer(
            false, mayRetry, null,
            status is null ? $"status {(int)response.StatusCode}, which is no gRPC"
                : $"gRPC status {status} {words}".TrimEnd());
    }

    private static string? Field(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static byte[] Gzip(ReadOnlySpan<byte> body)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(body);
        return packed.ToArray();
    }
}
