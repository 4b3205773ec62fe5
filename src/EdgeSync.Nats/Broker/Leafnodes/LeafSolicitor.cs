using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>Where a remote stands.</summary>
public enum LeafRemoteState
{
    /// <summary>Between two tries; <see cref="LeafRemoteStatus.NextTry"/> says until when.</summary>
    Waiting,

    /// <summary>A stream is being opened.</summary>
    Dialling,

    /// <summary>The stream is open, both sides introduce themselves.</summary>
    Handshaking,

    Connected,

    /// <summary>Taken away, or the broker has stopped.</summary>
    Stopped,
}

/// <summary>What people and monitoring see of a remote.</summary>
public sealed record LeafRemoteStatus
{
    /// <summary>The remote's display name.</summary>
    public required string Remote { get; init; }

    public required LeafRemoteState State { get; init; }

    /// <summary>The address in use or tried last, without credentials.</summary>
    public string Address { get; init; } = "";

    /// <summary>The name of the server over there; empty before the first handshake.</summary>
    public string PeerName { get; init; } = "";

    public string PeerVersion { get; init; } = "";

    /// <summary>Since when it is connected.</summary>
    public Instant? ConnectedSince { get; init; }

    /// <summary>When it is dialled again, while waiting.</summary>
    public Instant? NextTry { get; init; }

    /// <summary>
    /// Why the last try failed or the last link ended; empty when there was none since it last came up.
    /// </summary>
    public string LastError { get; init; } = "";

    /// <summary>Links that came up so far.</summary>
    public long Connects { get; init; }

    public TimeSpan? RoundTrip { get; init; }

    public bool IsConnected => State == LeafRemoteState.Connected;
}

/// <summary>
/// Keeps one remote connected: which address to dial when, what went wrong, how long to wait. Never gives up. A shell
/// asks
/// <see cref="NextDial"/>, dials <see cref="Begin"/>'s address, and says how that ended:
/// <code>
/// Begin ─▶ DialFailed
///       └▶ Connected ─ bytes until not IsAwaitingInfo ─ (NeedsTls ─▶ OnSecured) ─ bytes until it is closed ─▶ Ended
/// </code>
/// Belongs to the broker's one caller at a time.
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

    // Refused, and in its long pause.
    private bool _isPaying;

    /// <param name="core">A broker with leaf links (<see cref="BrokerCore.OpenLeafnodes"/>).</param>
    /// <param name="remote">Whom to join.</param>
    /// <param name="now">The first try comes at once.</param>
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

    /// <summary>When to dial; null while a try is under way, or for good.</summary>
    public Instant? NextDial { get; private set; }

    /// <summary>The link is up: interest and messages flow.</summary>
    public bool IsUp => _link is { IsUp: true };

    /// <summary>The first line of the hub has not come yet.</summary>
    public bool IsAwaitingInfo => _link is { IsAwaitingInfo: true };

    /// <summary>The hub, or our own configuration, wants TLS before anything else is said.</summary>
    public bool NeedsTls => _link is { NeedsTls: true, IsClosed: false };

    /// <summary>The address to dial now.</summary>
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

    /// <summary>A stream is open; what comes from it goes to the connection.</summary>
    public BrokerConnection Connected(Uri url, bool wantsTls, ConnectionOrigin origin, Instant now)
    {
        _isDialling = false;
        return _link = _links.Solicit(Remote, url, wantsTls, origin, now);
    }

    /// <summary>The stream is inside TLS now.</summary>
    public void OnSecured(Instant now) => _link!.OnSecured(now);

    /// <summary>A shell knows better why the link is about to end.</summary>
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

    /// <summary>Something has changed that makes a try worth it: no more waiting.</summary>
    public void DialNow(Instant now)
    {
        if (NextDial is not null) NextDial = now;
    }

    /// <summary>Another link of this broker is gone: a circle that it was part of is open now.</summary>
    internal void OnOtherDown(Instant now)
    {
        if (!_isPaying || NextDial is null) return;

        _isPaying = false;
        _backoff.Reset();
        NextDial = now + _backoff.Next(TimeSpan.Zero);
    }

    /// <summary>Never again.</summary>
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

        // A short link is a failure of its address, and one that was refused too: the next one may be better.
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
    /// Two uplinks into one mesh are a circle that may cost both. If both paid they would come back together and lose
    /// both again: so the last one of a broker does not pay.
    /// </summary>
    private bool IsTheOneToReturn() =>
        _links.Solicitors.Count > 1 && _links.Solicitors.All(other => other == this || other._isPaying);
}
