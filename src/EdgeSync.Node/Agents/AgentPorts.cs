using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>The ports of an agent's loops, besides NATS.</summary>
internal sealed record AgentPorts
{
    public required IAgentRepository Repository { get; init; }

    /// <summary>Handles one request of a peer.</summary>
    public required AnswerRequest Answer { get; init; }

    /// <summary>Opens the transport to an HTTP target.</summary>
    public required Func<SyncTarget, ITransport> OpenHttp { get; init; }

    /// <summary>The login there; null: none.</summary>
    public Func<SyncTarget, SyncLogin?> LoginFor { get; init; } = static _ => null;

    /// <summary>The name of this node in check-in locks; null when it takes none.</summary>
    public string? LockId { get; init; }

    /// <summary>Called with each effect before it is started.</summary>
    public Action<AgentEffect>? Performing { get; init; }

    /// <summary>Called when a session has ended, before the agent is notified.</summary>
    public Action<AgentEffect.StartSync, SyncOutcome>? SyncFinished { get; init; }
}

/// <summary>Handles one unpacked request with a repository.</summary>
/// <param name="address">The requester, for the records of the repository.</param>
/// <param name="origin">The address group of the connection that sent it to the embedded broker; null when
/// unknown.</param>
/// <param name="reply">Receives the unpacked reply.</param>
internal delegate Task<ServerOutcome> AnswerRequest(
    ReadOnlyMemory<byte> request, string address, string? origin, PooledBytes reply, long replyBytesMax,
    CancellationToken cancellationToken);
