using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>The result of one session with a peer.</summary>
/// <param name="Login">The login; null without one.</param>
internal sealed record SyncOutcome(
    SyncReport Report, PeerUrl Peer, long WireBytesSent, long WireBytesReceived, TimeSpan Elapsed, string? Login);

/// <summary>
/// Shared by clone, pull, push and sync: runs a session, shows its progress, reports its result.
/// </summary>
internal static class SyncRun
{
    public static async Task<SyncOutcome> RunAsync(
        CommandContext context, Repository repository, PeerUrl url, ClientOptions options,
        CancellationToken cancellationToken)
    {
        await using var telemetry = NodeTelemetry.OfCommand(context.Output.Errors, context.Clock);
        using var limited = PeerOptions.Limit(context, cancellationToken);
        using var transport = PeerTransport.Open(url, repository, PeerOptions.Transport(context), context.Clock);
        using var progress = new Progress(
            context.Output, options.Actions.HasFlag(SyncActions.Clone) ? "cloning" : "syncing");
        try
        {
            var stock = context.Output is { IsStock: true, IsJson: false }
                ? new StockSyncPrinter(context.Output, options.Actions) : null;
            Action<SyncProgress> observer = stock is not null ? stock.OnStep
                : new SessionProgress(transport, progress.Report, () => progress.Elapsed).OnStep;
            var driver = new SyncDriver(new InlineExecutor(repository), options, transport, context.Clock)
            {
                Observer = observer,
            };
            var tally = await driver.RunAsync(limited.Token);
            stock?.End(transport, url);
            return new SyncOutcome(
                tally.Report, transport.MovedTo
                ?? url, tally.WireBytesSent, tally.WireBytesReceived, progress.Elapsed, options.Login?.User);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"the exchange with {url} took longer than --timeout allows",
                "run the command again: what was received is kept", e);
        }
    }

    public static SyncOutcomeReport ReportOf(string command, SyncOutcome outcome)
    {
        var report = outcome.Report;
        return new SyncOutcomeReport(
            command, report.IsOk ? "done" : "failed", outcome.Peer.ToString(), report.Rounds, report.ArtifactsSent,
            report.ArtifactsReceived, report.UnversionedSent, report.UnversionedReceived, outcome.WireBytesSent,
            outcome.WireBytesReceived, (long)outcome.Elapsed.TotalMilliseconds, report.PushRefused,
            [.. report.Missing.Select(id => id.ToString())], report.Messages);
    }

    /// <summary>The server's messages to the user, and its anomalies.</summary>
    public static void PrintMessages(CommandContext context, SyncReport report)
    {
        foreach (var message in report.Messages)
            context.Output.Errors.WriteLine($"server says: {DisplayText.OneLine(message)}");
        if (report.ClockSkew is { } skew)
            context.Output.Errors.WriteLine(
                $"warning: the server's clock is {DisplayText.Span(skew.Duration())} "
                    + $"{(skew < TimeSpan.Zero ? "behind" : "ahead")}");
        if (report.UnversionedPushRefused)
            context.Output.Errors.WriteLine("warning: the server accepts no unversioned files from this user");
        if (report.Missing.Count > 0)
            context.Output.Errors.WriteLine(
                $"warning: {report.Missing.Count} announced artifacts were not received, such as {report.Missing[0]}");
    }

    public static void ThrowOnFault(SyncOutcome outcome) =>
        SyncFaults.Throw(outcome.Report, outcome.Peer.Address, outcome.Login);
}

/// <summary>
/// The progress of a session as one line, redrawn with each step and with each piece on the wire, so that one large
/// artifact shows progress too.
/// </summary>
internal sealed class SessionProgress
{
    private readonly ITransport _transport;
    private readonly Action<Func<string>> _report;
    private readonly Func<TimeSpan> _elapsed;
    private volatile object _step = default(SyncProgress);   // boxed: written and read by different threads

    public SessionProgress(ITransport transport, Action<Func<string>> report, Func<TimeSpan> elapsed)
    {
        (_transport, _report, _elapsed) = (transport, report, elapsed);
        transport.Progressed = () => _report(Line);
    }

    public void OnStep(SyncProgress step)
    {
        _step = step;
        _report(Line);
    }

    private string Line()
    {
        var step = (SyncProgress)_step;
        var bytes = _transport.WireBytesReceived + _transport.WireBytesSent;
        var perSecond = (long)(bytes / Math.Max(_elapsed().TotalSeconds, 0.001));
        return $"round {Math.Max(step.Rounds, 1)}  sent {DisplayText.Number(step.ArtifactsSent)}  received "
            + $"{DisplayText.Number(step.ArtifactsReceived)}  {DisplayText.Bytes(bytes)}  "
            + $"{DisplayText.Bytes(perSecond)}/s";
    }
}

/// <param name="Status"><c>done</c> or <c>failed</c>; an error object follows on failure as exit code and message on
/// stderr.</param>
internal sealed record SyncOutcomeReport(
    string Command, string Status, string Peer, int Rounds, int ArtifactsSent, int ArtifactsReceived,
    int UnversionedSent,
    int UnversionedReceived, long WireBytesSent, long WireBytesReceived, long Milliseconds, bool PushRefused,
    IReadOnlyList<string> Missing, IReadOnlyList<string> Messages) : IReport
{
    public void PrintAsStock(TextWriter output)
    {
        // Printed while it ran.
    }

    public void Print(TextWriter output)
    {
        var unversioned = UnversionedSent + UnversionedReceived > 0
            ? $", unversioned sent {UnversionedSent} received {UnversionedReceived}"
            : "";
        var refused = PushRefused ? "; the server accepts nothing from this user, so nothing was pushed" : "";
        output.WriteLine(
            $"{Command} {Status}: {Rounds} rounds, sent {ArtifactsSent} received {ArtifactsReceived} "
                + $"artifacts{unversioned}, "
            + $"{DisplayText.Bytes(WireBytesSent)} out {DisplayText.Bytes(WireBytesReceived)} in, "
                + $"{DisplayText.Span(TimeSpan.FromMilliseconds(Milliseconds))}{refused}");
    }
}
