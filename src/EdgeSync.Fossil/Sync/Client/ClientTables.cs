using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The client's side of synced tables: first the hashes of its tables, then rows both ways.</summary>
internal sealed class ClientTables(ISyncedTableStore? store, ClientOptions options) : IClientExchange
{
    private readonly TableExchange? _exchange = store is not null && (options.Actions & SyncActions.Tables) != 0
        ? new TableExchange(store, options.Faults)
        : null;

    private int _rowsReceived;
    private bool _hasSentHashes;
    private bool _isTold;

    public bool HasWork => _exchange is not null && (!_isTold || _exchange.HasWork);

    public void Write(XferWriter writer, in ClientRequest request)
    {
        if (_exchange is null || request.IsAnonymous) return;

        if (_isTold) _exchange.WriteRequests(writer, request.MayPush, request.BudgetBytes);
        else _exchange.WriteHashes(writer);
        _hasSentHashes = true;
    }

    public bool TryReceive(in XferCard card, ClientRound round)
    {
        if (card.Kind == CardKind.Pragma)
        {
            if (_exchange is null || !round.CanWrite || !_exchange.TryReceivePragma(card)) return false;

            // Each is sent once for a table or a row, and what it asks for may take a round more.
            round.HasProgress = true;
            return true;
        }

        if (card.Kind is not (CardKind.Schema or CardKind.XIGot or CardKind.XGimme or CardKind.XRow
            or CardKind.XDelete))
            return false;
        if (_exchange is null || !round.CanWrite) return true;

        if (!_exchange.ReceiveOnClient(card, out var changed))
        {
            round.Fail(SyncFaultKind.Protocol, "the server sent a malformed table card");
            return true;
        }

        if (changed && card.Kind != CardKind.Schema) _rowsReceived++;
        round.HasProgress |= changed;
        return true;
    }

    public void OnReplyEnd() => _isTold = _hasSentHashes;

    public void OnLost()
    {
        // The hashes, and the requests for rows, are due until a reply has come.
    }

    public SyncReport AddTo(SyncReport report) => report with { RowsReceived = _rowsReceived };
}
