using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats;

/// <summary>
/// A node's access to NATS: to the broker in the same process (<see cref="Broker.LocalClient"/>) or to a server. Own
/// messages are not received. Calls do not block. Callbacks may run on any thread, one after the other for each
/// subscription; they must be quick and must not throw.
/// </summary>
public interface INatsBus
{
    /// <summary>False while no server is connected.</summary>
    bool IsConnected { get; }

    /// <summary>The largest message accepted, in bytes, header block included.</summary>
    int MaxPayload { get; }

    /// <summary>
    /// Whether the broker in this process has a leaf link to a broker of this name: messages published there arrive
    /// through the link. False with an outside server, which does not report it.
    /// </summary>
    bool HasLink(string name) => false;

    /// <summary>Called with true when the connection is there (again), with false when it is lost.</summary>
    Action<bool>? LinkChanged { get; set; }

    /// <summary>Publishes. Delivery is at most once: messages published without a connection are dropped.</summary>
    /// <param name="subject">Literal, no wildcards.</param>
    /// <param name="data">Copied before the call returns.</param>
    /// <param name="headers">Null for none.</param>
    /// <param name="replyTo">Subject of an expected reply.</param>
    NatsOutcome Publish(string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null);

    /// <summary>Receives the messages on a subject until the result is disposed.</summary>
    /// <param name="subject">May hold wildcards.</param>
    /// <param name="queueGroup">One of its members gets each message; null for none.</param>
    /// <param name="received">Called for each message.</param>
    IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received);

    /// <summary>
    /// Publishes a request. Only when this succeeds, <paramref name="replied"/> is called, once, unless the request is
    /// forgotten.
    /// </summary>
    /// <param name="subject">Literal, no wildcards.</param>
    /// <param name="data">As for <see cref="Publish"/>.</param>
    /// <param name="headers">Null for none.</param>
    /// <param name="replied">Called with the first reply, or why there is none.</param>
    /// <param name="request">For <see cref="Forget"/>.</param>
    /// <param name="replier">Broker of the peer that the request is for; null: any peer's reply counts. While it is
    /// linked to the broker in this process, a reply counts only if it arrived through that link.</param>
    NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null);

    /// <summary>Drops the request; a later reply is ignored.</summary>
    void Forget(long request);
}

/// <summary>The result of sending a message.</summary>
public enum NatsOutcome : byte
{
    Ok,

    /// <summary>The subject of a request has no subscriber.</summary>
    NoResponders,

    /// <summary>No reply in time.</summary>
    TimedOut,

    /// <summary>The connection is down, or was lost before the reply arrived.</summary>
    Disconnected,

    /// <summary>The message is larger than <see cref="INatsBus.MaxPayload"/>.</summary>
    TooLarge,

    /// <summary>
    /// A client may not publish to the subject: empty tokens, wildcards, or reserved for servers.
    /// </summary>
    Refused,
}

/// <summary>The end of a request.</summary>
/// <param name="Outcome"><see cref="NatsOutcome.Ok"/> with a message, otherwise why there is none.</param>
/// <param name="Message">The reply.</param>
public readonly record struct NatsReply(NatsOutcome Outcome, NatsMessage Message)
{
    /// <summary>A reply of a peer, or of a server without a subscriber.</summary>
    public static NatsReply Of(in NatsMessage message) => message.HasNoResponders
        ? Failed(NatsOutcome.NoResponders)
        : new NatsReply(NatsOutcome.Ok, message);

    public static NatsReply Failed(NatsOutcome outcome) => new(outcome, new NatsMessage("", null, null, default));
}
