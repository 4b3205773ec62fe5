using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Simulation.Fleet;

/// <summary>What must hold in a fleet, each with its sentence.</summary>
internal static class FleetInvariants
{
    private const int ExtraAnnouncements = 4;

    public static string TableCatalog(IArtifactStore store) =>
        store.Tables is null || !store.Tables.List().Any(t => t.Name == Workload.Table.Name)
            ? SyncedRow.CatalogHash([])
            : SyncedRow.CatalogHash(store.Tables.ListRows(Workload.Table.Name));

    /// <summary>
    /// One line that is the same in two repositories that hold the same, but for what some have shunned.
    /// </summary>
    public static string Fingerprint(Fleet fleet, FleetNode node) => node.Repository.Read(node.Now, s => string.Create(
        CultureInfo.InvariantCulture,
        $"{s.Walk(ArtifactList.Public).Count(a => !fleet.ShunnedIds.Contains(a.Id))} {s.Unversioned.CatalogHash} "
            + $"{TableCatalog(s)}"));

    /// <summary>
    /// All repositories hold the same: artifacts, unversioned files and rows; and nothing that was made is lost.
    /// </summary>
    public static IEnumerable<string> Convergence(Fleet fleet)
    {
        var all = fleet.Nodes.SelectMany(n => n.Repository.PublicIds(n.Now)).Except(fleet.ShunnedIds).ToHashSet();
        var first = fleet.Nodes[0];
        foreach (var node in fleet.Nodes)
        {
            var missing = all.Except(node.Repository.PublicIds(node.Now)).ToList();
            var (mine, theirs) = (Fingerprint(fleet, node), Fingerprint(fleet, first));
            if (missing.Count > 0)
                yield return $"same artifacts: {node.Name} lacks {missing.Count} of {all.Count}, first "
                    + $"{missing[0].ToShortString()} ({Why(node)})";
            else if (mine != theirs)
                yield return $"same state: {node.Name} has {mine}, {first.Name} has {theirs} ({Why(node)})";
        }
    }

    /// <summary>Two endpoints that know each other have one link between them, whoever opened it.</summary>
    public static IEnumerable<string> OneLinkEach(Fleet fleet) =>
        from node in fleet.Nodes
        from peer in node.Peers
        let count = node.Broker?.TunnelTo(peer)?.UpCount ?? 0
        where count != 1
        select $"links: {node.Name} has {count} with {fleet.Nodes.First(n => n.Endpoint == peer).Name}";

    /// <summary>Every queue is bounded, at every moment.</summary>
    public static IEnumerable<string> Bounds(Fleet fleet)
    {
        foreach (var node in fleet.Nodes)
        {
            if (node.Agent?.StatusAt(node.Now) is { } status)
            {
                if (status.Wanted > WantedList.CountMax) yield return $"bounds: {node.Name} wants {status.Wanted}";
                if (status.Targets.Count > TargetTable.StatesMax + fleet.Nodes.Count)
                    yield return $"bounds: {node.Name} has {status.Targets.Count} targets";
                if (status.Targets.Count(t => t.IsRunning) > 4)
                    yield return $"bounds: {node.Name} runs {status.Targets.Count(t => t.IsRunning)} exchanges";
                if (status.State == AgentState.Behind && status.Reasons.Count == 0)
                    yield return $"reasons: {node.Name} is behind without a reason";
            }

            if (node.Responder is { } responder && (responder.HeldBytes > 128L << 20 || responder.Transfers > 64))
                yield return $"bounds: {node.Name} keeps {responder.Transfers} transfers, {responder.HeldBytes} bytes";
            if (node.Broker is { } broker && broker.PendingBytes > 64L << 20)
                yield return $"bounds: broker of {node.Name} holds {broker.PendingBytes} bytes";
            if (node.Client is { } client && client.RequestsOpen > 64)
                yield return $"bounds: {node.Name} waits for {client.RequestsOpen} replies";
        }
    }

    /// <summary>
    /// A piece of news crosses a link a few times, however many nodes there are: its maker's, each hub's, and some
    /// relays.
    /// </summary>
    public static IEnumerable<string> Storms(Fleet fleet)
    {
        var hubs = fleet.Nodes.Count(n => n.Role == NodeRole.Hub);
        var restarts = fleet.Nodes.Sum(n => n.Restarts);
        var most = 1 + hubs + ExtraAnnouncements + restarts
            + (fleet.Options.Severity == Severity.Normal ? 0 : fleet.Faults);
        foreach (var node in fleet.Nodes)
            foreach (var (uuid, count) in node.Heard)
                if (count > most)
                {
                    yield return $"storms: {node.Name} heard {uuid[..10]} {count} times, {most} at most";
                    break;
                }
    }

    /// <summary>Nodes in sync are quiet: after convergence only the fallback polls run.</summary>
    public static IEnumerable<string> Quiet(Fleet fleet, int syncs, TimeSpan span)
    {
        // Over NATS pauses grow from 5 s; HTTP stays at 5 s, a fifth sooner by jitter.
        // A circle's refused link that is tried again makes all look whether they missed something.
        // Where either side opens a link, a broker may have opened both of its links: it announces the interest of one
        // hub to no other (ILeafLink), so that nodes that were known before are asked for in vain, ever more rarely.
        var perNode = (fleet.HasCircles || fleet.Options.IsIroh ? 24 : 8)
            + (span / TimeSpan.FromSeconds(4) * (fleet.HasWeb ? 2 : 0));
        var most = perNode * fleet.Nodes.Count;
        if (syncs > most) yield return $"quiet: {syncs} exchanges in {span.TotalSeconds} s of nothing, {most} at most";
    }

    /// <summary>
    /// In the quiet no agent waits for an answer about its own repository: it would announce nothing any more.
    /// </summary>
    public static IEnumerable<string> Questions(Fleet fleet)
    {
        foreach (var node in fleet.Nodes)
            if (node.Agent is { IsReadingChanges: true })
                yield return $"questions: {node.Name} never learns what came into its repository";
    }

    /// <summary>When all have gone nothing stays behind: neither subscriptions nor interest on links.</summary>
    public static IEnumerable<string> Leaks(Fleet fleet)
    {
        var brokers = fleet.Brokers.ToList();
        foreach (var broker in brokers)
        {
            var name = broker.Core.Options.ServerName;
            // Each broker's loop mark is known to all that it is joined to.
            if (broker.Core.Subscriptions.Count >= brokers.Count)
                yield return $"leaks: {name} keeps {broker.Core.Subscriptions.Count} subscriptions, "
                    + $"{broker.Core.ClientCount} clients, {broker.Core.LeafCount} links";
            if (broker.Links.Interest.Count > brokers.Count + 1)
                yield return $"leaks: {name} keeps interest in {broker.Links.Interest.Count} subjects";
            if (broker.PendingBytes > 0 && broker.Core.ClientCount == 0 && broker.Core.LeafCount == 0)
                yield return $"leaks: {name} holds {broker.PendingBytes} bytes for nobody";
        }
    }

    private static string Why(FleetNode node) =>
        node.Agent is { } agent ? string.Join("; ", agent.StatusAt(node.Now).Reasons.Take(3)) : "it is down";
}
