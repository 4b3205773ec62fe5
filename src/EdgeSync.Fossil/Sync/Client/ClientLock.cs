using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The lock on the check-in that a commit will follow: requested once, released by a session that needs none.
/// </summary>
internal sealed class ClientLock(ClientOptions options)
{
    private bool _isDone;

    /// <summary>The other user who holds it.</summary>
    public string? Holder { get; private set; }

    public void Write(XferWriter writer)
    {
        if (options.ClientId is null) return;

        if (options.Lock is { } request && !_isDone)
            writer.Pragma("ci-lock"u8, request.Checkin.ToString(), options.ClientId);
        else if (options.Lock is null) writer.Pragma("ci-unlock"u8, options.ClientId);
    }

    /// <summary><c>pragma ci-lock-fail LOGIN TIME</c>.</summary>
    public void OnRefused(in XferCard card) => Holder = XferText.Decode(card[2]);

    public void OnReplyEnd() => _isDone = true;
}
