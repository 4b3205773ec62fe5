using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The lock on the check-in that a commit will follow: requested once, released by a session that needs none.
/// </summary>
internal sealed class ClientLock(ClientOptions options) : IClientExchange
{
    private readonly bool _isClone = (options.Actions & SyncActions.Clone) != 0;
    private bool _isDone;
    private string? _holder;

    public bool HasWork => false;

    public void Write(XferWriter writer, in ClientRequest request)
    {
        if (options.ClientId is null || _isClone) return;

        if (options.Lock is { } wanted && !_isDone)
            writer.Pragma("ci-lock"u8, wanted.Checkin.ToString(), options.ClientId);
        else if (options.Lock is null) writer.Pragma("ci-unlock"u8, options.ClientId);
    }

    /// <summary><c>pragma ci-lock-fail LOGIN TIME</c>.</summary>
    public bool TryReceive(in XferCard card, ClientRound round)
    {
        if (card.Kind != CardKind.Pragma || card.Count != 4 || !card[1].SequenceEqual("ci-lock-fail"u8)) return false;

        _holder = XferText.Decode(card[2]);
        return true;
    }

    public void OnReplyEnd() => _isDone = true;

    public void OnLost()
    {
        // Requested until a reply has come.
    }

    public SyncReport AddTo(SyncReport report) => report with { LockHolder = _holder };
}
