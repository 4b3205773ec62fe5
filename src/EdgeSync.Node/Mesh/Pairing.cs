using System.Text.Json;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Control;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage.Users;

namespace EdgeSync.Node.Mesh;

/// <summary>A pairing code that waits for a machine.</summary>
/// <param name="Code">For the other machine.</param>
internal sealed record OpenPairing(string Code, Instant ExpiresAt);

/// <summary>
/// Lets one machine become a trusted peer by a code that is used once, after both sides have confirmed. While a code is
/// valid, unknown endpoints may connect to present it; nothing else is open to them. Thread-safe.
/// </summary>
internal sealed class Pairing(NodeContext node) : IDisposable
{
    /// <summary>How long a code is valid.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(10);

    /// <summary>Until the request of a connection is whole.</summary>
    private static readonly TimeSpan RequestTimeMax = TimeSpan.FromSeconds(15);

    /// <summary>Connections of strangers at the same time.</summary>
    private const int StrangersMax = 4;

    /// <summary>Wrong codes until the right one is withdrawn.</summary>
    private const int WrongMax = 8;

    private readonly Lock _gate = new();
    private RepositoryHost? _host;
    private Instant _openUntil;
    private int _strangers;
    private int _wrong;
    private Candidate? _candidate;
    private TaskCompletionSource _arrived = NewSignal();

