using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Relay;

/// <summary>
/// A relay without sockets: logins, one active connection for each id, and datagrams between them.
/// <code>
/// TryAccept, Receive, OnClosed, OnDeadline ─▶ core ─▶ TryTakeReady     a connection with messages, or to be closed
///                                                  ─▶ TryTakeMessage   of one connection, until false
///                                                  ─▶ IsClosing        then its socket is closed
/// </code>
/// A datagram to an id that is not connected, or whose client reads too slowly, is dropped without an answer.
/// </summary>
public sealed class RelayServer
{
    /// <summary>Of a WebSocket message; a client that sends a larger one is closed.</summary>
    public const int MessageBytesMax = RelayFrame.MessageBytesMax;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly RelayServerOptions _options;
    private readonly Entropy _entropy;
    private readonly Prng _prng;
    private readonly Dictionary<long, RelayConnection> _connections = [];
    private readonly Queue<RelayConnection> _ready = new();

    /// <summary>The connections of each id; the last one is active.</summary>
    private readonly Dictionary<EndpointId, List<RelayConnection>> _endpoints = [];

    private RelayServerTotals _totals;
    private long _nextNumber = 1;
    private Instant? _sweepAt;

    public RelayServer(RelayServerOptions options, Entropy entropy, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _entropy, _prng) = (options, entropy, prng);
    }

    public RelayServerTotals Totals => _totals with
    {
        ConnectionCount = _connections.Count,
        EndpointCount = _endpoints.Count,
    };

    /// <summary>When <see cref="OnDeadline"/> is due; null: never.</summary>
    public Instant? Deadline => _connections.Count == 0 ? null : _sweepAt;

    /// <summary>A WebSocket was opened. False when the relay is full.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isV2">The client has chosen the second version of the protocol.</param>
    /// <param name="denial">Why the client will be refused, as its user reads it; null: it will not.</param>
    /// <param name="connection">Its number from here on.</param>
    public bool TryAccept(Instant now, bool isV2, string? denial, out long connection)
    {
        connection = 0;
        if (_connections.Count >= _options.ConnectionsMax) return false;

        var challenge = new byte[RelayFrame.ChallengeBytes];
        _entropy.Fill(challenge);
        var added = new RelayConnection(_nextNumber++, isV2, denial, challenge, now) { Allowance = BurstBytes };
        _connections.Add(added.Number, added);
        _totals = _totals with { AcceptedCount = _totals.AcceptedCount + 1 };
        _sweepAt ??= now + SweepInterval;
        Post(added, RelayFrame.Bare(RelayFrameType.ServerChallenge, challenge));
        connection = added.Number;
        return true;
    }

    /// <summary>One binary message of a client.</summary>
    /// <returns>For how long nothing more is to be read from it.</returns>
    public TimeSpan Receive(Instant now, long connection, ReadOnlySpan<byte> message)
    {
        if (!_connections.TryGetValue(connection, out var client) || client.IsClosing) return TimeSpan.Zero;

        client.LastReceived = now;
        client.PingedAt = null;
        var isLimited = client.Id is not null;
        var fault = RelayFrame.TryRead(message, out var frame);
        if (fault == RelayFrameFault.Malformed) Fail(client);
        else if (client.Id is not { } id) Login(now, client, frame, fault);
        else if (fault == RelayFrameFault.None) OnFrame(client, id, frame, message);
        return client.IsClosing || !isLimited ? TimeSpan.Zero : Pause(now, client, message.Length);
    }

    /// <summary>The WebSocket is closed, by whichever side.</summary>
    public void OnClosed(long connection)
    {
        if (!_connections.Remove(connection, out var client)) return;
        if (client.Id is not { } id || !_endpoints.TryGetValue(id, out var own)) return;

        var wasActive = own[^1] == client;
        own.Remove(client);
        if (own.Count == 0)
        {
            _endpoints.Remove(id);
            foreach (var peer in client.Peers)
                if (_endpoints.TryGetValue(peer, out var clients)) Post(clients[^1], RelayFrame.Gone(id));
        }
        else if (wasActive)
        {
            SendStatus(own[^1], RelayStatus.Healthy, "");
        }
    }

    /// <summary>A connection with messages to take or to be closed.</summary>
    public bool TryTakeReady(out long connection)
    {
        connection = 0;
        if (!_ready.TryDequeue(out var client)) return false;

        client.IsAwaited = false;
        connection = client.Number;
        return true;
    }

    /// <summary>The next message to a client.</summary>
    public bool TryTakeMessage(long connection, [NotNullWhen(true)] out byte[]? message)
    {
        message = null;
        if (!_connections.TryGetValue(connection, out var client) || !client.Messages.TryDequeue(out message))
            return false;

        client.QueuedBytes -= message.Length;
        return true;
    }

    /// <summary>Whether the connection is to be closed, once no message is left.</summary>
    public bool IsClosing(long connection) =>
        !_connections.TryGetValue(connection, out var client) || client.IsClosing;

    public void OnDeadline(Instant now)
    {
        if (Deadline is not { } deadline || now < deadline) return;

        foreach (var client in _connections.Values)
        {
            if (client.IsClosing) continue;
            if (client.Id is null) FailIf(client, now - client.AcceptedAt >= _options.LoginTimeout);
            else if (client.PingedAt is { } pingedAt) FailIf(client, now - pingedAt >= _options.PongTimeout);
            else if (now - client.LastReceived >= client.PingAfter) Ping(now, client);
        }

        _sweepAt = _connections.Count == 0 ? null : now + SweepInterval;
    }

    /// <summary>Announces the restart to all clients, and closes them.</summary>
    /// <param name="reconnectIn">When they may come back.</param>
    /// <param name="tryFor">How long they should try.</param>
    public void Restart(TimeSpan reconnectIn, TimeSpan tryFor)
    {
        foreach (var client in _connections.Values)
        {
            if (client.Id is not null) Post(client, RelayFrame.Restarting(reconnectIn, tryFor));
            Close(client);
        }
    }

    private double BurstBytes => _options.BurstBytes ?? _options.BytesPerSecond ?? 0;

    private void Login(Instant now, RelayConnection client, RelayFrame frame, RelayFrameFault fault)
    {
        if (fault != RelayFrameFault.None || frame.Type != RelayFrameType.ClientAuth)
        {
            Fail(client);
            return;
        }

        var denial = !RelayLogin.IsProven(frame.Peer, client.Challenge, frame.Payload)
            ? "the signature does not belong to the endpoint id" : client.Denial;
        if (denial is not null)
        {
            _totals = _totals with { DeniedCount = _totals.DeniedCount + 1 };
            Post(client, RelayFrame.Denial(denial));
            Close(client);
            return;
        }

        _totals = _totals with { AuthenticatedCount = _totals.AuthenticatedCount + 1 };
        client.Id = frame.Peer;
        client.PingAfter = NextPing();
        client.AllowanceAt = now;
        Post(client, RelayFrame.Bare(RelayFrameType.ServerConfirmsAuth));
        Activate(client, frame.Peer);
    }

    private void Activate(RelayConnection client, EndpointId id)
    {
        if (!_endpoints.TryGetValue(id, out var own)) _endpoints[id] = own = [];
        if (own.Count > 0)
        {
            _totals = _totals with { ReplacedCount = _totals.ReplacedCount + 1 };
            SendStatus(own[^1], RelayStatus.SameIdConnected, "the same endpoint id is connected elsewhere");
        }

        own.Add(client);
        if (own.Count > _options.InactivePerIdMax + 1 && own.Find(c => !c.IsClosing) is { } oldest && oldest != client)
            Close(oldest);
    }

    private void OnFrame(RelayConnection client, EndpointId id, RelayFrame frame, ReadOnlySpan<byte> message)
    {
        switch (frame.Type)
        {
            case RelayFrameType.ClientToRelayDatagram or RelayFrameType.ClientToRelayBatch:
                Forward(client, id, frame.Peer, message);
                break;
            case RelayFrameType.Ping:
                Post(client, RelayFrame.Bare(RelayFrameType.Pong, frame.Payload));
                break;
            case RelayFrameType.Pong: break;
            default: Fail(client); break;
        }
    }

    private void Forward(RelayConnection client, EndpointId id, EndpointId peer, ReadOnlySpan<byte> message)
    {
        if (!_endpoints.TryGetValue(peer, out var clients))
        {
            _totals = _totals with { UnknownCount = _totals.UnknownCount + 1 };
            return;
        }

        if (client.Peers.Count < _options.PeersMax) client.Peers.Add(peer);
        var target = clients[^1];
        if (target.Messages.Count >= _options.QueuedFramesMax
            || target.QueuedBytes + message.Length > _options.QueuedBytesMax)
        {
            _totals = _totals with { OverflowCount = _totals.OverflowCount + 1 };
            return;
        }

        Post(target, RelayFrame.Forwarded(message, id));
        _totals = _totals with
        {
            ForwardedCount = _totals.ForwardedCount + 1,
            ForwardedBytes = _totals.ForwardedBytes + message.Length,
        };
    }

    // Bytes beyond the rate are not refused: the client's socket is read later.
    private TimeSpan Pause(Instant now, RelayConnection client, int size)
    {
        if (_options.BytesPerSecond is not { } rate) return TimeSpan.Zero;

        var earned = (now - client.AllowanceAt).TotalSeconds * rate;
        client.Allowance = Math.Min(client.Allowance + earned, BurstBytes) - size;
        client.AllowanceAt = now;
        if (client.Allowance >= 0) return TimeSpan.Zero;

        _totals = _totals with { RateLimitedCount = _totals.RateLimitedCount + 1 };
        if (client is { IsV2: true, HasRateStatus: false, Id: not null })
        {
            client.HasRateStatus = true;
            Post(client, RelayFrame.Bare(RelayFrameType.Status, (byte)RelayStatus.RateLimited));
        }

        return TimeSpan.FromSeconds(-client.Allowance / rate);
    }

    private void Ping(Instant now, RelayConnection client)
    {
        client.PingedAt = now;
        client.PingAfter = NextPing();
        Span<byte> payload = stackalloc byte[RelayFrame.PingBytes];
        _prng.Fill(payload);
        Post(client, RelayFrame.Bare(RelayFrameType.Ping, payload));
    }

    private TimeSpan NextPing() => _options.PingInterval * (1 + (_prng.NextDouble() / 4));

    private void SendStatus(RelayConnection client, RelayStatus status, string text) => Post(
        client,
        client.IsV2 ? RelayFrame.Bare(RelayFrameType.Status, (byte)status) : RelayFrame.Health(text));

    private void FailIf(RelayConnection client, bool isFaulty)
    {
        if (isFaulty) Fail(client);
    }

    private void Fail(RelayConnection client)
    {
        _totals = _totals with { FaultCount = _totals.FaultCount + 1 };
        Close(client);
    }

    private void Close(RelayConnection client)
    {
        client.IsClosing = true;
        Notice(client);
    }

    private void Post(RelayConnection client, byte[] message)
    {
        // Datagrams have stopped at half of this: what grows on are answers to a client that does not read them.
        if (client.Messages.Count >= 2 * _options.QueuedFramesMax)
        {
            if (!client.IsClosing) Fail(client);
            return;
        }

        client.Messages.Enqueue(message);
        client.QueuedBytes += message.Length;
        Notice(client);
    }

    private void Notice(RelayConnection client)
    {
        if (client.IsAwaited) return;

        client.IsAwaited = true;
        _ready.Enqueue(client);
    }
}
