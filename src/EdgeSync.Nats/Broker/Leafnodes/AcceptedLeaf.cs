using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// A link that the other side solicited. It authenticates before anything else, also where real servers of 2.9 do not
/// require it.
/// </summary>
internal sealed class AcceptedLeaf : LeafSession
{
    private readonly string _nonce;
    private bool _isHubForUs;

    public AcceptedLeaf(LeafLinks links, ConnectionOrigin origin, Instant now) : base(links, origin, now)
    {
        _nonce = links.Core.Authenticator.DrawNonce(links.Core.Entropy);
        HandshakeDeadline = now + links.Options.ConnectTimeout;
    }

    public override bool IsToHub => _isHubForUs;

    protected override bool AnnouncesLoopMarksLate => false;

    /// <summary>The account of the other side, as sent; with the name it identifies links.</summary>
    public string RemoteAccount { get; private set; } = "";

    /// <summary>The first line of the link.</summary>
    public void Greet()
    {
        // Spec: client_id other than 0 and leafnode_urls identify a leaf port; no `compression` keeps the bytes plain.
        WriteInfo(OwnInfo() with { Nonce = _nonce, LeafnodeUrls = Options.AnnouncedUrls });
        Core.Schedule(this, HandshakeDeadline!.Value);
    }

    protected override void OnInfo(ReadOnlySpan<byte> json, Instant now)
    {
        // Only a leaf that wants compression sends one, and we offered none.
    }

    protected override void OnConnect(ReadOnlySpan<byte> json, Instant now)
    {
        if (IsUp) return;

        if (!ConnectOptions.TryParse(json, ConnectOptions.ServerDefaults, out var connect))
        {
            GiveUp("its CONNECT is not a JSON object", CloseReason.ParseError);
            return;
        }

        Name = connect.Name;
        _connect = connect;
        if (IsWelcome(connect)) Authenticate();
    }

    private protected override void OnAuthenticated(bool isRight, Instant now)
    {
        CountLogin(isRight);
        if (isRight) Welcome(_connect, now);
        else GiveUp("wrong credentials", CloseReason.AuthenticationFailure, "Authorization Violation"u8);
    }

    private void Welcome(ConnectOptions connect, Instant now)
    {
        SendRules = LeafRules.Of(_user?.Subscribe, connect.DenyPublish);
        ReceiveRules = LeafRules.Of(PublishOf(_user), []);
        PeerVersion = connect.Version;
        PeerTakesHeaders = connect.Headers;
        Cluster = System.Text.Encoding.UTF8.GetBytes(connect.Cluster);
        RemoteAccount = connect.RemoteAccount;
        IsIsolated = connect.Isolate;
        _isHubForUs = connect.IsHub;
        Links.ReplaceOlder(this);
        WriteInfo(OwnInfo() with
        {
            ConnectInfo = true,
            LeafnodeUrls = Options.AnnouncedUrls,
            RemoteAccount = LeafLinks.Account,
            Import = LeafRules.AsLeafPermission(_user?.Subscribe, withLoopMarks: false),
            Export = LeafRules.AsLeafPermission(PublishOf(_user), withLoopMarks: true),
        });
        ComeUp(now);
    }

    protected override void OnHandshakeTimeout() =>
        GiveUp("did not send CONNECT in time", CloseReason.AuthenticationTimeout, "Authentication Timeout"u8);

    // Spec: the first verb must be CONNECT.
    protected override void OnTooEarly(in NatsOp op, Instant now) =>
        GiveUp("sent a command before CONNECT", CloseReason.AuthenticationFailure, "Authorization Violation"u8);

    // Spec: since 2.11.16 a message outside of what a leaf may publish ends its link.
    protected override void OnForbiddenMessage(ReadOnlySpan<byte> subject) =>
        RefuseSubject("Permissions Violation for Publish to "u8, subject);

