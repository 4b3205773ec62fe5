using System.Diagnostics;
using EdgeSync.Net.Tracing;

namespace EdgeSync.Node.Metrics;

/// <summary>The spans around single messages; the parent of each is the context in the message.</summary>
internal static class MessageSpans
{
    /// <summary>
    /// Around one request over NATS. The receiver's span is its child once its context is in the headers.
    /// </summary>
    public static Activity? Request(string subject, int bodyBytes) =>
        Describe(Instruments.Leaf.StartActivity("nats.request", ActivityKind.Client), subject, bodyBytes);

    /// <summary>Around the reply to one request over NATS.</summary>
    public static Activity? Handle(string subject, int bodyBytes, string? traceParent, string? traceState) =>
        Describe(
            Instruments.Leaf.StartActivity(
                "nats.handle", ActivityKind.Server, TraceContext.Parse(traceParent, traceState)), subject, bodyBytes);

    /// <summary>Around one request that a bridge forwards to a Fossil server.</summary>
    public static Activity? Proxy(
        string subject, int bodyBytes, string projectCode, string? traceParent, string? traceState) =>
        Describe(
            Instruments.Bridge.StartActivity(
                "bridge.proxy", ActivityKind.Server, TraceContext.Parse(traceParent, traceState)), subject, bodyBytes)
            ?.SetTag("bridge.project_code", projectCode);

    private static Activity? Describe(Activity? span, string subject, int bodyBytes) => span?
        .SetTag("messaging.system", "nats")
        .SetTag("messaging.destination.name", subject)
        .SetTag("messaging.message.body.size", bodyBytes);
}
