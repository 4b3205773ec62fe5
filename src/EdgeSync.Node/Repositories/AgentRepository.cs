using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Node.Repositories;

/// <summary>A repository as its agent uses it.</summary>
/// <param name="writer">Runs sessions, and writes the agent's state.</param>
/// <param name="readers">Runs queries.</param>
/// <param name="hasUnversioned">Unversioned files are synced.</param>
/// <param name="hasTables">Synced tables are.</param>
internal sealed class AgentRepository(
    string name, IRepositoryExecutor writer, IRepositoryExecutor readers, bool hasUnversioned, bool hasTables)
    : IAgentRepository
{
    private readonly CheckinCount _count = new();   // one query for changes runs at a time

    public string Name => name;

    public ISessionStore Sessions { get; } = new RepositorySessions(writer);

    public async Task<RepositoryChanges> ReadChangesAsync(RecordId after, CancellationToken cancellationToken)
    {
        var (found, unversioned, tables) = await readers.RunAsync(
            r => (
                Arrivals.Read(r, after, RepositoryChanges.ArtifactsMax, Announcement.FilesMax, _count),
                hasUnversioned ? r.Unversioned.CatalogHash : null,
                hasTables ? new SyncedTableStore(r).CatalogHash : null),
            cancellationToken);
        return new RepositoryChanges
        {
            Artifacts = [.. found.Items.Select(a => new NewArtifact(a.Rid, a.Id, a.IsCheckin))],
            Files = found.Files,
            MaxRid = found.MaxRid,
            FirstPhantom = found.FirstPhantom,
            UnversionedCatalog = unversioned,
            TableCatalog = tables,
            CheckIns = found.Checkins,
            Head = found.Head,
        };
    }

    public Task<bool> HoldsAsync(ArtifactId id, CancellationToken cancellationToken) =>
        readers.RunAsync(r => Arrivals.Holds(r, id), cancellationToken);

    public Task PersistAsync(IReadOnlyList<AgentEffect> writes) => writer.RunAsync(
        opened =>
        {
            if (opened.IsReadOnly) return;

            using var transaction = opened.Begin();
            foreach (var write in writes) Write(opened, write);
            transaction.Commit();
        },
        CancellationToken.None);

    private static void Write(Repository repository, AgentEffect write)
    {
        switch (write)
        {
            case AgentEffect.PersistWatermark mark:
                repository.Settings.Set(AgentMemory.PublishedRidKey, mark.PublishedRid.ToString());
                break;
            case AgentEffect.PersistSequence mark:
                repository.Settings.Set(
                    AgentMemory.DurableSequenceKey, mark.Sequence.ToString(CultureInfo.InvariantCulture));
                break;
            case AgentEffect.PersistPeer persist:
                PeerTable.Write(repository, persist.Peer);
                break;
            case AgentEffect.ForgetPeer forget:
                PeerTable.Remove(repository, forget.PeerId);
                break;
        }
    }
}