    protected override bool OnForbiddenInterest(ReadOnlySpan<byte> subject)
    {
        RefuseSubject("Permissions Violation for Subscription to "u8, subject);
        return false;
    }

    private BrokerUser? _user;
    private ConnectOptions _connect = ConnectOptions.ServerDefaults;

    internal override bool IsStillWelcome =>
        !IsHeld && (!IsUp || Origin.IsTrusted || Core.Authenticator.StillAccepts(_user));

    private ServerInfo OwnInfo() => new()
    {
        ServerId = Core.ServerId,
        ServerName = Core.Options.ServerName,
        Version = BrokerOptions.ProtocolVersion,
        Host = Origin.ListenAddress,
        Port = Origin.ListenPort,
        HeadersSupported = true,
        AuthRequired = Core.Options.RequiresAuthentication && !Origin.IsTrusted,
        TlsRequired = Origin is { IsTls: true, Transport: not ConnectionTransport.WebSocket },
        MaxPayload = Core.Options.PayloadBytesMax,
        ClientId = (long)Id,
        Cluster = Options.Cluster ?? "",
        InfoOnConnect = true,
    };

    private bool IsWelcome(ConnectOptions connect)
    {
        if (!connect.IsLeaf)
            GiveUp(
                "a client came to the leafnode port", CloseReason.IncorrectPort,
                "attempted to connect to leaf node port"u8);
        else if (connect.Gateway.Length > 0)
            GiveUp(
                "a gateway came to the leafnode port", CloseReason.IncorrectPort,
                "attempted to connect to leaf node port"u8);
        else if (connect.Cluster.Length > 0 && connect.Cluster == Links.Cluster)
            Refuse(
                $"its cluster is called '{connect.Cluster}', as ours", CloseReason.ClusterNamesIdentical,
                "remote leafnode has same cluster name"u8);
        else if (connect.Cluster.AsSpan().IndexOfAny(" \t") >= 0 || connect.Name.AsSpan().IndexOfAny(" \t") >= 0)
            Refuse("its name has a blank in it", CloseReason.ProtocolViolation, "name cannot contain spaces"u8);
        else if (Options.MinimumVersion is { } minimum && LeafVersion.Compare(connect.Version, minimum) < 0)
            Refuse(
                $"its version '{connect.Version}' is older than {minimum}", CloseReason.MinimumVersionRequired,
                System.Text.Encoding.UTF8.GetBytes(
                    $"connection rejected since minimum version required is \"{minimum}\""));
        return !IsClosed;
    }

    private void Authenticate()
    {
        if (Origin.IsTrusted)
        {
            OnAuthenticated(isRight: true, Core.Now);
            return;
        }

        // Spec: a URL with only a user part is sent as `user` by 2.9, and as `auth_token` too since 2.10.
        var connect = _connect is { User.Length: > 0, Password: "", AuthToken: "" }
            ? _connect with { AuthToken = _connect.User }
            : _connect;
        switch (Authenticate(connect, _nonce, out _user))
        {
            case AuthenticationResult.TakesTime:
                HandshakeDeadline = Core.Now + (Core.Options.AuthenticationTimeout * BrokerOptions.CheckPatience);
                Check(_user, connect);
                break;
            case var result:
                OnAuthenticated(result == AuthenticationResult.Accepted, Core.Now);
                break;
        }
    }

    // Replies to requests are not tracked over a link: a user with response permission only publishes nothing there.
    private static SubjectPermissions? PublishOf(BrokerUser? user) =>
        user is { Responses: not null, Publish: null } ? new SubjectPermissions([], []) : user?.Publish;

    private void RefuseSubject(ReadOnlySpan<byte> text, ReadOnlySpan<byte> subject)
    {
        var error = (byte[])[.. text, (byte)'"', .. subject, (byte)'"'];
        Refuse(System.Text.Encoding.UTF8.GetString(error), CloseReason.ProtocolViolation, error);
    }
}
