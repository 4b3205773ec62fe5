using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Relay;

public enum RelayClientState
{
    /// <summary>Not needed: the next datagram connects.</summary>
    Asleep,

    /// <summary>For the next attempt.</summary>
    Waiting,

    /// <summary>The shell opens the WebSocket.</summary>
    Connecting,

    /// <summary>The login is on its way.</summary>
    Authenticating,

    Online,
}

/// <summary>What the shell has to do with the WebSocket.</summary>
public enum RelayCommand
{
    /// <summary>Open one; the end of it is reported by <see cref="RelayClient.OnConnected"/> or <see
    /// cref="RelayClient.OnDisconnected"/>.</summary>
    Connect,

    /// <summary>Abort it; no report follows.</summary>
    Abort,
}

/// <summary>
/// The client side of one relay: when to connect, the login, pings, what is sent and what is dropped.
/// <code>
/// Receive(now, message) ─▶ event                  ─▶ TryTakeCommand     connect, abort
/// OnConnected, OnDisconnected, OnDeadline ─▶ core ─▶ TryTakeMessage     messages to send
/// Send(now, peer, datagrams) ─▶                   ─▶ Deadline
/// </code>
/// A message of the relay is one event at most, so events need no queue.
/// </summary>
public sealed class RelayClient
{
    /// <summary>Of a WebSocket message; a relay that sends a larger one is left.</summary>
    public const int MessageBytesMax = RelayFrame.MessageBytesMax;

