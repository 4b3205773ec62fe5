using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The configuration that a session requests and sends: once, in one request.</summary>
internal sealed class ClientConfig(IArtifactStore store, ClientOptions options) : IClientExchange
{
    private readonly ConfigExchange _exchange = new(store.Config);
    private readonly bool _isClone = (options.Actions & SyncActions.Clone) != 0;
    private bool _isAsked;
    private bool _isDone;
    private int _received;

    public bool HasWork => !_isDone && Wanted != ConfigAreas.None;

    private ConfigAreas Wanted => options.ConfigPull ?? (_isClone ? ConfigAreas.All : ConfigAreas.None);

    public void Write(XferWriter writer, in ClientRequest request)
    {
        _isAsked = false;
        if (_isDone || request.IsAnonymous) return;

        foreach (var name in ConfigAreaNames.RequestsFor(Wanted)) writer.ReqConfig(name);
        if (options.ConfigPush != 0) _exchange.SendAreas(options.ConfigPush, writer);
        _isAsked = true;
    }

    /// <summary>What this very request did not request is ignored.</summary>
    public bool TryReceive(in XferCard card, ClientRound round)
    {
        if (card.Kind != CardKind.Config || !ConfigCard.TryParse(card, out var config)) return false;
        if (!round.CanWrite || !_isAsked || !_exchange.Receive(config, Wanted, options.ConfigOverwrite)) return true;

        _received++;
        round.HasProgress = true;
        return true;
    }

    public void OnReplyEnd() => _isDone |= _isAsked;

    /// <summary>The request was lost, or is due again without what was refused.</summary>
    public void OnLost() => _isAsked = false;

    public SyncReport AddTo(SyncReport report) => report with { ConfigReceived = _received };
}
