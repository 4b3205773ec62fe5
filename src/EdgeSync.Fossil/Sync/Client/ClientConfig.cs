using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The configuration that a session requests and sends: once, in one request.</summary>
internal sealed class ClientConfig(IArtifactStore store, ClientOptions options)
{
    private readonly ConfigExchange _exchange = new(store.Config);
    private readonly bool _isClone = (options.Actions & SyncActions.Clone) != 0;
    private bool _isAsked;
    private bool _isDone;

    public bool HasWork => !_isDone && Wanted != ConfigAreas.None;

    public int Received { get; private set; }

    private ConfigAreas Wanted => options.ConfigPull ?? (_isClone ? ConfigAreas.All : ConfigAreas.None);

    /// <param name="writer">The request.</param>
    /// <param name="isFirst">A clone's first request may be without a login yet, so it requests nothing.</param>
    public void Write(XferWriter writer, bool isFirst)
    {
        _isAsked = false;
        if (_isDone || (_isClone && isFirst)) return;

        foreach (var name in ConfigAreaNames.RequestsFor(Wanted)) writer.ReqConfig(name);
        if (options.ConfigPush != 0) _exchange.SendAreas(options.ConfigPush, writer);
        _isAsked = true;
    }

    /// <summary>True if something was stored. Rows that this very request did not request are ignored.</summary>
    public bool TryReceive(in ConfigCard config)
    {
        if (!_isAsked || !_exchange.Receive(config, Wanted, options.ConfigOverwrite)) return false;

        Received++;
        return true;
    }

    public void OnReplyEnd() => _isDone |= _isAsked;

    /// <summary>The request was lost, or is due again without the rejected part.</summary>
    public void OnLost() => _isAsked = false;
}
