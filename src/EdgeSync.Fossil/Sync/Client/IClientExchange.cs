using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// A part of a session beside the artifacts: configuration, unversioned files, synced tables, the lock. It adds its
/// cards to each request and takes its cards of each reply.
/// </summary>
internal interface IClientExchange
{
    /// <summary>Another request would request or send something.</summary>
    bool HasWork { get; }

    void Write(XferWriter writer, in ClientRequest request);

    /// <summary>
    /// False: the card is of another part, or malformed. What was not requested is taken and ignored. A pragma has at
    /// least its name.
    /// </summary>
    bool TryReceive(in XferCard card, ClientRound round);

    /// <summary>The request was answered, so what it carried is done.</summary>
    void OnReplyEnd();

    /// <summary>The request was lost, or is due again without the rejected part.</summary>
    void OnLost();

    SyncReport AddTo(SyncReport report);
}
