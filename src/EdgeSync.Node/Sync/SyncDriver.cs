using EdgeSync.Agent;
using EdgeSync.Fossil.Sync;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Sync;

/// <summary>What a session moved, and over which wire.</summary>
internal sealed record SyncTally(SyncReport Report, string? Responder, long WireBytesSent, long WireBytesReceived);

/// <summary>
/// Drives one session over any carrier. Every step that touches the repository runs on its one writing thread, so that
/// sessions, served rounds and commits take turns; what travels does not hold it.
/// </summary>
internal sealed class SyncDriver(RepositoryQueue repository, ClientOptions options, IXferCarrier carrier, TimeProvider clock)
{
    private const int LossesMax = 3;

    /// <exception cref="EdgeSyncException">The peer cannot be reached, or does not answer as one.</exception>
    public async Task<SyncTally> RunAsync(CancellationToken cancellationToken)
    {
        var opened = await repository.RunAsync(Open, cancellationToken);
        using var span = SessionSpan.Begin(SessionFacts.Of(carrier.Route, opened.ProjectCode, options.Actions));
        try
        {
            var tally = await ExchangeAllAsync(opened, cancellationToken);
            span.Complete(tally.Report, tally.WireBytesSent, tally.WireBytesReceived);
            return tally;
        }
        catch (EdgeSyncException e)
        {
            span.Fail(e);
            throw;
        }
    }

    private async Task<SyncTally> ExchangeAllAsync(Opened opened, CancellationToken cancellationToken)
    {
        using var message = new PooledBytes();
        var session = opened.Session;
        try
        {
            var losses = 0;
            while (await repository.RunAsync(_ => Build(session, message), cancellationToken))
            {
                try
                {
                    var reply = await carrier.ExchangeAsync(message.Written, cancellationToken);
                    await repository.RunAsync(_ => session.Receive(Now, reply), cancellationToken);
                    losses = 0;
                }
                catch (ReplyCutException e)
                {
                    // What came is kept, so this ends: each time less is missing.
                    losses = await repository.RunAsync(_ => session.ReceiveFront(Now, e.Front), cancellationToken) ? 0 : losses + 1;
                    if (losses >= LossesMax) throw;
                    await Task.Delay(RetryPolicy.Standard.PauseAfter(Math.Max(losses, 1), null) ?? TimeSpan.Zero, clock, cancellationToken);
                }
                catch (MessageTooLargeException) when (++losses < LossesMax)
                {
                    session.OnLost(tooLarge: true);
                }
                catch (EdgeSyncException e) when (e is { Kind: ErrorKind.Unavailable } and not NoRespondersException && session.Report.Rounds > 0 && ++losses < LossesMax)
                {
                    // In the middle of a session it is worth another try; at its beginning the agent decides when.
                    session.OnLost();
                    await Task.Delay(RetryPolicy.Standard.PauseAfter(losses, null) ?? TimeSpan.Zero, clock, cancellationToken);
                }
            }

            return new SyncTally(session.Report, carrier.Responder, carrier.WireBytesSent, carrier.WireBytesReceived);
        }
        finally
        {
            // On the repository's thread: what the session had claimed is free from there on.
            await repository.RunAsync(_ => session.Dispose(), CancellationToken.None);
            opened.Store.Dispose();
        }
    }

    /// <summary>An exchange's end as the agent understands it.</summary>
    public static SyncOutcome OutcomeOf(SyncTally tally)
    {
        var report = tally.Report;
        var received = report.ArtifactsReceived + report.UnversionedReceived + report.RowsReceived;
        var sent = report.ArtifactsSent + report.UnversionedSent;
        if (report.Fault is not { } fault) return SyncOutcome.Ok(received, sent, tally.Responder) with { LeftToOthers = report.LeftToOthers };

        var kind = fault.Kind switch
        {
            SyncFaultKind.Denied or SyncFaultKind.LoginFailed => SyncOutcomeKind.Denied,
            SyncFaultKind.WrongProject => SyncOutcomeKind.WrongProject,
            SyncFaultKind.ReadOnly => SyncOutcomeKind.LocalFailed,
            _ => SyncOutcomeKind.PeerFailed,
        };
        return new SyncOutcome(kind, fault.Text, tally.Responder, received, sent);
    }

    /// <summary>A failure that kept an exchange from its end.</summary>
    public static SyncOutcome OutcomeOf(Exception failure) => failure switch
    {
        NoRespondersException => new SyncOutcome(SyncOutcomeKind.NoResponders, failure.Message),
        OperationCanceledException => new SyncOutcome(SyncOutcomeKind.Cancelled, "called off"),
        TimeoutException => new SyncOutcome(SyncOutcomeKind.TimedOut, failure.Message),
        EdgeSyncException { Kind: ErrorKind.Unavailable } => new SyncOutcome(SyncOutcomeKind.Unreachable, failure.Message),
        EdgeSyncException { Kind: ErrorKind.Denied } => new SyncOutcome(SyncOutcomeKind.Denied, failure.Message),
        EdgeSyncException { Kind: ErrorKind.System or ErrorKind.Corrupt } => new SyncOutcome(SyncOutcomeKind.LocalFailed, failure.Message),
        _ => new SyncOutcome(SyncOutcomeKind.PeerFailed, failure.Message),
    };

    private Opened Open(Repository repository)
    {
        var store = new RepositoryArtifactStore(repository);
        return new Opened(new ClientSession(store, options with { RequestBytesMax = Math.Min(options.RequestBytesMax, MemoryLimit.RequestBytesMax) }, repository.Entropy), store, repository.Settings["project-code"]);
    }

    private bool Build(ClientSession session, PooledBytes message)
    {
        message.Clear();
        return session.TryBuildRequest(Now, message);
    }

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private readonly record struct Opened(ClientSession Session, RepositoryArtifactStore Store, string? ProjectCode);
}
