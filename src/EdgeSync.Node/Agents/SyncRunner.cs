using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>Runs the sessions that an agent starts, side by side, and counts what they move.</summary>
/// <param name="openTransport">Opens the transport to a target; throws when there is none just now.</param>
internal sealed class SyncRunner(AgentPorts ports, Func<SyncTarget, ITransport> openTransport, TimeProvider clock)
{
    /// <summary>A first request fits into one message of any server; later ones may be sent in parts.</summary>
    private const int NatsRequestBytesFirst = 256 << 10;

    private readonly PullClaims _claims = new();

    public ConcurrentDictionary<string, TargetTally> Tallies { get; } = new();

    /// <param name="stop">Cancels the session.</param>
    public async Task<SyncOutcome> RunAsync(AgentEffect.StartSync start, CancellationToken stop)
    {
        using var silence = new CancellationTokenSource(start.Timeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop, silence.Token);
        var tally = Tallies.GetOrAdd(start.Target.Id, _ => new TargetTally());
        SyncOutcome outcome;
        try
        {
            using var transport = openTransport(start.Target);
            var claim = _claims.Open(Now);
            transport.Progressed = () =>
            {
                claim.OnHeard(Now);
                silence.CancelAfter(start.Timeout);
            };
            var options = OptionsFor(start.Target, start.Actions) with { Claim = claim, Wanted = start.Wanted };
            if (start.Target.Kind != TargetKind.Http)
                options = options with { RequestBytesFirst = NatsRequestBytesFirst };
            var result = await new SyncDriver(
                ports.Repository.Sessions, options, transport, clock).RunAsync(limit.Token);
            outcome = SyncDriver.OutcomeOf(result);
            tally.Add(result, outcome);
            return outcome;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            outcome = new SyncOutcome(
                SyncOutcomeKind.TimedOut, $"no data for {start.Timeout.TotalSeconds:F0} s");
        }
        catch (Exception e) when (
            e is EdgeSyncException or OperationCanceledException or IOException or TimeoutException)
        {
            outcome = SyncDriver.OutcomeOf(e);
        }

        tally.Add(outcome);
        return outcome;
    }

    /// <summary>One session outside of the agent's schedule: before a check-in is written.</summary>
    /// <exception cref="EdgeSyncException">The target cannot be reached, or is not a peer.</exception>
    public async Task<SyncReport> PullAsync(
        SyncTarget target, SyncActions actions, CheckinLockRequest? take, TimeSpan timeMax,
        CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(timeMax, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        using var transport = openTransport(target);
        var options = OptionsFor(target, actions) with { Lock = take };
        return (
            await new SyncDriver(ports.Repository.Sessions, options, transport, clock).RunAsync(limit.Token)).Report;
    }

    private ClientOptions OptionsFor(SyncTarget target, SyncActions actions) =>
        new()
        {
            Actions = actions,
            Login = ports.LoginFor(target),
            PeerKey = target.MemoryKey,
            ClientId = ports.LockId
        };

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());
}
