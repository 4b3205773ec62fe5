using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The client's side of synced tables: first the hashes of its tables, then rows both ways.</summary>
internal sealed class ClientTables(ISyncedTableStore store, ClientOptions options)
{
    private readonly TableExchange _exchange = new(store, options.Faults);
    private bool _isTold;

    public bool HasWork => !_isTold || _exchange.HasWork;

    public int RowsReceived { get; private set; }

    public void Write(XferWriter writer, long budgetBytes, bool mayPush)
    {
        if (_isTold) _exchange.WriteRequests(writer, mayPush, budgetBytes);
        else _exchange.WriteHashes(writer);
    }

    /// <summary>False: the card is malformed.</summary>
    public bool TryReceive(in XferCard card, out bool changed)
    {
        if (!_exchange.ReceiveOnClient(card, out changed)) return false;

        if (changed && card.Kind != CardKind.Schema) RowsReceived++;
        return true;
    }

    public void OnReplyEnd() => _isTold = true;
}
