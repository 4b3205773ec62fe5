using System.Globalization;
using System.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Metrics.Otlp;

internal enum OtlpProtocol
{
    Http,
    Grpc,
}

/// <summary>
/// Where telemetry goes, and as whom. Without an endpoint there are no options, and nothing is exported.
/// </summary>
internal sealed record OtlpOptions
{
    private static readonly TimeSpan BatchPauseMin = TimeSpan.FromMilliseconds(50);

    public required Uri Endpoint { get; init; }

    public OtlpProtocol Protocol { get; init; }

    /// <summary>Sent with each request; often a key, so never shown.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Who we are: <c>service.name</c> and the like.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Resource { get; init; } = [];

    public bool Compress { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Spans and log lines wait this long for company.</summary>
    public TimeSpan BatchPause { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan MetricInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// From flags (which win) and the variables that OpenTelemetry names. Null when no endpoint is given, or when
    /// <c>OTEL_SDK_DISABLED</c> is true.
    /// </summary>
    /// <exception cref="EdgeSyncException">A value cannot be understood; the message never repeats a
    /// header.</exception>
    public static OtlpOptions? Read(
        Func<string, string?> variable, string serviceName, string instance,
        string? endpoint = null, string? headers = null, string? givenServiceName = null)
    {
        endpoint = NotEmpty(endpoint) ?? NotEmpty(variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
        if (endpoint is null
            || string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
            return null;

        return new OtlpOptions
        {
            Endpoint = ParseEndpoint(endpoint),
            Protocol = ParseProtocol(NotEmpty(variable("OTEL_EXPORTER_OTLP_PROTOCOL"))),
            Headers = ParsePairs(
                NotEmpty(headers) ?? variable("OTEL_EXPORTER_OTLP_HEADERS"), "OTEL_EXPORTER_OTLP_HEADERS"),
            Compress = variable("OTEL_EXPORTER_OTLP_COMPRESSION") == "gzip",
            Timeout = Milliseconds(variable, "OTEL_EXPORTER_OTLP_TIMEOUT", TimeSpan.FromSeconds(10)),
            BatchPause = Max(BatchPauseMin, Milliseconds(variable, "OTEL_BSP_SCHEDULE_DELAY", TimeSpan.FromSeconds(5))),
            MetricInterval = Max(
                BatchPauseMin, Milliseconds(variable, "OTEL_METRIC_EXPORT_INTERVAL", TimeSpan.FromSeconds(60))),
            Resource = ReadResource(
                variable, NotEmpty(givenServiceName) ?? NotEmpty(variable("OTEL_SERVICE_NAME"))
                ?? serviceName, instance),
        };
    }

    /// <summary>For a log line or <c>config show</c>: where to, never with what key.</summary>
    public override string ToString()
    {
        var text = $"{(Protocol == OtlpProtocol.Grpc ? "grpc" : "http")} {Endpoint.GetLeftPart(UriPartial.Path)}";
        return Headers.Count == 0 ? text : $"{text} headers:{string.Join(',', Headers.Select(h => h.Key + "=***"))}";
    }

    // Without a scheme, loopback is meant as plain http and everything else as https.
    private static Uri ParseEndpoint(string text)
    {
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            var host = Uri.TryCreate("http://" + text, UriKind.Absolute, out var bare) ? bare.Host.Trim('[', ']') : "";
            var isHere = host == "localhost"
                || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
            text = (isHere ? "http://" : "https://") + text;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            && endpoint.UserInfo.Length == 0)
            return endpoint;

        throw new EdgeSyncException(
            ErrorKind.Usage, "the OTLP endpoint is no http or https address without user and password",
            "such as http://127.0.0.1:4318; keys go into --otel-headers");
    }

    private static OtlpProtocol ParseProtocol(string? text) => text switch
    {
        null or "http/protobuf" or "http" => OtlpProtocol.Http,
        "grpc" => OtlpProtocol.Grpc,
        _ => throw new EdgeSyncException(
            ErrorKind.Usage, $"OTEL_EXPORTER_OTLP_PROTOCOL is '{text}'", "http/protobuf or grpc"),
    };

    private static List<KeyValuePair<string,
        string>> ReadResource(Func<string, string?> variable, string serviceName, string instance)
    {
        var attributes = ParsePairs(variable("OTEL_RESOURCE_ATTRIBUTES"), "OTEL_RESOURCE_ATTRIBUTES");
        Set("service.name", serviceName);
        Set("service.version", BuildInfo.Version);
        if (!attributes.Any(a => a.Key == "service.instance.id")) Set("service.instance.id", instance);
        if (NotEmpty(variable("EDGESYNC_ENVIRONMENT")) is { } environment)
            Set("deployment.environment.name", environment);
        return attributes;

        void Set(string key, string value)
        {
            attributes.RemoveAll(a => a.Key == key);
            attributes.Add(new(key, value));
        }
    }

    // Spec: OpenTelemetry, "OTLP Exporter": key=value pairs, separated by commas, values percent-encoded.
    private static List<KeyValuePair<string, string>> ParsePairs(string? text, string name)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var part in (text ?? "").Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 1 ? "" : part[..equals].Trim();
            var value = equals < 1 ? "" : Uri.UnescapeDataString(part[(equals + 1)..].Trim());
            if (key.Length == 0 || !key.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c))
                || value.Any(char.IsControl))
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"{name} is not a list of key=value pairs",
                    "separate them by commas; percent-encode what is special");

            pairs.Add(new(key, value));
        }

        return pairs;
    }

    private static TimeSpan Milliseconds(Func<string, string?> variable, string name, TimeSpan fallback)
    {
        if (NotEmpty(variable(name)) is not { } text) return fallback;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds > 0)
            return TimeSpan.FromMilliseconds(milliseconds);

        throw new EdgeSyncException(ErrorKind.Usage, $"{name} is '{text}'", "a number of milliseconds");
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
