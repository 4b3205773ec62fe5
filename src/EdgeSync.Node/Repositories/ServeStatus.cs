using EdgeSync.Node.Status;

namespace EdgeSync.Node.Repositories;

/// <summary>The status of a process that serves one repository and does nothing else.</summary>
internal sealed class ServeStatus(RepositoryHost repository, string role, TimeProvider clock) : INodeStatusSource
{
    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();

    /// <summary>Known once it listens.</summary>
    public IReadOnlyDictionary<string, string> Addresses { get; set; } = new Dictionary<string, string>();

    public async ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken)
    {
        var readiness = await repository.CheckReadinessAsync(cancellationToken);
        return new NodeStatus
        {
            Node = Environment.MachineName,
            Role = role,
            StartedAt = _startedAt,
            Now = clock.GetUtcNow(),
            Checks = [.. readiness.Checks.Select(c => NodeCheck.Of(c.Name, c.Fault))],
            Repositories = [await repository.StatusAsync(cancellationToken)],
            Addresses = Addresses,
        };
    }
}
