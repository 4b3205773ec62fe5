using System.Text;
using EdgeSync.Nats.Keys;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>A link that we solicited.</summary>
/// <remarks>
/// A shell that opened a stream reads until <see cref="NeedsTls"/> or the end of the handshake; for the former it
/// starts TLS and calls <see cref="OnSecured"/>.
/// </remarks>
internal sealed class SolicitedLeaf : LeafSession
{
    private readonly LeafnodeRemote _remote;
    private readonly NatsCredentials _credentials;
    private readonly bool _wantsTls;
    private ServerInfo? _info;
    private bool _isSecured;
    private bool _isConnectSent;

    public SolicitedLeaf(
        LeafLinks links, LeafnodeRemote remote, Uri url, bool wantsTls, ConnectionOrigin origin, Instant now)
        : base(links, origin, now)
    {
        _remote = remote;
        _credentials = remote.Credentials == NatsCredentials.None ? LeafUrl.CredentialsOf(url) : remote.Credentials;
        _wantsTls = wantsTls;
        _isSecured = origin.IsTls || origin.Transport == ConnectionTransport.WebSocket;
        HandshakeDeadline = now + remote.FirstInfoTimeout;
        Core.Schedule(this, HandshakeDeadline.Value);
    }

    /// <summary>Sends CONNECT at once, if the remote wants it so; the hub's lines follow.</summary>
    public void Begin()
    {
        if (!_remote.SpeaksFirst) return;

        Invariant.Require(!_wantsTls);
        WriteConnect("");
    }

    public override bool IsToHub => !_remote.IsHub;

    /// <summary>The other side, or our own configuration, requires TLS before anything else is sent.</summary>
    public bool NeedsTls { get; private set; }

    /// <summary>The first line of the other side has not arrived yet.</summary>
    public bool IsAwaitingInfo => _info is null && !IsClosed;

    /// <summary>Addresses that the hub announced.</summary>
    public IReadOnlyList<string> AnnouncedUrls => _info?.LeafnodeUrls ?? [];

    protected override bool AnnouncesLoopMarksLate => true;

    protected override bool IsReadingPaused => NeedsTls;

    /// <summary>The stream is inside TLS now.</summary>
    public void OnSecured(Instant now)
    {
        Invariant.Require(NeedsTls);
        NeedsTls = false;
        _isSecured = true;
        SendConnect(now);
    }

    protected override void OnInfo(ReadOnlySpan<byte> json, Instant now)
    {
        if (!ServerInfo.TryParse(json, out var info))
        {
            GiveUp("its INFO is not a JSON object", CloseReason.ParseError);
            return;
        }

        if (_info is null) OnFirstInfo(info, now);
        else if (info.ConnectInfo && !IsUp) OnAnswer(info, now);
        else OnInfo(info);
    }

    protected override void OnConnect(ReadOnlySpan<byte> json, Instant now) =>
        GiveUp("the other side sent CONNECT, as only leaves do", CloseReason.ProtocolViolation);

    protected override void OnHandshakeTimeout()
    {
        if (_info is null)
            GiveUp($"no data for {_remote.FirstInfoTimeout.TotalSeconds:0} s", CloseReason.StaleConnection);
        else if (NeedsTls) GiveUp("TLS took too long", CloseReason.TlsHandshakeFailure);
        else
            GiveUp(
                "no reply to CONNECT", CloseReason.StaleConnection, "Stale Leaf Node Connection - Closing"u8);
    }

    // A hub sends its interest after its second INFO. Earlier interest cannot be checked, so it is ignored.
    protected override void OnTooEarly(in NatsOp op, Instant now)
    {
        if (op.Verb == NatsVerb.Ping) Write(NatsOpWriter.Pong);
        else GiveUp($"it sent {op.Verb} before the handshake was done", CloseReason.ProtocolViolation);
    }

    protected override void OnForbiddenMessage(ReadOnlySpan<byte> subject)
    {
        // Dropped and counted: an error of the hub does not end the link.
    }

    protected override bool OnForbiddenInterest(ReadOnlySpan<byte> subject) => true;

