using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// The names under which this program is observed: scopes, counters and histograms. Recording costs next to nothing
/// without a listener; <see cref="MetricStore"/> and <see cref="Otlp.TelemetryExport"/> are the only ones.
/// </summary>
internal static class Instruments
{
    public const string LeafScope = "edgesync-leaf";
    public const string BridgeScope = "edgesync-bridge";
    public const string CanScope = "edgesync-can";

    /// <summary>All spans and meters of ours have such names; others in the process are not listened to.</summary>
    public const string ScopePrefix = "edgesync-";

    public static readonly ActivitySource Leaf = new(LeafScope, BuildInfo.Version);
    public static readonly ActivitySource Bridge = new(BridgeScope, BuildInfo.Version);

    private static readonly Meter LeafMeter = new(LeafScope, BuildInfo.Version);
    private static readonly Meter CanMeter = new(CanScope, BuildInfo.Version);
    private static readonly Meter BridgeMeter = new(BridgeScope, BuildInfo.Version);

    private static readonly InstrumentAdvice<double> Minutes = new()
    {
        HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
    };
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    };
    private static readonly InstrumentAdvice<long> Few = new()
    {
        HistogramBucketBoundaries = [1, 2, 3, 5, 10, 20, 50, 100]
    };
    private static readonly InstrumentAdvice<long> Many = new()
    {
        HistogramBucketBoundaries = [0, 1, 10, 100, 1000, 10_000, 100_000]
    };
    private static readonly InstrumentAdvice<long> Sizes = new()
    {
        HistogramBucketBoundaries = [1 << 10, 1 << 14, 1 << 17, 1 << 20, 1 << 23, 1 << 26, 1 << 30]
    };

    public static readonly Counter<long> SessionsTotal = LeafMeter.CreateCounter<long>(
        "sync.sessions.total", null, "Sync sessions that ended, well or not.");
    public static readonly Counter<long> SyncErrorsTotal = LeafMeter.CreateCounter<long>(
        "sync.errors.total", null, "Sync sessions that failed.");
    public static readonly Histogram<double> SyncDuration = LeafMeter.CreateHistogram(
        "sync.duration.seconds", "s", "Time a session took.", advice: Minutes);
    public static readonly Histogram<long> SyncRounds = LeafMeter.CreateHistogram(
        "sync.rounds", null, "Round trips of a session.", advice: Few);
    public static readonly Histogram<long> FilesSent = LeafMeter.CreateHistogram(
        "sync.files.sent", null, "Artifacts a session sent.", advice: Many);
    public static readonly Histogram<long> FilesReceived = LeafMeter.CreateHistogram(
        "sync.files.received", null, "Artifacts a session received.", advice: Many);
    public static readonly Histogram<long> BytesSent = LeafMeter.CreateHistogram(
        "sync.bytes.sent", "By", "Bytes a session put on the wire.", advice: Sizes);
    public static readonly Histogram<long> BytesReceived = LeafMeter.CreateHistogram(
        "sync.bytes.received", "By", "Bytes a session took from the wire.", advice: Sizes);

    public static readonly Counter<long> HandledTotal = LeafMeter.CreateCounter<long>(
        "sync.handled.total", null, "Rounds answered for peers.");
    public static readonly Counter<long> HandleErrorsTotal = LeafMeter.CreateCounter<long>(
        "sync.handle.errors.total", null, "Rounds of peers that were refused or failed.");
    public static readonly Histogram<double> HandleDuration = LeafMeter.CreateHistogram(
        "sync.handle.duration.seconds", "s", "Time to answer one round.", advice: Seconds);

    public static readonly Counter<long> BridgeRequestsTotal = BridgeMeter.CreateCounter<long>(
        "bridge.requests.total", null, "Requests carried to a Fossil server.");
    public static readonly Counter<long> BridgeErrorsTotal = BridgeMeter.CreateCounter<long>(
        "bridge.errors.total", null, "Requests that the bridge could not have answered.");
    public static readonly Histogram<double> BridgeDuration = BridgeMeter.CreateHistogram(
        "bridge.duration.seconds", "s", "Time from request to answer.", advice: Seconds);

    public static readonly Counter<long> CheckoutCommits = LeafMeter.CreateCounter<long>(
        "checkout.commits", null, "Check-ins made from a watched folder.");
    public static readonly Counter<long> CheckoutErrors = LeafMeter.CreateCounter<long>(
        "checkout.errors", null, "Check-ins of a watched folder that failed.");

    public static readonly Counter<long> CanIngested = CanMeter.CreateCounter<long>(
        "can.ingested.total", null, "Assets taken in.");
    public static readonly Histogram<long> CanIngestedBytes = CanMeter.CreateHistogram(
        "can.ingested.bytes", "By", "Bytes of an asset taken in.", advice: Sizes);
    public static readonly Histogram<double> CanRequestDuration = CanMeter.CreateHistogram(
        "can.request.duration.seconds", "s", "Time to answer a request to the asset store.", advice: Seconds);
    public static readonly Counter<long> CanMirrorSent = CanMeter.CreateCounter<long>(
        "can.mirror.sent.bytes", "By", "Bytes of contents sent to other stores of the mirror.");
    public static readonly Counter<long> CanMirrorReceived = CanMeter.CreateCounter<long>(
        "can.mirror.received.bytes", "By", "Bytes of contents received from other stores of the mirror.");
}
