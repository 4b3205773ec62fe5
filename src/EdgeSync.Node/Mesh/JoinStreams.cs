using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// Serves machines that join by a code over iroh: one stream with the request of <c>/join</c>, and its reply. While a
/// code is valid, unknown endpoints may connect to present it. Thread-safe.
/// </summary>
internal sealed class JoinStreams(JoinGate joins, NodeContext node)
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(15);

    /// <summary>Connections of strangers at the same time.</summary>
    private const int StrangersMax = 4;

    /// <summary>Ids cost a stranger nothing, so that all of them count as one.</summary>
    private const string Origin = "iroh";

    private readonly Lock _gate = new();
    private Instant _openUntil;
    private int _strangers;

    /// <summary>A code is valid.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate) return Now < _openUntil;
        }
    }

    /// <summary>Reads again until when codes are valid.</summary>
    public async Task RefreshAsync(IReadOnlyList<RepositoryHost> hosts, CancellationToken cancellationToken)
    {
        Instant until = default;
        foreach (var host in hosts)
        {
            var end = await host.Readers.RunAsync(r => r.JoinTokens.OpenUntil(), cancellationToken);
            if (end > until) until = end.Value;
        }

        lock (_gate) _openUntil = until;
    }

    /// <summary>Serves a connection to its end.</summary>
    public async Task ServeAsync(IrohConnection connection, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_strangers >= StrangersMax || Now >= _openUntil)
            {
                connection.Close(IrohProtocol.NotAllowed, "not allowed");
                return;
            }

            _strangers++;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = node.Clock.CreateTimer(
            state => ((CancellationTokenSource)state!).Cancel(), patience, TimeMax, Timeout.InfiniteTimeSpan);
        try
        {
            await ServeOneAsync(connection, patience.Token);
            await ((Task)connection.Closed).WaitAsync(patience.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception e) when (e is QuicClosedException or QuicStreamException or OperationCanceledException)
        {
            // It has gone, or takes too long.
        }
        finally
        {
            lock (_gate) _strangers--;
            connection.Close(0, "");
        }
    }

    private async Task ServeOneAsync(IrohConnection connection, CancellationToken cancellationToken)
    {
        await using var stream = await connection.AcceptStreamAsync(cancellationToken);
        var asked = await PairWire.ReadAsync(stream, cancellationToken) is { } body ? JoinRequest.TryParse(body) : null;
        if (asked is null)
        {
            stream.Reset(IrohProtocol.Malformed);
            return;
        }

        // The id that was proved, whatever the request says.
        var id = connection.Peer.ToString();
        var outcome = await joins.RedeemAsync(
            asked with { Endpoint = id }, $"iroh:{id}", node.Logins.GateOf(Origin, "join"), cancellationToken);
        if (outcome.Answer is { } answer) await stream.WriteLastAsync(answer.ToJson(), cancellationToken);
        else stream.Reset((ulong)outcome.Status);
    }

    private Instant Now => Instant.FromDateTime(node.Clock.GetUtcNow());
}
