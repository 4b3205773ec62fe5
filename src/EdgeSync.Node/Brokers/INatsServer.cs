using EdgeSync.Nats;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Brokers;

/// <summary>The NATS server that a node uses: the broker of its own process, one beside it, or another's.</summary>
internal interface INatsServer : IAsyncDisposable
{
    /// <exception cref="EdgeSyncException">A port is taken, a file is missing, a credential is none.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>What this node publishes, subscribes and asks with.</summary>
    INatsBus Bus { get; }

    /// <summary>Where it listens on behalf of this node, by what.</summary>
    IEnumerable<KeyValuePair<string, string>> Addresses { get; }

    /// <summary>The nodes at the other ends of our uplinks.</summary>
    IEnumerable<string> UpstreamNames { get; }

    int LeafCount { get; }

    NatsLinkStatus LinkStatus { get; }

    /// <summary>Null where the server is another's.</summary>
    BrokerStatus? BrokerStatus { get; }

    /// <summary>
    /// Takes other hubs, logins and users, as far as that goes while it runs. False: it takes another connection.
    /// </summary>
    /// <exception cref="EdgeSyncException">A file is missing, a credential is none; then nothing has
    /// changed.</exception>
    Task<bool> TryChangeAsync(NatsSection wanted);

    /// <inheritdoc cref="NatsAccess.TailReader"/>
    Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec stream, ulong after, int countMax, CancellationToken cancellationToken);
}
