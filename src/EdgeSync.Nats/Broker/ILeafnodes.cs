using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>What the core asks of the part that keeps leaf links.</summary>
internal interface ILeafnodes
{
    Instant? Deadline { get; }

    /// <summary>A link that another server opened; registered with the core, its INFO written.</summary>
    LeafLink Accept(ConnectionOrigin origin, Instant now);

    /// <summary>
    /// A client wants something. Called before a message of the same client that may need it goes out.
    /// </summary>
    void OnSubscribed(Subscription subscription);

    /// <summary>A client wants it no more.</summary>
    void OnUnsubscribed(Subscription subscription);

    void OnDeadline(Instant now);
}