    /// <summary>A code is valid.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate) return _host is not null && Now < _openUntil;
        }
    }

    /// <summary>Makes a code; one that was made before is not accepted any more.</summary>
    /// <param name="host">The repository that is opened.</param>
    /// <param name="own">The ways to this node.</param>
    public async Task<OpenPairing> BeginAsync(
        RepositoryHost host, EndpointAddress own, string capabilities, CancellationToken cancellationToken)
    {
        var (token, expires) = await host.Writer.RunAsync(
            r => r.TrustedPeers.CreateToken(TimeToLive, capabilities), cancellationToken);
        lock (_gate)
        {
            (_host, _openUntil, _wrong) = (host, expires, 0);
            _candidate?.Answer.TrySetResult(false);
            _candidate = null;
            _arrived = NewSignal();
        }

        return new OpenPairing(new PairCode(token, expires, own).Encode(), expires);
    }

    /// <summary>Waits for the machine that presents the code.</summary>
    /// <exception cref="EdgeSyncException">None came in time.</exception>
    public async Task<PairCandidate> WaitAsync(CancellationToken cancellationToken)
    {
        Task arrived;
        TimeSpan rest;
        lock (_gate)
        {
            (arrived, rest) = (_arrived.Task, _openUntil - Now);
            if (_candidate is { } early) return early.Machine;
        }

        try
        {
            if (rest > TimeSpan.Zero) await arrived.WaitAsync(rest, node.Clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // reported below
        }

        lock (_gate)
        {
            return _candidate?.Machine ?? throw new EdgeSyncException(
                ErrorKind.Unavailable, "no machine has used the pairing code in time", "edgesync pair");
        }
    }

    /// <summary>Confirms or refuses the machine that presented the code.</summary>
    /// <param name="id">Of that machine.</param>
    /// <exception cref="EdgeSyncException">It is gone.</exception>
    public async Task AnswerAsync(string id, bool accepts, CancellationToken cancellationToken)
    {
        Candidate candidate;
        lock (_gate)
        {
            candidate = _candidate is { } present && present.Machine.Id == id
                ? present
                : throw new EdgeSyncException(ErrorKind.NotFound, "that machine waits no longer", "edgesync pair");
        }

        candidate.Answer.TrySetResult(accepts);
        await candidate.Done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Serves a connection of the pairing protocol to its end.</summary>
    /// <param name="trusted">Called when a peer was stored.</param>
    public async Task ServeAsync(IrohConnection connection, Func<Task> trusted, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_strangers >= StrangersMax || _host is null || Now >= _openUntil)
            {
                connection.Close(IrohProtocol.NotAllowed, "not allowed");
                return;
            }

            _strangers++;
        }

        try
        {
            await ServeOneAsync(connection, trusted, cancellationToken);
        }
        catch (Exception e) when (
            e is QuicClosedException or QuicStreamException or JsonException or OperationCanceledException
            or TimeoutException)
        {
            // It has gone, takes too long, or speaks something else.
        }
        finally
        {
            lock (_gate) _strangers--;
            connection.Close(0, "");
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _host = null;
            _candidate?.Answer.TrySetResult(false);
        }
    }

    private async Task ServeOneAsync(IrohConnection connection, Func<Task> trusted, CancellationToken cancellationToken)
    {
        HostStream stream;
        PairRequest? request;
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            using var timer = node.Clock.CreateTimer(
                state => ((CancellationTokenSource)state!).Cancel(), patience, RequestTimeMax,
                Timeout.InfiniteTimeSpan);
            stream = await connection.AcceptStreamAsync(patience.Token);
            request = await PairWire.ReadAsync(stream, PairContext.Default.PairRequest, patience.Token);
        }

        await using var owned = stream;
        var answer = await AnswerOfAsync(connection, request, trusted, cancellationToken);
        await PairWire.WriteLastAsync(stream, answer, PairContext.Default.PairAnswer, cancellationToken);
        // The answer has arrived when the peer closes, which it does then.
        await ((Task)connection.Closed).WaitAsync(RequestTimeMax, node.Clock, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<PairAnswer> AnswerOfAsync(
        IrohConnection connection, PairRequest? request, Func<Task> trusted, CancellationToken cancellationToken)
    {
        RepositoryHost? host;
        lock (_gate) host = _host;
        var capabilities = host is null || request is not { Token.Length: 2 * TrustedPeerStore.TokenBytes }
            || !request.Token.All(char.IsAsciiHexDigit)
            ? null
            : await host.Writer.RunAsync(
                r => r.TrustedPeers.TakeToken(Convert.FromHexString(request.Token)), cancellationToken);
        if (capabilities is null)
        {
            OnWrong();
            return new PairAnswer(
                false, node.NodeId, Reason: "the code is wrong, was used, or is older than ten minutes");
        }

        var machine = new PairCandidate(
            connection.Peer.ToString(), DisplayText.Name(request!.Name), capabilities);
        var candidate = new Candidate(machine);
        lock (_gate)
        {
            _candidate = candidate;
            _arrived.TrySetResult();
        }

        try
        {
            return await AskedAsync(connection, candidate, request, host!, trusted, cancellationToken);
        }
        finally
        {
            lock (_gate)
            {
                if (_candidate == candidate) (_candidate, _host) = (null, null);
            }

            candidate.Done.TrySetResult();
        }
    }

    private async Task<PairAnswer> AskedAsync(
        IrohConnection connection, Candidate candidate, PairRequest request, RepositoryHost host, Func<Task> trusted,
        CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(candidate.Answer.Task, connection.Closed)
            .WaitAsync(TimeToLive, node.Clock, cancellationToken);
        if (first != candidate.Answer.Task || !await candidate.Answer.Task)
            return new PairAnswer(false, node.NodeId, Reason: "it was refused there");

        var machine = candidate.Machine;
        var ticket = request.Ticket is { } text && EndpointTicket.TryParse(text, out var address) == TicketFault.None
            && address!.Id == connection.Peer
            ? text
            : null;
        var project = await host.Writer.RunAsync(
            r =>
            {
                r.TrustedPeers.Set(new TrustedPeer(machine.Id, machine.Capabilities, r.Now)
                {
                    Name = machine.Name,
                    Ticket = ticket,
                });
                return r.ProjectCode;
            },
            cancellationToken);
        node.Log.IrohPaired(machine.Id, machine.Name, machine.Capabilities);
        await trusted();
        return new PairAnswer(true, node.NodeId, machine.Capabilities, project);
    }

    private void OnWrong()
    {
        lock (_gate)
        {
            if (++_wrong >= WrongMax) _host = null;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Instant Now => Instant.FromDateTime(node.Clock.GetUtcNow());

    private sealed record Candidate(PairCandidate Machine)
    {
        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Done { get; } = NewSignal();
    }
}
