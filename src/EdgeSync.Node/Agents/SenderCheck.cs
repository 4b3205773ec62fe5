using EdgeSync.Nats;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Whether a message may come from the node that it names. A node at the other end of a leaf link is heard through that
/// link alone: nobody else can speak as this node's hub or as one of its leaves. Of a node further away nothing but the
/// names are known, since each broker in between passes on what it gets.
/// </summary>
internal sealed class SenderCheck(INatsBus bus, ILogger log)
{
    private string? _told;

    /// <param name="peerId">Whom the message names as its sender.</param>
    public bool MayBeFrom(string peerId, in NatsMessage message)
    {
        if (message.Through == peerId || !bus.HasLink(peerId)) return true;

        // Once a name: who forges one does it often.
        if (_told != peerId)
            log.MessageForged(peerId, message.Subject, message.Through ?? "a client");
        _told = peerId;
        return false;
    }
}
