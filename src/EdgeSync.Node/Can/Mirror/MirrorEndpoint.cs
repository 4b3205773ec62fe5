using System.Net;
using System.Threading.Channels;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// The endpoint of a mirror: one of its own, or that of the node, with its protocols beside the others (ADR 90).
/// </summary>
internal sealed class MirrorEndpoint : IProtocolHandler, IAsyncDisposable
{
    /// <summary>Streams that one connection may have open: fetches of both sides, and the first one.</summary>
    private const int StreamsMax = 64;

    private const int FoundMax = 256;

    private readonly Channel<EndpointAddress> _found = Channel.CreateBounded<EndpointAddress>(
        new BoundedChannelOptions(FoundMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly HashSet<EndpointId> _allowed;
    private readonly HashSet<EndpointId> _originals;
    private readonly bool _allowsTrusted;
    private readonly string _lanTag;
    private readonly ILogger _log;
    private readonly ISharedEndpoint? _shared;
    private readonly IrohEndpoint _endpoint;
    private Action<IrohConnection> _serve = static _ => { };

    /// <param name="settings">Of the mirror.</param>
    /// <param name="key">Of an endpoint of its own, whose caller keeps it.</param>
    /// <param name="shared">The node's endpoint instead; null: one of its own is started.</param>
    /// <param name="lanTag">By which stores of the passphrase know each other on the LAN.</param>
    /// <exception cref="EdgeSyncException">An address cannot be bound.</exception>
    public MirrorEndpoint(
        MirrorSettings settings, SecretKey? key, ISharedEndpoint? shared, string lanTag, TimeProvider clock,
        ILogger log)
    {
        (_shared, _lanTag, _log) = (shared, lanTag, log);
        (_allowed, _allowsTrusted) = ([.. settings.Allowed], settings.AllowsTrusted);
        _originals = [.. settings.Originals];
        var protocols = ProtocolsOf(settings.HasOriginals);
        if (shared is not null)
        {
            (_endpoint, Records) = (shared.Endpoint, shared.Records);
            return;
        }

        var options = EndpointSettings.OptionsOf(settings.Iroh, key!);
        Records = options.Discovery.Records;
        _endpoint = IrohEndpoint.Start(
            options with
            {
                Alpns = protocols.Alpns,
                Discovery = options.Discovery with { LanData = lanTag },
                Admits = Admits,
                Observer = Observe,
                Limits = q => q with { StreamsMax = protocols.StreamsMax, WindowGrowth = MemoryLimit.WindowGrowth },
            },
            SystemEntropy.Instance, clock);
    }

    /// <summary>What the endpoint of a node has to allow for a mirror.</summary>
    /// <param name="hasOriginals">Some endpoints may speak the original's protocol.</param>
    public static HandledProtocols ProtocolsOf(bool hasOriginals) => new(
        hasOriginals
            ? [MirrorSettings.Protocol, IrohGossip.Alpn, CompatFrames.Protocol]
            : [MirrorSettings.Protocol, IrohGossip.Alpn],
        StreamsMax);

    public EndpointId Id => _endpoint.Id;

    /// <summary>The ways to this endpoint.</summary>
    public EndpointAddress Address => _endpoint.Address;

    /// <summary>The same as one word.</summary>
    public string Ticket => _endpoint.Ticket;

    /// <summary>For what works on an endpoint as such.</summary>
    public IrohEndpoint Iroh => _endpoint;

    /// <summary>pkarr relays.</summary>
    public IReadOnlyList<Uri> Records { get; }

    public IReadOnlyList<IPEndPoint> Bound => _endpoint.Bound;

    /// <summary>It is that of the node.</summary>
    public bool IsShared => _shared is not null;

    /// <summary>Stores of the passphrase that the LAN names, and peers whose trust opens the mirror to them.</summary>
    public ChannelReader<EndpointAddress> Found => _found.Reader;

    /// <summary>Takes connections until it ends.</summary>
    public async Task RunAsync(Action<IrohConnection> serve, CancellationToken cancellationToken)
    {
        if (_shared is not null)
        {
            _serve = serve;
            _endpoint.SetLanData(_lanTag);
            _shared.Attach(this);
            OnTrustChanged();
            return;
        }

        try
        {
            while (true) serve(await _endpoint.AcceptAsync(cancellationToken));
        }
        catch (ChannelClosedException)
        {
            // The endpoint has ended.
        }
    }

    /// <summary>
    /// Dials a peer; one that may speak the original's protocol chooses between that and the mirror's.
    /// </summary>
    /// <inheritdoc cref="IrohEndpoint.ConnectAsync(EndpointAddress, string, CancellationToken)"/>
    public Task<IrohConnection> ConnectAsync(EndpointAddress peer, CancellationToken cancellationToken) =>
        _endpoint.ConnectAsync(
            peer,
            IsOriginal(peer.Id) ? [MirrorSettings.Protocol, CompatFrames.Protocol] : [MirrorSettings.Protocol],
            cancellationToken);

    /// <summary>Whether an endpoint may take part, whichever side dials.</summary>
    public bool Admits(EndpointId peer) =>
        (_allowed.Count == 0 && !_allowsTrusted) || _allowed.Contains(peer)
        || (_allowsTrusted && _shared?.IsTrusted(peer) == true) || IsOriginal(peer);

    /// <summary>Whether an endpoint may speak the original's protocol.</summary>
    public bool IsOriginal(EndpointId peer)
    {
        lock (_originals) return _originals.Contains(peer);
    }

    /// <summary>The same endpoints from now on, and one more in place of another.</summary>
    /// <returns>All of them.</returns>
    public IReadOnlyCollection<EndpointId> ReplaceOriginal(EndpointId? before, EndpointId named)
    {
        lock (_originals)
        {
            if (before is { } old) _originals.Remove(old);
            _originals.Add(named);
            return [.. _originals];
        }
    }

    public void Accept(IrohConnection connection) => _serve(connection);

    // Under a lock of the endpoint: only recorded.
    public void Observe(IrohEvent happened)
    {
        switch (happened.Kind)
        {
            case IrohEventKind.PeerFound when happened.Found is { } found && found.UserData == _lanTag:
                _found.Writer.TryWrite(found.Address);
                break;
            // The node tells of its own endpoint.
            case IrohEventKind.PublishFailed or IrohEventKind.LanFailed or IrohEventKind.RelayDenied
                when _shared is null:
                _log.CanDiscoveryFailed(happened.Text ?? happened.Kind.ToString());
                break;
        }
    }

    public void OnTrustChanged()
    {
        if (!_allowsTrusted || _shared is null) return;

        foreach (var peer in _shared.TrustedPeers) _found.Writer.TryWrite(peer);
    }

    public async ValueTask DisposeAsync()
    {
        if (_shared is null)
        {
            await _endpoint.DisposeAsync();
            return;
        }

        _shared.Attach(null);
        _endpoint.SetLanData(null);
        foreach (var connection in _endpoint.Connections)
            if (ProtocolsOf(hasOriginals: true).Alpns.Contains(connection.Alpn)) connection.Close(0, "");
    }
}
