using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

internal enum LivenessStep
{
    Wait,
    Ping,
    Stale,
    AuthenticationTimeout,
}

/// <summary>Decides when a client is pinged, closed as stale, or has exceeded the authentication timeout.</summary>
internal sealed class ClientLiveness
{
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(2);

    private readonly BrokerOptions _options;
    private Instant _authenticationDeadline;
    private bool _isAuthenticated;
    private Instant _lastReceived;
    private Instant _pingAt;
    private Instant? _pingSent;
    private int _unanswered;
    private bool _isFirst = true;

    public ClientLiveness(BrokerOptions options, bool isAuthenticated, Prng prng, Instant now)
    {
        _options = options;
        _isAuthenticated = isAuthenticated;
        _authenticationDeadline = now + options.AuthenticationTimeout;
        _lastReceived = now;

        // The first ping comes early, to measure the round trip; drawn, so that clients that connected together are not
        // pinged together.
        var first = options.PingInterval < FirstPing ? options.PingInterval : FirstPing;
        _pingAt = now + first * (1 + prng.NextDouble() / 5);
    }

    /// <summary>The client has authenticated; a slow password check does not count against it.</summary>
    public void OnChecking(Instant now) =>
        _authenticationDeadline = now + (_options.AuthenticationTimeout * BrokerOptions.CheckPatience);

    public void OnAuthenticated() => _isAuthenticated = true;

    /// <summary>Any byte shows that the client is alive, not only a PONG.</summary>
    public void OnReceived(Instant now)
    {
        _lastReceived = now;
        _unanswered = 0;
    }

    /// <summary>The round trip, when this replies to a ping of ours.</summary>
    public TimeSpan? OnPong(Instant now)
    {
        var roundTrip = now - _pingSent;
        _pingSent = null;
        return roundTrip;
    }

    public Instant Next(Instant now) =>
        !_isAuthenticated && _authenticationDeadline < _pingAt ? _authenticationDeadline : _pingAt;

    public LivenessStep OnDeadline(Instant now)
    {
        if (!_isAuthenticated && now >= _authenticationDeadline) return LivenessStep.AuthenticationTimeout;
        if (now < _pingAt) return LivenessStep.Wait;

        if (!_isFirst && _unanswered == 0 && now - _lastReceived < _options.PingInterval)
        {
            _pingAt = _lastReceived + _options.PingInterval;
            return LivenessStep.Wait;
        }

        _isFirst = false;
        if (_unanswered >= _options.UnansweredPingsMax) return LivenessStep.Stale;

        _unanswered++;
        _pingSent = now;
        _pingAt = now + _options.PingInterval;
        return LivenessStep.Ping;
    }
}
