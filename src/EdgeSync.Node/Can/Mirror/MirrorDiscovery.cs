using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Discovery;
using EdgeSync.Net.Http;
using EdgeSync.Net.Iroh;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// Finds the other stores of a passphrase: in the pkarr records that all of them can sign, on the LAN, by gossip, by
/// tickets. What is found is only dialled: the proof of the passphrase decides.
/// <code>
/// gossip   id(32) counter(8, big-endian) ticket(UTF-8)     every 15 s and to each new neighbour
/// </code>
/// The counter makes each message another one, which gossip would keep back otherwise. The original sends the id alone.
/// </summary>
internal sealed class MirrorDiscovery : IAsyncDisposable
{
    private const int KnownMax = 1024;
    private const int CounterBytes = sizeof(ulong);

    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HttpTime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<EndpointId, EndpointAddress> _known = [];
    private readonly MirrorEndpoint _endpoint;
    private readonly MirrorSettings _settings;
    private readonly MirrorLoop _loop;
    private readonly RunningTasks _tasks;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly IrohGossip _gossip;
    private readonly List<GossipTopic> _topics = [];
    private readonly HttpClient _http;
    private readonly IReadOnlyList<PkarrClient> _relays;
    private readonly CancellationTokenSource _stop = new();
    private ulong _counter;

    public MirrorDiscovery(
        MirrorEndpoint endpoint, MirrorSettings settings, MirrorLoop loop, RunningTasks tasks, Prng prng,
        TimeProvider clock, ILogger log)
    {
        (_endpoint, _settings, _loop, _tasks) = (endpoint, settings, loop, tasks);
        (_clock, _log) = (clock, log);
        _gossip = IrohGossip.Start(endpoint.Iroh, new GossipOptions(), prng, clock);
        _http = HttpConnections.Client(
            new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null },
            HttpTime);
        _relays = [.. endpoint.Records.Select(url => new PkarrClient(_http, url))];
        // It begins anew with each start, and must not repeat what was said shortly before.
        _counter = (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds();
    }

    public IrohGossip Gossip => _gossip;

    /// <param name="keys">Of the passphrase, and those of the original's records if they are used.</param>
    /// <param name="lan">Endpoints that the LAN names.</param>
    public void Start(IReadOnlyList<SyncKeys> keys, ChannelReader<EndpointAddress> lan)
    {
        foreach (var some in keys)
        {
            var topic = _gossip.Join(some.Topic, []);
            _topics.Add(topic);
            _tasks.Start(() => HearAsync(topic));
            if (_relays.Count > 0) _tasks.Start(() => MeetAsync(some));
        }

        _tasks.Start(AnnounceAsync);
        _tasks.Start(() => HearLanAsync(lan));
        foreach (var peer in _settings.Peers) Learn(IrohPeer.Parse(peer));
        foreach (var peer in _settings.Originals) Learn(AddressOf(peer));
        if (_settings.ConnectTicketFile is { } connect) _tasks.Start(() => ReadTicketAsync(connect));
        if (_settings.TicketFile is { } own) _tasks.Start(() => WriteTicketAsync(own));
    }

    /// <summary>The ways to an endpoint, as far as they are known; others are looked up by its id.</summary>
    public EndpointAddress AddressOf(EndpointId id)
    {
        lock (_lock) return _known.GetValueOrDefault(id) ?? new EndpointAddress(id);
    }

    /// <summary>An endpoint of the mirror, as it seems.</summary>
    public void Learn(EndpointAddress address)
    {
        if (address.Id == _endpoint.Id || !_endpoint.Admits(address.Id)) return;
        bool hasMoved;
        lock (_lock)
        {
            var before = _known.GetValueOrDefault(address.Id);
            if (before is null && _known.Count >= KnownMax) return;

            hasMoved = before is not null && !address.IsEmpty && !before.Direct.Intersect(address.Direct).Any();
            if (before is null || !address.IsEmpty) _known[address.Id] = address;
        }

        foreach (var topic in _topics)
        {
            if (!topic.Neighbors.Contains(address.Id)) topic.Join([AddressOf(address.Id)]);
        }

        _loop.Post((node, at) =>
        {
            if (hasMoved) node.OnPeerMoved(at, address.Id);
            else node.OnPeerFound(at, address.Id);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _gossip.DisposeAsync();
        _http.Dispose();
    }

    private async Task AnnounceAsync()
    {
        while (true)
        {
            foreach (var topic in _topics) topic.Broadcast(Message());
            await Task.Delay(AnnounceInterval, _clock, _stop.Token);
        }
    }

    private byte[] Message()
    {
        var ticket = Encoding.UTF8.GetBytes(EndpointTicket.Format(_endpoint.Address));
        var message = new byte[EndpointId.Bytes + CounterBytes + ticket.Length];
        _endpoint.Id.CopyTo(message);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(EndpointId.Bytes), Interlocked.Increment(ref _counter));
        ticket.CopyTo(message, EndpointId.Bytes + CounterBytes);
        return message.Length <= IrohGossip.ContentBytesMax ? message : message[..(EndpointId.Bytes + CounterBytes)];
    }

    private async Task HearAsync(GossipTopic topic)
    {
        await foreach (var happened in topic.ReadAllAsync(_stop.Token))
        {
            switch (happened)
            {
                case GossipEvent.NeighborUp:
                    topic.Broadcast(Message());
                    break;
                case GossipEvent.Received { Content: var content } when Read(content.Span) is { } address:
                    Learn(address);
                    break;
            }
        }
    }

    // Null for other content.
    internal static EndpointAddress? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < EndpointId.Bytes || !EndpointId.TryRead(message[..EndpointId.Bytes], out var id))
            return null;

