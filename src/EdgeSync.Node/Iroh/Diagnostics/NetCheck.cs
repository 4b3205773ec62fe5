using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Http;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>
/// <c>edgesync iroh netcheck</c>: what an endpoint on this machine has to work with. Only the relays that are named,
/// and the router for a port, are contacted.
/// </summary>
public static class NetCheck
{
    /// <summary>For what a relay is asked for, once it has answered.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// For the router, which is asked by three protocols in turn: the first two take 4 s each when it is silent.
    /// </summary>
    private static readonly TimeSpan MappingLimit = TimeSpan.FromSeconds(20);

    /// <exception cref="EdgeSyncException">An address cannot be bound; a relay's address is none.</exception>
    public static async Task<IrohTestLine> RunAsync(IrohTestOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var key = TestKeys.KeyOf(options.Secret, options.KeyFile);
        var observed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mapping = new TaskCompletionSource<IrohTestPortMapping>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = IrohTestHost.Start(options, key, accepts: false, happened =>
        {
            if (happened is { Kind: IrohEventKind.Observed, Text: not "" }) observed.TrySetResult();
            if (MappingOf(happened) is { } known) mapping.TrySetResult(known);
        });
        var relays = await MeasureAsync(options.Relays, cancellationToken);
        var fault = await OnlineAsync(endpoint, relays, cancellationToken);
        if (fault is null && relays.Any(r => r.Answer is { } answer && (answer.AddressPort is not null || r.Url.IsTls)))
            await WithinAsync(observed.Task, Limit, cancellationToken);
        if (!options.MapsPort) return Describe(endpoint, relays, fault);

        var isKnown = await WithinAsync(mapping.Task, MappingLimit, cancellationToken);
        return Describe(endpoint, relays, fault) with
        {
            PortMapping = isKnown
                ? await mapping.Task
                : new IrohTestPortMapping(null, null, null, "the router has not answered in time"),
        };
    }

    private static async Task<List<(RelayUrl Url, RelayAnswer? Answer)>> MeasureAsync(
        IReadOnlyList<string> relays, CancellationToken cancellationToken)
    {
        using var http = HttpConnections.Client();
        var probe = new RelayProbe(http, TimeProvider.System);
        var measured = new List<(RelayUrl, RelayAnswer?)>();
        foreach (var relay in relays.Select(TestKeys.RelayOf))
        {
            // The first answer includes the connection's begin.
            await probe.AskAsync(relay, cancellationToken);
            measured.Add((relay, await probe.AskAsync(relay, cancellationToken)));
        }

        return measured;
    }

    private static async Task<string?> OnlineAsync(
        IrohEndpoint endpoint, List<(RelayUrl Url, RelayAnswer? Answer)> relays, CancellationToken cancellationToken)
    {
        if (relays.Count > 0 && relays.All(r => r.Answer is null)) return "no relay answers";
        try
        {
            return await WithinAsync(endpoint.OnlineAsync(cancellationToken), Limit, cancellationToken)
                ? null
                : "the relay does not take this endpoint";
        }
        catch (EdgeSyncException e)
        {
            return e.Message;
        }
    }

    private static async Task<bool> WithinAsync(Task task, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(limit, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static IrohTestLine Describe(
        IrohEndpoint endpoint, List<(RelayUrl Url, RelayAnswer? Answer)> relays, string? fault)
    {
        var home = endpoint.Relay is { IsOnline: true } relay ? relay.Url : null;
        var (observed, local) = (endpoint.Observed, endpoint.Local);
        return new IrohTestLine
        {
            Event = "result",
            Verb = "netcheck",
            Ok = fault is null,
            Error = fault,
            Relay = home?.Text,
            Relays = [.. relays.Select(r => new IrohTestRelay(r.Url.Text, RoundTripOf(r.Answer), r.Url == home))],
            Direct = [.. local.Select(a => a.ToString())],
            Bound = [.. endpoint.Bound.Select(b => b.ToString())],
            Observed = [.. observed.Select(a => a.ToString())],
            ObservedBy = endpoint.ObservedBy is { } by
                ? new IrohTestObserver(by.Relay.Text, by.Protocol, by.Port)
                : null,
            Nat = observed.Count == 0
                ? null
                : observed.Any(a => !IPAddress.IsLoopback(a.ToAddress()) && !local.Contains(a)),
        };
    }

    /// <summary>What an event says of the router; null when it is about something else, or says nothing yet.</summary>
    private static IrohTestPortMapping? MappingOf(IrohEvent happened) => happened switch
    {
        { Kind: IrohEventKind.PortMapped, Mapped: { } mapped } => new IrohTestPortMapping(
            mapped.Protocol, mapped.External.ToString(), mapped.Lifetime.TotalSeconds, null),
        { Kind: IrohEventKind.PortNotMapped, Text: { Length: > 0 } refusal } =>
            new IrohTestPortMapping(null, null, null, refusal),
        _ => null,
    };

    private static double? RoundTripOf(RelayAnswer? answer) =>
        answer is null ? null : Math.Round(answer.RoundTrip.TotalMilliseconds, 2);
}
