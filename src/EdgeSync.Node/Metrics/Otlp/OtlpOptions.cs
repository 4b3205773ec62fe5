using System.Globalization;
using System.Net;
using EdgeSync.Primitives;
using Microsoft.Extensions.Configuration;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// The destination of telemetry, and its source. Without an endpoint there are no options, and nothing is exported.
/// OpenTelemetry's own variables are read by its SDK, from <see cref="Variables"/>; here are the defaults and checks
/// that differ from the SDK's.
/// </summary>
internal sealed class OtlpOptions
{
    private const string EndpointName = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string HeadersName = "OTEL_EXPORTER_OTLP_HEADERS";
    private const string ProtocolName = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string SpanDelayName = "OTEL_BSP_SCHEDULE_DELAY";
    private const string LogDelayName = "OTEL_BLRP_SCHEDULE_DELAY";
    private const string RetryName = "OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY";

    // Given to the SDK, an unreadable number would be ignored in silence, and a zero would end the start.
    private static readonly string[] Milliseconds =
        ["OTEL_EXPORTER_OTLP_TIMEOUT", SpanDelayName, LogDelayName, "OTEL_METRIC_EXPORT_INTERVAL"];

    private OtlpOptions(
        Uri endpoint, string protocol, IReadOnlyList<KeyValuePair<string, string>> headers, string instance,
        string? environment, IConfiguration variables) =>
        (Endpoint, Protocol, Headers, Instance, Environment, Variables) =
        (endpoint, protocol, headers, instance, environment, variables);

    public Uri Endpoint { get; }

    /// <summary><c>http/protobuf</c> or <c>grpc</c>.</summary>
    public string Protocol { get; }

    /// <summary>Sent with each request; often a key, so never shown.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary><c>service.instance.id</c>, unless <c>OTEL_RESOURCE_ATTRIBUTES</c> names one.</summary>
    public string Instance { get; }

    /// <summary><c>deployment.environment.name</c>.</summary>
    public string? Environment { get; }

    /// <summary>What the SDK reads: the variables of the process, below the settings of this node.</summary>
    public IConfiguration Variables { get; }

    /// <summary>
    /// From flags (which win) and the variables that OpenTelemetry names. Null when no endpoint is given, or when
    /// <c>OTEL_SDK_DISABLED</c> is true.
    /// </summary>
    /// <exception cref="EdgeSyncException">A value cannot be understood; the message never repeats a
    /// header.</exception>
    public static OtlpOptions? Read(
        IConfiguration variables, string serviceName, string instance,
        string? endpoint = null, string? headers = null, string? givenServiceName = null)
    {
        endpoint = NotEmpty(endpoint) ?? NotEmpty(variables[EndpointName]);
        if (endpoint is null
            || string.Equals(variables["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
            return null;

        foreach (var name in Milliseconds) RequireMilliseconds(name, variables[name]);
        var address = ParseEndpoint(endpoint);
        var protocol = ParseProtocol(NotEmpty(variables[ProtocolName]));
        var ours = new Dictionary<string, string?>
        {
            [EndpointName] = address.GetLeftPart(UriPartial.Path),
            [ProtocolName] = protocol,
            // The exporter decodes the list as a whole, so that an encoded comma would end a value: they are ours.
            [HeadersName] = "",
            ["OTEL_SERVICE_NAME"] =
                NotEmpty(givenServiceName) ?? NotEmpty(variables["OTEL_SERVICE_NAME"]) ?? serviceName,
            [LogDelayName] = NotEmpty(variables[LogDelayName]) ?? NotEmpty(variables[SpanDelayName]),
            // A collector that is busy for a moment costs nothing: the export is repeated, until the timeout.
            [RetryName] = NotEmpty(variables[RetryName]) ?? "in_memory",
        };
        return new OtlpOptions(
            address, protocol, ParsePairs(NotEmpty(headers) ?? variables[HeadersName]), instance,
            NotEmpty(variables["EDGESYNC_ENVIRONMENT"]),
            new ConfigurationBuilder().AddConfiguration(variables).AddInMemoryCollection(ours).Build());
    }

    /// <summary>For a log line or <c>config show</c>: where to, never with what key.</summary>
    public override string ToString()
    {
        var text = $"{(Protocol == "grpc" ? "grpc" : "http")} {Endpoint.GetLeftPart(UriPartial.Path)}";
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

    private static string ParseProtocol(string? text) => text switch
    {
        null or "http/protobuf" or "http" => "http/protobuf",
        "grpc" => "grpc",
        _ => throw new EdgeSyncException(
            ErrorKind.Usage, $"{ProtocolName} is '{text}'", "http/protobuf or grpc"),
    };

    // Spec: OpenTelemetry, "OTLP Exporter": key=value pairs, separated by commas, values percent-encoded.
    private static List<KeyValuePair<string, string>> ParsePairs(string? text)
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
                    ErrorKind.Usage, $"{HeadersName} is not a list of key=value pairs",
                    "separate them by commas; percent-encode what is special");

            pairs.Add(new(key, value));
        }

        return pairs;
    }

    private static void RequireMilliseconds(string name, string? value)
    {
        if (NotEmpty(value) is not { } text
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0))
            return;

        throw new EdgeSyncException(ErrorKind.Usage, $"{name} is '{text}'", "a number of milliseconds");
    }

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
