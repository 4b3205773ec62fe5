using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>The state of a remote.</summary>
public enum LeafRemoteState
{
    /// <summary>Between two attempts; <see cref="LeafRemoteStatus.NextTry"/> is the time of the next one.</summary>
    Waiting,

    /// <summary>A stream is being opened.</summary>
    Dialling,

    /// <summary>The stream is open, the handshake runs.</summary>
    Handshaking,

    Connected,

    /// <summary>Removed, or the broker has stopped.</summary>
    Stopped,
}

/// <summary>The state of a remote for status and monitoring.</summary>
public sealed record LeafRemoteStatus
{
    /// <summary>The remote's display name.</summary>
    public required string Remote { get; init; }

    public required LeafRemoteState State { get; init; }

    /// <summary>The address in use or tried last, without credentials.</summary>
    public string Address { get; init; } = "";

    /// <summary>The name of the other server; empty before the first handshake.</summary>
    public string PeerName { get; init; } = "";

    public string PeerVersion { get; init; } = "";

    /// <summary>Since when it is connected.</summary>
    public Instant? ConnectedSince { get; init; }

    /// <summary>When the next attempt is due, while waiting.</summary>
    public Instant? NextTry { get; init; }

    /// <summary>
    /// Why the last attempt failed or the last link ended; empty without a failure since it last came up.
    /// </summary>
    public string LastError { get; init; } = "";

    /// <summary>Links that came up so far.</summary>
    public long Connects { get; init; }

    public TimeSpan? RoundTrip { get; init; }

    public bool IsConnected => State == LeafRemoteState.Connected;
}

/// <summary>
/// Keeps one remote connected: which address to connect to and when, what failed, how long to wait. It retries for
/// ever. A shell reads <see cref="NextDial"/>, connects to <see cref="Begin"/>'s address, and reports the result:
/// <code>
/// Begin ─▶ DialFailed
///       └▶ Connected ─ bytes until not IsAwaitingInfo ─ (NeedsTls ─▶ OnSecured) ─ bytes until it is closed ─▶ Ended
/// </code>
/// One caller at a time, that of the broker.
/// </summary>
public sealed class LeafSolicitor
{
    private readonly LeafLinks _links;
    private readonly LeafUrlPool _pool;
    private readonly LeafBackoff _backoff;
    private SolicitedLeaf? _link;
    private string _peerName = "";
    private string _peerVersion = "";
    private string _lastError = "";
    private string _address = "";
    private long _connects;
    private bool _isDialling;
    private bool _isStopped;

    // Rejected, and in its long pause.
    private bool _isPaying;

    /// <param name="core">A broker with leaf links (<see cref="BrokerCore.OpenLeafnodes"/>).</param>
    /// <param name="remote">The hub.</param>
    /// <param name="now">The first attempt is due at once.</param>
    public LeafSolicitor(BrokerCore core, LeafnodeRemote remote, Instant now)
    {
        Invariant.Require(core.Leafnodes is not null);
        _links = (LeafLinks)core.Leafnodes;
        Remote = remote;
        _pool = new LeafUrlPool(remote.Urls);
        _backoff = new LeafBackoff(remote, core.Prng.Fork());
        NextDial = now;
        _links.Solicitors.Add(this);
    }

    public LeafnodeRemote Remote { get; }

    /// <summary>When to connect; null during an attempt, or after the end.</summary>
    public Instant? NextDial { get; private set; }

    /// <summary>The link is up: interest and messages flow.</summary>
    public bool IsUp => _link is { IsUp: true };

    /// <summary>The first line of the hub has not arrived yet.</summary>
    public bool IsAwaitingInfo => _link is { IsAwaitingInfo: true };

    /// <summary>The hub, or our own configuration, requires TLS before anything else is sent.</summary>
    public bool NeedsTls => _link is { NeedsTls: true, IsClosed: false };

    /// <summary>The address to connect to now.</summary>
    public Uri Begin()
    {
        Invariant.Require(NextDial is not null && !_isStopped);
        NextDial = null;
        _isDialling = true;
        _isPaying = false;
        _address = LeafUrl.WithoutCredentials(_pool.Current.OriginalString);
        return _pool.Current;
    }

    /// <summary>No stream could be opened.</summary>
    public void DialFailed(string error, Instant now) => Wait(error, TimeSpan.Zero, isRefused: false, now);

