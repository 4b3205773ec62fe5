using System.Diagnostics;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// One request that a bridge forwards: a span <c>bridge.proxy</c> below that of the requester, and its numbers.
/// </summary>
internal sealed class BridgeSpan : IDisposable
{
    private readonly long _begin = Stopwatch.GetTimestamp();
    private bool _isAnswered;

    private BridgeSpan(Activity? activity) => Activity = activity;

    /// <summary>The parent of the request to the Fossil server; null without a listener.</summary>
    public Activity? Activity { get; }

    public static BridgeSpan Begin(
        string subject, int bodyBytes, string projectCode, string? traceParent, string? traceState) =>
        new(MessageSpans.Proxy(subject, bodyBytes, projectCode, traceParent, traceState));

    /// <param name="refusal">Why there is no reply of the Fossil server; null when there is one.</param>
    public void Complete(string? refusal)
    {
        _isAnswered = refusal is null;
        if (refusal is not null) Activity?.SetStatus(ActivityStatusCode.Error, refusal);
    }

    public void Dispose()
    {
        Instruments.BridgeRequestsTotal.Add(1);
        if (!_isAnswered) Instruments.BridgeErrorsTotal.Add(1);
        Instruments.BridgeDuration.Record(Stopwatch.GetElapsedTime(_begin).TotalSeconds);
        Activity?.Dispose();
    }
}
