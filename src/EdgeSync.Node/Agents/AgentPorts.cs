using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>What an agent's loops reach the world by, besides NATS.</summary>
internal sealed record AgentPorts
{
    public required IAgentRepository Repository { get; init; }

    /// <summary>Answers one request of a peer.</summary>
    public required AnswerRequest Answer { get; init; }

    /// <summary>Opens the transport to a target that is reached over HTTP.</summary>
    public required Func<SyncTarget, ITransport> OpenHttp { get; init; }

    /// <summary>As whom to log in there; null: not at all.</summary>
    public Func<SyncTarget, SyncLogin?> LoginFor { get; init; } = static _ => null;

    /// <summary>Names this node where check-ins are locked; null when it locks none.</summary>
    public string? LockId { get; init; }

    /// <summary>Called with each effect before it is begun.</summary>
    public Action<AgentEffect>? Performing { get; init; }

    /// <summary>Called when a session has ended, before the agent is.</summary>
    public Action<AgentEffect.StartSync, SyncOutcome>? SyncFinished { get; init; }
}

/// <summary>Answers one unpacked request out of a repository.</summary>
/// <param name="address">Who asks, for the records of the repository.</param>
/// <param name="origin">The address group of the connection that brought it to the embedded broker; null when
/// unknown.</param>
/// <param name="reply">Gets the unpacked reply.</param>
internal delegate Task<ServerOutcome> AnswerRequest(
    ReadOnlyMemory<byte> request, string address, string? origin, PooledBytes reply, long replyBytesMax,
    CancellationToken cancellationToken);
