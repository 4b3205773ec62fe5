using System.IO.Pipelines;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Sync;

/// <summary>The result of a session with its bytes on the wire.</summary>
internal sealed record SyncTally(SyncReport Report, string? Responder, long WireBytesSent, long WireBytesReceived);

/// <summary>
/// Drives one session over any transport, for commands and daemons. Every step that uses the repository runs on
/// <paramref name="repository"/>; waiting for the network holds neither it nor a transaction. The exception is a clone,
/// whose replies are stored while they arrive: no other process uses its file yet.
/// </summary>
internal sealed class SyncDriver(
    ISessionStore repository, ClientOptions options, ITransport transport, TimeProvider clock)
{
    public SyncDriver(IRepositoryExecutor repository, ClientOptions options, ITransport transport, TimeProvider clock)
        : this(new RepositorySessions(repository), options, transport, clock)
    {
    }

    /// <summary>Requests in a row that may be lost in the middle of a session.</summary>
    private const int LossesMax = 4;

    /// <summary>Called with each step, on the thread that runs it.</summary>
    public Action<SyncProgress>? Observer { get; init; }

    /// <exception cref="EdgeSyncException">The peer cannot be reached, or is not a peer.</exception>
    public async Task<SyncTally> RunAsync(CancellationToken cancellationToken)
    {
        var opened = Open(await repository.OpenAsync(cancellationToken));
        using var span = SessionSpan.Begin(SessionFacts.Of(transport.Route, opened.ProjectCode, options.Actions));
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
            while (await repository.RunAsync(() => Build(session, message), cancellationToken))
            {
                try
                {
                    await ExchangeAsync(session, message, cancellationToken);
                    losses = 0;
                }
                catch (ReplyCutException e)
                {
                    // What arrived is kept, so this ends: each time less is missing.
                    losses = await repository.RunAsync(() => session.ReceiveFront(Now, e.Front), cancellationToken)
                        ? 0
                        : losses + 1;
                    if (losses >= LossesMax) throw;
                    await PauseAsync(Math.Max(losses, 1), cancellationToken);
                }
                catch (MessageTooLargeException) when (++losses < LossesMax)
                {
                    await repository.RunAsync(() => session.OnLost(tooLarge: true), cancellationToken);
                }
                catch (EdgeSyncException e) when (MayBeLost(e, session) && ++losses < LossesMax)
                {
                    // The request is built again: a login that the peer may have received already must not look like a
                    // replay.
                    await repository.RunAsync(() => session.OnLost(), cancellationToken);
                    await PauseAsync(losses, cancellationToken);
                }
            }

            return new SyncTally(
                session.Report, transport.Responder, transport.WireBytesSent, transport.WireBytesReceived);
        }
        finally
        {
            // On the executor: the session's claims are free from there on.
            await repository.RunAsync(
                () =>
                {
                    session.Dispose();
                    opened.Store.Close();
                },
                CancellationToken.None);
        }
    }

    // In the middle of a session a lost request is retried; at its start the transport or the agent decides. A status
    // of HTTP is not a loss: the transport has retried it as often as the server lets it.
    private static bool MayBeLost(EdgeSyncException e, ClientSession session) =>
        e is { Kind: ErrorKind.Unavailable } and not (NoRespondersException or XferHttpException)
        && session.Report.Rounds > 0;

    private Task PauseAsync(int losses, CancellationToken cancellationToken) =>
        Task.Delay(RetryPolicy.Standard.PauseAfter(losses, null) ?? TimeSpan.Zero, clock, cancellationToken);

    private async Task ExchangeAsync(ClientSession session, PooledBytes message, CancellationToken cancellationToken)
    {
        await using var reply = await transport.ExchangeAsync(
            message.Written, repository.IsExclusive && options.Actions.HasFlag(SyncActions.Clone), cancellationToken);
        if (reply.Stream is { } stream)
        {
            await repository.RunAsync(() => session.BeginReply(Now), cancellationToken);
            await FeedAsync(session, stream, cancellationToken);
        }
        else
        {
            await repository.RunAsync(() => session.Receive(Now, reply.Whole), cancellationToken);
        }
    }

    private async Task FeedAsync(ClientSession session, PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var consumed = await repository.RunAsync(
                () =>
                {
                    session.Feed(read.Buffer, read.IsCompleted, out var position);
                    if (read.IsCompleted) session.EndReply();
                    return position;
                },
                cancellationToken);
            reader.AdvanceTo(consumed, read.Buffer.End);
            if (read.IsCompleted) return;
        }
    }

    /// <summary>The result of a session in the agent's terms.</summary>
    public static SyncOutcome OutcomeOf(SyncTally tally)
    {
        var report = tally.Report;
        var received = report.ArtifactsReceived + report.UnversionedReceived + report.RowsReceived;
        var sent = report.ArtifactsSent + report.UnversionedSent;
        if (report.Fault is not { } fault)
            return SyncOutcome.Ok(received, sent, tally.Responder) with { LeftToOthers = report.LeftToOthers };

        var kind = fault.Kind switch
        {
            SyncFaultKind.Denied or SyncFaultKind.LoginFailed => SyncOutcomeKind.Denied,
            SyncFaultKind.WrongProject => SyncOutcomeKind.WrongProject,
            SyncFaultKind.ReadOnly => SyncOutcomeKind.LocalFailed,
            _ => SyncOutcomeKind.PeerFailed,
        };
        return new SyncOutcome(kind, fault.Text, tally.Responder, received, sent);
    }

    /// <summary>The failure of a session in the agent's terms.</summary>
    public static SyncOutcome OutcomeOf(Exception failure) => failure switch
    {
        NoRespondersException => new SyncOutcome(SyncOutcomeKind.NoResponders, failure.Message),
        OperationCanceledException => new SyncOutcome(SyncOutcomeKind.Cancelled, "called off"),
        TimeoutException => new SyncOutcome(SyncOutcomeKind.TimedOut, failure.Message),
        EdgeSyncException { Kind: ErrorKind.Unavailable } =>
            new SyncOutcome(SyncOutcomeKind.Unreachable, failure.Message),
        EdgeSyncException { Kind: ErrorKind.Denied } => new SyncOutcome(SyncOutcomeKind.Denied, failure.Message),
        EdgeSyncException { Kind: ErrorKind.System or ErrorKind.Corrupt } =>
            new SyncOutcome(SyncOutcomeKind.LocalFailed, failure.Message),
        _ => new SyncOutcome(SyncOutcomeKind.PeerFailed, failure.Message),
    };

    private Opened Open(SessionStore store)
    {
        var bounded = options with { RequestBytesMax = Math.Min(options.RequestBytesMax, MemoryLimit.RequestBytesMax) };
        return new Opened(
            new ClientSession(store.Artifacts, bounded, store.Entropy, Observer), store, store.ProjectCode);
    }

    private bool Build(ClientSession session, PooledBytes message)
    {
        message.Clear();
        return session.TryBuildRequest(Now, message);
    }

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private readonly record struct Opened(ClientSession Session, SessionStore Store, string? ProjectCode);
}