        var rest = message[EndpointId.Bytes..];
        return rest.Length > CounterBytes
            && EndpointTicket.TryParse(Encoding.UTF8.GetString(rest[CounterBytes..]), out var address)
                == TicketFault.None
            && address!.Id == id ? address : new EndpointAddress(id);
    }

    private async Task HearLanAsync(ChannelReader<EndpointAddress> lan)
    {
        await foreach (var address in lan.ReadAllAsync(_stop.Token)) Learn(address);
    }

    // The records in which all stores of a passphrase meet.
    private async Task MeetAsync(SyncKeys keys)
    {
        var core = new Rendezvous(keys, _endpoint.Id, _loop.Now.Now);
        while (true)
        {
            core.OnDeadline(_loop.Now.Now);
            var resolving = new List<Task<(int Slot, SignedPacket? Packet, bool IsAnswered)>>();
            while (core.TryTake(out var effect))
            {
                if (effect is RendezvousEffect.Resolve resolve) resolving.Add(ResolveAsync(resolve));
            }

            foreach (var (slot, packet, isAnswered) in await Task.WhenAll(resolving))
            {
                var at = _loop.Now;
                core.OnResolved(at.Now, at.Wall, slot, packet, isAnswered);
            }

            while (core.TryTake(out var effect))
            {
                if (effect is RendezvousEffect.Found found) Learn(new EndpointAddress(found.Peer));
                if (effect is RendezvousEffect.Publish publish) await PublishAsync(publish.Packet);
            }

            if (core.Deadline is { } deadline && deadline - _loop.Now.Now is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, _clock, _stop.Token);
        }
    }

    // The newest of all relays.
    private async Task<(int Slot, SignedPacket? Packet, bool IsAnswered)> ResolveAsync(RendezvousEffect.Resolve slot)
    {
        var (newest, isAnswered) = ((SignedPacket?)null, false);
        foreach (var relay in _relays)
        {
            try
            {
                var packet = await relay.ResolveAsync(slot.Key, _stop.Token);
                isAnswered = true;
                if (packet is not null && (newest is null || packet.Timestamp > newest.Timestamp)) newest = packet;
            }
            catch (Exception e) when (IsFailure(e))
            {
                _log.CanDiscoveryFailed(e.Message);
            }
        }

        return (slot.Slot, newest, isAnswered);
    }

    private async Task PublishAsync(SignedPacket packet)
    {
        foreach (var relay in _relays)
        {
            try
            {
                await relay.PublishAsync(packet, _stop.Token);
            }
            catch (Exception e) when (IsFailure(e))
            {
                _log.CanDiscoveryFailed(e.Message);
            }
        }
    }

    private bool IsFailure(Exception e) => e is EdgeSyncException or IOException
        || (e is OperationCanceledException && !_stop.IsCancellationRequested);

    private async Task ReadTicketAsync(string path)
    {
        EndpointAddress? last = null;
        while (true)
        {
            if (TicketFiles.TryRead(path) is { } address && address.ToString() != last?.ToString())
            {
                if (_settings.TakesOriginalTicket) NameOriginal(last?.Id, address.Id);
                last = address;
                Learn(address);
            }

            await Task.Delay(FileInterval, _clock, _stop.Token);
        }
    }

    private void NameOriginal(EndpointId? before, EndpointId named)
    {
        // One that the settings name stays.
        var replaced = before is { } old && !_settings.Originals.Contains(old) ? before : null;
        var all = _endpoint.ReplaceOriginal(replaced, named);
        _loop.Post((node, at) => node.SetOriginals(at, all));
    }

    private async Task WriteTicketAsync(string path)
    {
        EndpointAddress? last = null;
        while (true)
        {
            var address = _endpoint.Address;
            if (!ReferenceEquals(address, last))
            {
                try
                {
                    TicketFiles.Write(path, address);
                    last = address;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    _log.CanDiscoveryFailed($"{path} cannot be written: {e.Message}");
                }
            }

            await Task.Delay(FileInterval, _clock, _stop.Token);
        }
    }
}