    private void OnFirstInfo(ServerInfo info, Instant now)
    {
        _info = info;
        Name = info.ServerName;
        PeerVersion = info.Version;

        // Spec: a leaf port sends a client_id and leafnode_urls; 2.15 requires the client_id alone.
        if (info.ClientId == 0)
        {
            Refuse("not a leafnode port", CloseReason.IncorrectPort);
            return;
        }

        if (info.ServerId.Length > 0 && info.ServerId == Core.ServerId)
        {
            Refuse("the address leads back to this very server", CloseReason.LeafnodeLoop);
            return;
        }

        if (info.Cluster.Length > 0 && info.Cluster == Links.Cluster)
        {
            Refuse(
                $"its cluster is called '{info.Cluster}', as ours", CloseReason.ClusterNamesIdentical,
                "remote leafnode has same cluster name"u8);
            return;
        }

        Cluster = Encoding.UTF8.GetBytes(info.Cluster);
        PeerTakesHeaders = info.HeadersSupported;
        PeerPayloadBytesMax = info.MaxPayload;
        // Spec: before 2.10.23 a hub counts the first weight of a queue as 1, and treats a lower one as a withdrawal.
        PeerMiscountsQueues = LeafVersion.Compare(info.Version, "2.10.23") < 0;

        if (_isConnectSent)
        {
            AwaitAnswer(info, now);
            return;
        }

        if ((info.TlsRequired || _wantsTls) && !_isSecured)
        {
            NeedsTls = true;
            HandshakeDeadline = now + _remote.ConnectTimeout;
            Core.Schedule(this, HandshakeDeadline.Value);
            return;
        }

        SendConnect(now);
    }

    private void SendConnect(Instant now)
    {
        if (WriteConnect(_info!.Nonce)) AwaitAnswer(_info, now);
    }

    // False: the link is closed.
    private bool WriteConnect(string nonce)
    {
        Invariant.Require(!_isConnectSent);
        _isConnectSent = true;
        var connect = new ConnectOptions
        {
            Version = BrokerOptions.ProtocolVersion,
            ServerId = Core.ServerId,
            Name = Core.Options.ServerName,
            Cluster = Links.Cluster,
            Headers = true,
            RemoteAccount = LeafLinks.Account,
            IsHub = _remote.IsHub,
            Isolate = _remote.Isolate,
            DenyPublish = _remote.DenyImports,
            CompressMode = "not supported",
        };
        if (!LeafSignature.TrySign(_credentials, nonce, connect, out connect, out var closeDetail))
        {
            Refuse(closeDetail, CloseReason.AuthenticationFailure);
            return false;
        }

        NatsOpWriter.WriteConnect(Output, connect);
        Core.Touch(this);
        return true;
    }

    private void AwaitAnswer(ServerInfo info, Instant now)
    {
        if (info.InfoOnConnect)
        {
            HandshakeDeadline = now + _remote.ConnectInfoTimeout;
            Core.Schedule(this, HandshakeDeadline.Value);
            return;
        }

        TakeRules(info);
        ComeUp(now);
    }

    private void OnAnswer(ServerInfo info, Instant now)
    {
        if (!_isConnectSent)
        {
            GiveUp("a reply to a CONNECT that was not sent", CloseReason.ProtocolViolation);
            return;
        }

        _info = info;
        TakeRules(info);
        if (info.MaxPayload > 0) PeerPayloadBytesMax = info.MaxPayload;
        ComeUp(now);
    }

    /// <summary>INFO at any later time: other addresses, another limit.</summary>
    private void OnInfo(ServerInfo info)
    {
        if (info.LeafnodeUrls is not null) _info = _info! with { LeafnodeUrls = info.LeafnodeUrls };
        if (info.MaxPayload > 0) PeerPayloadBytesMax = info.MaxPayload;
    }

    // Spec: import is what the leaf may receive, export what it may publish.
    private void TakeRules(ServerInfo info)
    {
        SendRules = LeafRules.Of(info.Export, _remote.DenyExports);
        ReceiveRules = LeafRules.Of(info.Import, _remote.DenyImports);
    }
}
