using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>The leaf link part of the broker, as the core uses it.</summary>
internal interface ILeafnodes
{
    Instant? Deadline { get; }

    /// <summary>A link that another server opened; registered with the core, its INFO written.</summary>
    LeafLink Accept(ConnectionOrigin origin, Instant now);

    /// <summary>
    /// A client subscribed. Called before a message of the same client that may need it is sent.
    /// </summary>
    void OnSubscribed(Subscription subscription);

    /// <summary>A client unsubscribed.</summary>
    void OnUnsubscribed(Subscription subscription);

    void OnDeadline(Instant now);
}
