using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>A repository as an agent and its sessions use it.</summary>
internal interface IAgentRepository
{
    /// <summary>For the log.</summary>
    string Name { get; }

    /// <summary>The store of this node's sessions.</summary>
    ISessionStore Sessions { get; }

    /// <exception cref="EdgeSyncException">The repository cannot be read just now.</exception>
    Task<RepositoryChanges> ReadChangesAsync(RecordId after, CancellationToken cancellationToken);

    Task<bool> HoldsAsync(ArtifactId id, CancellationToken cancellationToken);

    /// <summary>
    /// Stores the agent's state, in one transaction: the effects <c>Persist…</c> and <c>ForgetPeer</c>.
    /// </summary>
    Task PersistAsync(IReadOnlyList<AgentEffect> writes);
}
