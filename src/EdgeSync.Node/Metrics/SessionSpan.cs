using System.Diagnostics;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Metrics;

/// <summary>The facts of a session for its span and its counters.</summary>
/// <param name="Route">The transport: <c>http</c> or <c>nats</c>.</param>
internal readonly record struct SessionFacts(string Route, string ProjectCode, bool Push, bool Pull, bool Unversioned)
{
    /// <param name="projectCode">Null before the first clone.</param>
    public static SessionFacts Of(string route, string? projectCode, SyncActions actions) => new(
        route, projectCode
        ?? "", actions.HasFlag(SyncActions.Push), (actions & (SyncActions.Pull | SyncActions.Clone)) != 0,
        actions.HasFlag(SyncActions.Unversioned));
}

/// <summary>
/// One sync session as seen by telemetry: a span <c>sync.session</c> of its own, and its numbers when it ends. Sessions
/// that run at the same time have nothing in common. Ended by <see cref="Complete"/> or <see cref="Fail"/>; one that is
/// disposed before was cancelled.
/// </summary>
internal sealed class SessionSpan : IDisposable
{
    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly Activity? _span;
    private readonly SessionFacts _facts;
    private bool _ended;

    private SessionSpan(Activity? span, SessionFacts facts) => (_span, _facts) = (span, facts);

    /// <summary>
    /// Becomes the current span of this flow of control, so that its requests carry its context.
    /// </summary>
    public static SessionSpan Begin(in SessionFacts facts)
    {
        var span = Instruments.Leaf.StartActivity("sync.session", ActivityKind.Internal);
        span?.SetTag("sync.project_code", facts.ProjectCode)
            .SetTag("sync.route", facts.Route)
            .SetTag("sync.push", facts.Push)
            .SetTag("sync.pull", facts.Pull)
            .SetTag("sync.uv", facts.Unversioned);
        return new SessionSpan(span, facts);
    }

    /// <summary>The session completed, possibly with a rejection.</summary>
    public void Complete(SyncReport report, long wireBytesSent, long wireBytesReceived)
    {
        if (!TryEnd()) return;

        var tags = Tags;
        Instruments.SyncRounds.Record(report.Rounds, tags);
        Instruments.FilesSent.Record(report.ArtifactsSent, tags);
        Instruments.FilesReceived.Record(report.ArtifactsReceived, tags);
        Instruments.BytesSent.Record(wireBytesSent, tags);
        Instruments.BytesReceived.Record(wireBytesReceived, tags);
        _span?.SetTag("sync.rounds", report.Rounds)
            .SetTag("sync.files_sent", report.ArtifactsSent)
            .SetTag("sync.files_received", report.ArtifactsReceived)
            .SetTag("sync.bytes_sent", wireBytesSent)
            .SetTag("sync.bytes_received", wireBytesReceived);
        if (report.Fault is { } fault) CountError(Word(fault.Kind), fault.Text);
        _span?.Dispose();
    }

    /// <summary>The peer could not be reached, or the session was cut off.</summary>
    public void Fail(EdgeSyncException failure)
    {
        if (!TryEnd()) return;

        CountError(ErrorKinds.Word(failure.Kind), failure.Message);
        _span?.Dispose();
    }

    public void Dispose()
    {
        if (!TryEnd()) return;

        _span?.SetTag("error.type", "cancelled").SetStatus(ActivityStatusCode.Error, "cancelled");
        _span?.Dispose();
    }

    private TagList Tags => new() { { "sync.operation", "sync" }, { "sync.route", _facts.Route } };

    private bool TryEnd()
    {
        if (_ended) return false;

        _ended = true;
        Instruments.SessionsTotal.Add(1, Tags);
        Instruments.SyncDuration.Record(Stopwatch.GetElapsedTime(_begin).TotalSeconds, Tags);
        return true;
    }

    private void CountError(string kind, string sentence)
    {
        var tags = Tags;
        tags.Add("error.type", kind);
        Instruments.SyncErrorsTotal.Add(1, tags);
        _span?.SetTag("error.type", kind).SetStatus(ActivityStatusCode.Error, sentence);
    }

    private static string Word(SyncFaultKind kind) => kind switch
    {
        SyncFaultKind.Denied or SyncFaultKind.LoginFailed => "denied",
        SyncFaultKind.WrongProject => "conflict",
        SyncFaultKind.Stalled => "unavailable",
        SyncFaultKind.ReadOnly => "system",
        _ => "protocol",
    };
}