    /// <summary>A stream is open; its bytes go to the connection.</summary>
    public BrokerConnection Connected(Uri url, bool wantsTls, ConnectionOrigin origin, Instant now)
    {
        _isDialling = false;
        return _link = _links.Solicit(Remote, url, wantsTls, origin, now);
    }

    /// <summary>The stream is inside TLS now.</summary>
    public void OnSecured(Instant now) => _link!.OnSecured(now);

    /// <summary>Sets the reason that the shell found for the end of the link.</summary>
    public void Note(string closeDetail) => _link?.Note(closeDetail);

    /// <summary>The link has ended, up or not.</summary>
    public void Ended(Instant now)
    {
        var link = _link!;
        Refresh();
        _link = null;
        var reason = link.CloseDetail.Length > 0 ? link.CloseDetail : CloseReasonText.Of(link.CloseReason);
        var lived = link.UpSince == default ? TimeSpan.Zero : now - link.UpSince;
        if (link.AnnouncedUrls.Count > 0 && Remote.UseAnnouncedUrls) _pool.Learn(link.AnnouncedUrls);
        Wait(reason, lived, link.IsRefused, now);
    }

    /// <summary>The situation has changed: ends the wait.</summary>
    public void DialNow(Instant now)
    {
        if (NextDial is not null) NextDial = now;
    }

    /// <summary>Another link of this broker ended: a loop that it was part of is open now.</summary>
    internal void OnOtherDown(Instant now)
    {
        if (!_isPaying || NextDial is null) return;

        _isPaying = false;
        _backoff.Reset();
        NextDial = now + _backoff.Next(TimeSpan.Zero);
    }

    /// <summary>No further attempts.</summary>
    public void Stop()
    {
        _isStopped = true;
        NextDial = null;
        _links.Solicitors.Remove(this);
        _link?.Close(CloseReason.RemoteRemoved);
    }

    public LeafRemoteStatus Status()
    {
        Refresh();
        return new LeafRemoteStatus
        {
            Remote = Remote.DisplayName,
            State = CurrentState(),
            Address = _address,
            PeerName = _peerName,
            PeerVersion = _peerVersion,
            ConnectedSince = _link is { IsUp: true } up ? up.UpSince : null,
            NextTry = NextDial,
            LastError = _link is { IsUp: true, CloseDetail: "" } ? "" : _lastError,
            Connects = _connects,
            RoundTrip = _link?.RoundTrip,
        };
    }

    private LeafRemoteState CurrentState() => this switch
    {
        { _isStopped: true } => LeafRemoteState.Stopped,
        { _link.IsUp: true } => LeafRemoteState.Connected,
        { _link: not null } => LeafRemoteState.Handshaking,
        { _isDialling: true } => LeafRemoteState.Dialling,
        _ => LeafRemoteState.Waiting,
    };

    private void Refresh()
    {
        if (_link is null || _link.Name.Length == 0) return;

        (_peerName, _peerVersion) = (_link.Name, _link.PeerVersion);
    }

    private void Wait(string error, TimeSpan lived, bool isRefused, Instant now)
    {
        _isDialling = false;
        _lastError = error;
        if (lived > TimeSpan.Zero) _connects++;
        if (_isStopped) return;

        // A short link counts as a failure of its address, and so does a rejection: the next address may be better.
        var isRoundDone = lived < Remote.StableAfter && _pool.Advance();
        _isPaying = isRefused && !IsTheOneToReturn();
        NextDial = now + PauseAfter(lived, isRoundDone);
    }

    // Between two addresses of one hub there is no long pause; after all of them failed there is.
    private TimeSpan PauseAfter(TimeSpan lived, bool isRoundDone)
    {
        if (_isPaying) return _backoff.AfterRefusal();
        return isRoundDone || lived > TimeSpan.Zero ? _backoff.Next(lived) : _backoff.Short();
    }

    /// <summary>
    /// Two uplinks into one mesh are a loop that may close both. If both waited they would come back together and both
    /// close again: so the last one of a broker does not wait.
    /// </summary>
    private bool IsTheOneToReturn() =>
        _links.Solicitors.Count > 1 && _links.Solicitors.All(other => other == this || other._isPaying);
}
