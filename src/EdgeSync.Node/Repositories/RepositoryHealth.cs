using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Whether a repository can be written, and its figures; others add its peers.
/// </summary>
internal sealed class RepositoryHealth(
    RepositoryQueue writer, ReaderPool readers, bool isReadOnly, TimeProvider clock, ILogger log)
{
    private const long FreeBytesMin = 64 << 20;
    private static readonly TimeSpan WritableWait = TimeSpan.FromSeconds(2);

    private int _diskIsShort;

    /// <summary>
    /// The checks <c>repository</c> and <c>disk</c> of each; with several, <c>repository:NAME</c> and <c>disk:NAME</c>.
    /// </summary>
    public static async Task<IReadOnlyList<NodeCheck>> CheckAsync(
        IReadOnlyList<RepositoryHost> hosts, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        foreach (var host in hosts)
        {
            var suffix = hosts.Count == 1 ? "" : ":" + host.Name;
            checks.Add(NodeCheck.Of("repository" + suffix, await host.Health.RepositoryFaultAsync(cancellationToken)));
            checks.Add(NodeCheck.Of("disk" + suffix, host.Health.DiskFault()));
        }

        return checks;
    }

    public async ValueTask<RepositoryStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var status = new RepositoryStatus
        {
            Name = Path.GetFileNameWithoutExtension(writer.Path),
            Path = Path.GetFullPath(writer.Path)
        };
        try
        {
            var vitals = await readers.RunAsync(RepositoryOverview.Of, cancellationToken);
            return status with
            {
                ProjectCode = vitals.ProjectCode,
                ProjectName = vitals.ProjectName,
                IsReadOnly = isReadOnly || writer.WriteFault is not null,
                FileBytes = new FileInfo(writer.Path).Length,
                Checkins = vitals.Checkins,
                LastCheckinAt = vitals.LastDate is { } date ? new DateTimeOffset(date.ToDateTime()) : null,
            };
        }
        catch (Exception e) when (e is EdgeSyncException or IOException)
        {
            return status;   // the checks give the reason
        }
    }

    private async Task<string?> RepositoryFaultAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await writer.RunAsync(
                repository =>
                {
                    if (writer.WriteFault is { } fault) return fault.Message;
                    if (repository.IsReadOnly) return "read-only";
                    using var probe = repository.Begin();   // takes the write lock, and releases it
                    return null;
                },
                cancellationToken).WaitAsync(WritableWait, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return $"no write lock within {WritableWait.TotalSeconds:F0} s";
        }
        catch (EdgeSyncException e)
        {
            return e.Message;
        }
    }

    private string? DiskFault()
    {
        var free = new DriveInfo(Path.GetFullPath(writer.Path)).AvailableFreeSpace;
        var fault = free >= FreeBytesMin ? null : $"only {DisplayText.Bytes(free)} left";
        if (Interlocked.Exchange(ref _diskIsShort, fault is null ? 0 : 1) == 0 && fault is not null)
            log.DiskLow(writer.Path, free);
        return fault;
    }
}
