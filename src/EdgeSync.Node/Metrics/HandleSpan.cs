using System.Diagnostics;
using EdgeSync.Fossil.Sync.Server;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// The handling of one round of a peer: a span <c>sync.handle</c> below that of its transport, and its numbers.
/// </summary>
internal sealed class HandleSpan : IDisposable
{
    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly Activity? _span = Instruments.Leaf.StartActivity("sync.handle");
    private readonly string _route;
    private ServerOutcome? _outcome;

    private HandleSpan(string route) => _route = route;

    /// <param name="route">The transport of the round: <c>http</c> or <c>nats</c>.</param>
    public static HandleSpan Begin(string route) => new(route);

    public void Complete(ServerOutcome outcome) => _outcome = outcome;

    /// <summary>A round without an outcome has failed.</summary>
    public void Dispose()
    {
        var tags = new TagList { { "sync.route", _route } };
        Instruments.HandledTotal.Add(1, tags);
        Instruments.HandleDuration.Record(Stopwatch.GetElapsedTime(_begin).TotalSeconds, tags);
        if (_outcome is null || _outcome.Error is not null)
        {
            Instruments.HandleErrorsTotal.Add(1, tags);
            _span?.SetStatus(ActivityStatusCode.Error, _outcome?.Error);
        }

        _span?.SetTag("sync.route", _route)
            .SetTag("sync.files_sent", _outcome?.ArtifactsSent)
            .SetTag("sync.files_received", _outcome?.ArtifactsReceived);
        _span?.Dispose();
    }
}
