using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Http;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>
/// <c>edgesync iroh netcheck</c>: what an endpoint on this machine has to work with. Only the relays that are named are
/// contacted.
/// </summary>
public static class NetCheck
{
    /// <summary>For what a relay is asked for, once it has answered.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <exception cref="EdgeSyncException">An address cannot be bound; a relay's address is none.</exception>
    public static async Task<IrohTestLine> RunAsync(IrohTestOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var key = TestKeys.KeyOf(options.Secret, options.KeyFile);
        var observed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = IrohTestHost.Start(options, key, accepts: false, happened =>
        {
            if (happened is { Kind: IrohEventKind.Observed, Text: not "" }) observed.TrySetResult();
        });
        var relays = await MeasureAsync(options.Relays, cancellationToken);
        var fault = await OnlineAsync(endpoint, relays, cancellationToken);
        if (fault is null && relays.Any(r => r.Answer?.AddressPort is not null))
            await WithinAsync(observed.Task, cancellationToken);
        return Describe(endpoint, relays, fault);
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
            return await WithinAsync(endpoint.OnlineAsync(cancellationToken), cancellationToken)
                ? null
                : "the relay does not take this endpoint";
        }
        catch (EdgeSyncException e)
        {
            return e.Message;
        }
    }

    private static async Task<bool> WithinAsync(Task task, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(Limit, cancellationToken);
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
            Nat = observed.Count == 0
                ? null
                : observed.Any(a => !IPAddress.IsLoopback(a.ToAddress()) && !local.Contains(a)),
        };
    }

    private static double? RoundTripOf(RelayAnswer? answer) =>
        answer is null ? null : Math.Round(answer.RoundTrip.TotalMilliseconds, 2);
}
