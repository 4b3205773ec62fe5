using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>How a store takes part in a mirror; docs/can.md lists the keys.</summary>
internal sealed record MirrorSettings
{
    /// <summary>The protocol of connections between stores (docs/formats/can-sync.md).</summary>
    public const string Protocol = "/edgesync/can/1";

    /// <summary>Whether the service takes part without being asked by an option.</summary>
    public bool IsOn { get; init; }

    /// <summary>What all stores of the mirror have in common; null: the store takes part in none.</summary>
    public string? Passphrase { get; init; }

    /// <summary>Separates mirrors that have the same passphrase by chance.</summary>
    public string Group { get; init; } = "";

    /// <summary>Of deriving the keys; null: the usual one, the same for all stores. Tests take less.</summary>
    public StretchCost? Stretch { get; init; }

    /// <summary>Limits and intervals.</summary>
    public SyncOptions Core { get; init; } = new();

    /// <summary>How people know this store.</summary>
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>Tickets or ids of other stores.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>Endpoints that may connect; empty: all that have the passphrase.</summary>
    public IReadOnlyList<EndpointId> Allowed { get; init; } = [];

    /// <summary>
    /// Endpoints that the node trusts may connect, besides those of <see cref="Allowed"/>, and no others. They are
    /// dialled, too.
    /// </summary>
    public bool AllowsTrusted { get; init; }

    /// <summary>
    /// Endpoints that may speak the original's protocol, which proves nothing of the passphrase (ADR 89); they are
    /// dialled, too. Empty: nobody.
    /// </summary>
    public IReadOnlyList<EndpointId> Originals { get; init; } = [];

    /// <summary>So may the endpoint that <see cref="ConnectTicketFile"/> names at the time.</summary>
    public bool TakesOriginalTicket { get; init; }

    /// <summary>Whether anyone may speak the original's protocol.</summary>
    public bool HasOriginals => Originals.Count > 0 || TakesOriginalTicket;

    /// <summary>Also meets in the records of the original, which can be guessed by anyone (ADR 65).</summary>
    public bool IsCompatible { get; init; }

    /// <summary>Where the ways to this endpoint are written; null: nowhere.</summary>
    public string? TicketFile { get; init; }

    /// <summary>Where another store writes its own; null: nowhere.</summary>
    public string? ConnectTicketFile { get; init; }

    /// <summary>Of contents, sent and received together.</summary>
    public LimitPlan Limit { get; init; } = new(null, []);

    /// <summary>What to set where the servers that are contacted are not wanted.</summary>
    public string ServersHint { get; init; } =
        "sync_discovery: local contacts none; own with sync_relays names yours";

    /// <summary>The endpoint.</summary>
    public IrohSection Iroh { get; init; } = new();
}
