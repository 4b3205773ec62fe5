using System.Diagnostics;

namespace EdgeSync.Net.Tracing;

/// <summary>
/// The spans of exchanges over HTTP, on both ends, so that one trace covers both. None is created without a listener of
/// <see cref="Scope"/>. Attributes are those of OpenTelemetry's conventions for HTTP.
/// </summary>
public static class HttpSpans
{
    public const string Scope = "edgesync-leaf-http";

    private static readonly ActivitySource Source = new(Scope);

    internal static Activity? Ask(Uri address) => Source.StartActivity("POST", ActivityKind.Client)?
        .SetTag("http.request.method", "POST")
        .SetTag("server.address", address.Host)
        .SetTag("server.port", address.Port);

    internal static Activity? Answer(string path, string? traceParent, string? traceState) =>
        Source.StartActivity("POST", ActivityKind.Server, TraceContext.Parse(traceParent, traceState))?
            .SetTag("http.request.method", "POST")
            .SetTag("url.path", path);

    internal static void End(Activity? span, int status, int errorFrom)
    {
        if (span is null) return;

        span.SetTag("http.response.status_code", status);
        if (status >= errorFrom) span.SetStatus(ActivityStatusCode.Error);
        span.Dispose();
    }
}
