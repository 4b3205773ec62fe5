using System.Diagnostics;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Node.Sync;

/// <summary>Builds header blocks from fields, with the trace context of a span.</summary>
internal static class NatsHeadersOf
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";

    public static NatsHeaders Fields(IEnumerable<KeyValuePair<string, string>> fields, Activity? span)
    {
        var headers = new NatsHeaders();
        foreach (var (key, value) in fields) headers.Add(key, value);
        if (span?.Id is { } id)
        {
            headers.Add(TraceParent, id);
            if (span.TraceStateString is { Length: > 0 } state) headers.Add(TraceState, state);
        }

        return headers;
    }

    public static (string? Parent, string? State) TraceOf(NatsHeaders? headers) =>
        (headers?[TraceParent], headers?[TraceState]);
}
