using System.Diagnostics;

namespace EdgeSync.Net.Tracing;

/// <summary>
/// Carries a trace across processes: two header fields, over HTTP and NATS alike. Nothing is sent while there is no
/// span. Spec: W3C Trace Context, §3 (<c>traceparent: 00-TRACE-PARENT-FLAGS</c>, <c>tracestate: KEY=VALUE,…</c>).
/// </summary>
public static class TraceContext
{
    public const string ParentHeader = "traceparent";
    public const string StateHeader = "tracestate";

    private const int StateLengthMax = 512;

    /// <summary>
    /// The header fields that make the receiver's spans children of <paramref name="span"/>; false if there are none to
    /// send.
    /// </summary>
    public static bool TryFormat(Activity? span, out string parent, out string? state)
    {
        state = null;
        parent = "";
        if (span is not { IdFormat: ActivityIdFormat.W3C, Id: { } id }) return false;

        parent = id;
        state = span.TraceStateString is { Length: > 0 and <= StateLengthMax } text ? text : null;
        return true;
    }

    /// <summary>The context of a request; a malformed one counts as absent.</summary>
    public static ActivityContext Parse(string? parent, string? state)
    {
        if (state is { Length: > StateLengthMax }) state = null;
        return ActivityContext.TryParse(parent, state, isRemote: true, out var context) ? context : default;
    }
}
