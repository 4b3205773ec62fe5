using EdgeSync.Nats;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Whether a message may be from the node that it names. Messages of a node at the other end of a leaf link are
/// accepted through that link only: no other node can send as this node's hub or as one of its leaves. Names of nodes
/// further away cannot be checked, since each broker in between forwards them.
/// </summary>
internal sealed class SenderCheck(INatsBus bus, ILogger log)
{
    private string? _reported;

    /// <param name="peerId">The sender named in the message.</param>
    public bool MayBeFrom(string peerId, in NatsMessage message)
    {
        if (message.Through == peerId || !bus.HasLink(peerId)) return true;

        // Logged once per name: a forger repeats it.
        if (_reported != peerId)
            log.MessageForged(peerId, message.Subject, message.Through ?? "a client");
        _reported = peerId;
        return false;
    }
}
