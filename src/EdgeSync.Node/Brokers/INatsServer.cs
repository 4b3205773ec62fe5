using EdgeSync.Nats;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Brokers;

/// <summary>The NATS server of a node: the broker in its process, a supervised one beside it, or an outside
/// one.</summary>
internal interface INatsServer : IAsyncDisposable
{
    /// <exception cref="EdgeSyncException">A port is in use, a file is missing, a credential is malformed.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>The bus for publishing, subscribing and requesting.</summary>
    INatsBus Bus { get; }

    /// <summary>Its listening addresses for this node, by kind.</summary>
    IEnumerable<KeyValuePair<string, string>> Addresses { get; }

    /// <summary>The nodes at the other ends of our uplinks.</summary>
    IEnumerable<string> UpstreamNames { get; }

    int LeafCount { get; }

    NatsLinkStatus LinkStatus { get; }

    /// <summary>Null for an outside server.</summary>
    BrokerStatus? BrokerStatus { get; }

    /// <summary>
    /// Applies changed hubs, logins and users, as far as possible while it runs. False: it needs another connection.
    /// </summary>
    /// <exception cref="EdgeSyncException">A file is missing, a credential is malformed; then nothing has
    /// changed.</exception>
    Task<bool> TryChangeAsync(NatsSection wanted);

    /// <summary>
    /// Sends its clients elsewhere, and completes when they have left; at once where the clients are not ours.
    /// </summary>
    Task DrainAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="NatsAccess.TailReader"/>
    Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec stream, ulong after, int countMax, CancellationToken cancellationToken);
}