    // A connection that held for so long resets the backoff.
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);

    // After a refusal another attempt is of little use.
    private static readonly TimeSpan DeniedBackoffMin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RestartDelayMax = TimeSpan.FromSeconds(30);

    private readonly SecretKey _key;
    private readonly RelayClientOptions _options;
    private readonly Prng _prng;
    private readonly Queue<RelayCommand> _commands = new();
    private readonly Queue<byte[]> _control = new();
    private readonly Queue<(Instant At, byte[] Message)> _datagrams = new();
    private readonly byte[] _ping = new byte[RelayFrame.PingBytes];

    private TimeSpan _backoff;
    private TimeSpan? _restartDelay;
    private Instant _stateSince;
    private Instant _deadline;
    private Instant _lastReceived;
    private Instant _lastSent;
    private Instant? _pingSentAt;

    public RelayClient(SecretKey key, RelayClientOptions options, Prng prng, Instant now)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_key, _options, _prng, _backoff, _lastSent) = (key, options, prng, options.BackoffMin, now);
        IsHome = options.IsHome;
        if (IsHome) Connect(now);
    }

    public RelayClientState State { get; private set; }

    /// <summary>Whether the connection is kept without datagrams, and reconnected.</summary>
    public bool IsHome { get; private set; }

    /// <summary>Of the last answered ping; null before.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <summary>Datagram frames that were dropped for their age or number.</summary>
    public long DroppedCount { get; private set; }

    /// <summary>When <see cref="OnDeadline"/> is due; null: never.</summary>
    public Instant? Deadline => State switch
    {
        RelayClientState.Asleep => null,
        RelayClientState.Online => OnlineDeadline,
        _ => _deadline,
    };

    /// <summary>Makes this the home relay or a relay that is used on demand.</summary>
    public void SetHome(Instant now, bool isHome)
    {
        if (isHome && !IsHome && State == RelayClientState.Asleep) Connect(now);
        if (!isHome && IsHome) _lastSent = now;
        IsHome = isHome;
    }

    /// <summary>
    /// The network may be another one. A connection is tested at once, and an attempt is not put off any longer.
    /// </summary>
    public void OnNetworkChange(Instant now)
    {
        if (State == RelayClientState.Online && _pingSentAt is null) SendPing(now);
        if (State != RelayClientState.Waiting) return;
        _backoff = _options.BackoffMin;
        if (IsWanted(now)) Connect(now);
    }

    public bool TryTakeCommand(out RelayCommand command) => _commands.TryDequeue(out command);

    public void OnConnected(Instant now)
    {
        if (State != RelayClientState.Connecting) return;

        // The deadline stays: the server's challenge belongs to connecting.
        State = RelayClientState.Authenticating;
        _lastReceived = now;
    }

    /// <summary>The WebSocket could not be opened, or is lost.</summary>
    public void OnDisconnected(Instant now)
    {
        if (State is RelayClientState.Asleep or RelayClientState.Waiting) return;

        Wait(now);
    }

    /// <summary>One binary message of the relay. Does nothing without a connection.</summary>
    public RelayEvent Receive(Instant now, ReadOnlySpan<byte> message)
    {
        if (State is not (RelayClientState.Authenticating or RelayClientState.Online)) return default;

        _lastReceived = now;
        return RelayFrame.TryRead(message, out var frame) switch
        {
            RelayFrameFault.None when State == RelayClientState.Authenticating => OnLoginFrame(now, frame),
            RelayFrameFault.None => OnFrame(now, frame),
            RelayFrameFault.Unknown when State == RelayClientState.Online => default,
            _ => Break(now, "a malformed frame"),
        };
    }

    /// <summary>Queues datagrams to a peer.</summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The recipient, if it is connected to the same relay.</param>
    /// <param name="ecn">Of the datagrams.</param>
    /// <param name="segmentBytes">Bytes of each datagram but the last; 0 for a single one.</param>
    /// <param name="datagrams">At most 64 KiB.</param>
    /// <returns>False when they were dropped.</returns>
    public bool Send(
        Instant now, EndpointId peer, EcnMark ecn, int segmentBytes, ReadOnlySpan<byte> datagrams)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, RelayFrame.PayloadBytesMax);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(segmentBytes, ushort.MaxValue);
        _lastSent = now;
        if (State == RelayClientState.Asleep) Connect(now);
        DropOld(now);
        if (_datagrams.Count >= _options.QueuedMax)
        {
            DroppedCount++;
            return false;
        }

        _datagrams.Enqueue((now, RelayFrame.Datagrams(peer, ecn, segmentBytes, datagrams)));
        return true;
    }

    /// <summary>The next message to send; false when there is none now.</summary>
    public bool TryTakeMessage(Instant now, [NotNullWhen(true)] out byte[]? message)
    {
        if (_control.TryDequeue(out message)) return true;
        if (State != RelayClientState.Online) return false;

        DropOld(now);
        if (!_datagrams.TryDequeue(out var queued)) return false;

        message = queued.Message;
        return true;
    }

    public void OnDeadline(Instant now)
    {
        if (Deadline is not { } deadline || now < deadline) return;

        switch (State)
        {
            case RelayClientState.Waiting when IsWanted(now): Connect(now); break;
            case RelayClientState.Waiting: State = RelayClientState.Asleep; break;
            case RelayClientState.Online when _pingSentAt is null && !IsIdle(now): SendPing(now); break;
            case RelayClientState.Online when IsIdle(now):
                _commands.Enqueue(RelayCommand.Abort);
                _control.Clear();
                _pingSentAt = null;
                State = RelayClientState.Asleep;
                break;
            default:
                _commands.Enqueue(RelayCommand.Abort);
                Wait(now);
                break;
        }
    }

    private Instant OnlineDeadline
    {
        get
        {
            var next = _pingSentAt is { } sentAt ? sentAt + PongTimeout : _lastReceived + _options.PingInterval;
            return IsHome ? next : Instant.Earlier(next, _lastSent + _options.IdleTimeout)!.Value;
        }
    }

    private TimeSpan PongTimeout => RoundTrip is { } roundTrip
        ? TimeSpan.FromTicks(Math.Clamp(
            3 * roundTrip.Ticks, _options.PongTimeoutMin.Ticks, _options.PongTimeoutMax.Ticks))
        : _options.PongTimeoutMax;

    private bool IsWanted(Instant now) => IsHome || !IsIdle(now);

    private bool IsIdle(Instant now) => !IsHome && now >= _lastSent + _options.IdleTimeout;

    private void Connect(Instant now)
    {
        State = RelayClientState.Connecting;
        _stateSince = now;
        _deadline = now + _options.ConnectTimeout;
        _commands.Enqueue(RelayCommand.Connect);
    }

    private void Wait(Instant now)
    {
        if (State == RelayClientState.Online && now - _stateSince >= Steady) _backoff = _options.BackoffMin;

        State = RelayClientState.Waiting;
        _control.Clear();
        _pingSentAt = null;

        // Between half and all of it, so that the clients of a relay that was down do not reconnect at once.
        var delay = _backoff * (0.5 + (_prng.NextDouble() / 2));
        _deadline = now + (_restartDelay is { } announced && announced > delay ? announced : delay);
        _restartDelay = null;
        _backoff = TimeSpan.FromTicks(Math.Min(2 * _backoff.Ticks, _options.BackoffMax.Ticks));
    }

    private RelayEvent OnLoginFrame(Instant now, RelayFrame frame)
    {
        switch (frame.Type)
        {
            case RelayFrameType.ServerChallenge:
                _control.Enqueue(RelayLogin.Answer(_key, frame.Payload));
                return default;
            case RelayFrameType.ServerConfirmsAuth:
                State = RelayClientState.Online;
                _stateSince = now;
                SendPing(now);
                return new RelayEvent { Kind = RelayEventKind.Online };
            case RelayFrameType.ServerDeniesAuth:
                _backoff = TimeSpan.FromTicks(Math.Max(_backoff.Ticks, DeniedBackoffMin.Ticks));
                _commands.Enqueue(RelayCommand.Abort);
                Wait(now);
                return new RelayEvent { Kind = RelayEventKind.Denied, Text = frame.Text };
            default: return Break(now, $"a frame of type {(int)frame.Type} before the login");
        }
    }

    private RelayEvent OnFrame(Instant now, RelayFrame frame)
    {
        switch (frame.Type)
        {
            case RelayFrameType.RelayToClientDatagram or RelayFrameType.RelayToClientBatch:
                return new RelayEvent
                {
                    Kind = RelayEventKind.Datagrams,
                    Peer = frame.Peer,
                    Ecn = frame.Ecn,
                    SegmentBytes = frame.SegmentBytes,
                    Datagrams = frame.Payload,
                };
            case RelayFrameType.EndpointGone:
                return new RelayEvent { Kind = RelayEventKind.PeerGone, Peer = frame.Peer };
            case RelayFrameType.Ping:
                _control.Enqueue(RelayFrame.Bare(RelayFrameType.Pong, frame.Payload));
                return default;
            case RelayFrameType.Pong:
                OnPong(now, frame.Payload);
                return default;
            case RelayFrameType.Status:
                return new RelayEvent { Kind = RelayEventKind.Status, Status = (RelayStatus)frame.Payload[0] };
            case RelayFrameType.Health:
                return new RelayEvent
                {
                    Kind = RelayEventKind.Status,
                    Status = frame.Payload.IsEmpty ? RelayStatus.Healthy : RelayStatus.SameIdConnected,
                    Text = frame.Text,
                };
            case RelayFrameType.Restarting:
                var delay = frame.RestartTimes().ReconnectIn;
                _restartDelay = delay < RestartDelayMax ? delay : RestartDelayMax;
                return new RelayEvent { Kind = RelayEventKind.Restarting };
            default: return Break(now, $"a frame of type {(int)frame.Type}");
        }
    }

    private void OnPong(Instant now, ReadOnlySpan<byte> payload)
    {
        if (_pingSentAt is not { } sentAt || !payload.SequenceEqual(_ping)) return;

        RoundTrip = now - sentAt;
        _pingSentAt = null;
    }

    private void SendPing(Instant now)
    {
        _prng.Fill(_ping);
        _pingSentAt = now;
        _control.Enqueue(RelayFrame.Bare(RelayFrameType.Ping, _ping));
    }

    private RelayEvent Break(Instant now, string what)
    {
        _commands.Enqueue(RelayCommand.Abort);
        Wait(now);
        return new RelayEvent { Kind = RelayEventKind.Broken, Text = what };
    }

    private void DropOld(Instant now)
    {
        while (_datagrams.TryPeek(out var oldest) && now - oldest.At > _options.QueuedFor)
        {
            _datagrams.Dequeue();
            DroppedCount++;
        }
    }
}
