using System.Text.Json.Serialization;
using EdgeSync.Agent;

namespace EdgeSync.Node.Settings;

/// <summary>The embedded broker, and the servers that it joins.</summary>
public sealed class NatsSection
{
    /// <summary>No broker, no links: a node with HTTP only.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>What it announces itself as.</summary>
    public NodeRole Role { get; set; } = NodeRole.Peer;

    /// <summary>
    /// Servers to join, each a way to the same network: <c>nats-leaf://host:7422</c> joins our broker as a leafnode,
    /// <c>nats://host:4222</c> (or <c>tls</c>, <c>ws</c>, <c>wss</c>) makes this node a plain client without a broker.
    /// </summary>
    [Live]
    public List<string> Urls { get; set; } = [];

    /// <summary>More hubs that our broker joins at the same time, each with its own addresses and login.</summary>
    [Live]
    public List<NatsRemote> Remotes { get; set; } = [];

    /// <summary>Address of the broker's ports.</summary>
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>Port for NATS clients; 0 picks one, null opens none.</summary>
    public int? ClientPort { get; set; }

    /// <summary>Port for leafnodes; 0 picks one, null opens none.</summary>
    public int? LeafPort { get; set; }

    /// <summary>Port for WebSocket clients; 0 picks one, null opens none.</summary>
    public int? WebsocketPort { get; set; }

    /// <summary>
    /// Web pages that may use the WebSocket port, by their origins: <c>https://app.example.org</c>. Empty: only pages
    /// of the port's own host and port.
    /// </summary>
    public List<string> WebsocketOrigins { get; set; } = [];

    /// <summary>Messages to WebSocket clients that offer it are compressed: fewer bytes, more processor time.</summary>
    public bool WebsocketCompression { get; set; }

    /// <summary>Port for <c>/varz</c> and the like; 0 picks one, null opens none.</summary>
    public int? MonitorPort { get; set; }

    /// <summary>Largest message, in bytes.</summary>
    public int MaxPayload { get; set; } = 1 << 20;

    /// <summary>
    /// Bytes that may wait for all receivers of the embedded broker together; sized by the machine when null.
    /// </summary>
    [Live]
    public int? PendingMax { get; set; }

    /// <summary>Where a supervised nats-server keeps its streams; in the data folder when null.</summary>
    public string? StoreDir { get; set; }

    /// <summary>
    /// Path of a nats-server to run instead of the embedded broker, or <c>auto</c> for the one in PATH.
    /// </summary>
    public string? Server { get; set; }

    /// <summary>Missed announcements are read from an outside server that has JetStream.</summary>
    public bool Durable { get; set; } = true;

    /// <summary>The outside server's JetStream domain, beyond a leafnode link.</summary>
    public string? JetstreamDomain { get; set; }

    /// <summary>
    /// All hubs to join: first the one of <see cref="Urls"/>, <see cref="Login"/> and <see cref="Tls"/>.
    /// </summary>
    [JsonIgnore]   // a list is written even when it is read-only
    public IReadOnlyList<NatsRemote> AllRemotes =>
        Urls.Count == 0 ? Remotes : [new NatsRemote { Urls = Urls, Login = Login, Tls = Tls }, .. Remotes];

    /// <summary>This node is a client of the addresses, without a broker.</summary>
    public bool IsClient =>
        Server is null && Urls.Count > 0 && NatsAddress.TryParse(Urls[0], out var first, out _)
        && first.Kind == NatsLinkKind.Client;

    /// <summary>False without any hub or port: then there is no broker either.</summary>
    public bool IsUseful =>
        Enabled
        && (
            Urls.Count + Remotes.Count > 0 || Server is not null
            || (ClientPort ?? LeafPort ?? WebsocketPort) is not null);

    /// <summary>
    /// Machines that joined by code may use the embedded broker's ports, with their own password.
    /// </summary>
    [Live]
    public bool Members { get; set; }

    /// <summary>The same settings with more users.</summary>
    internal NatsSection WithUsers(IEnumerable<NatsUser> more)
    {
        var copy = (NatsSection)MemberwiseClone();
        copy.Users = [.. Users, .. more];
        return copy;
    }

    /// <summary>Our login at <see cref="Urls"/>.</summary>
    [Live]
    public NatsLogin Login { get; set; } = new();

    /// <summary>Certificates towards <see cref="Urls"/>.</summary>
    [Live]
    public NatsTls Tls { get; set; } = new();

    /// <summary>Certificate of the embedded broker's own ports.</summary>
    public NatsTls ServeTls { get; set; } = new();

    /// <summary>
    /// Users of the embedded broker's ports; when empty, and without a token, every client is accepted.
    /// </summary>
    [Live]
    public List<NatsUser> Users { get; set; } = [];

    /// <summary>
    /// Token for clients of the embedded broker, instead of <see cref="Users"/>; may be a bcrypt hash.
    /// </summary>
    [Live]
    public string? Token { get; set; }

    /// <summary>File whose first line is the token.</summary>
    [Live]
    public string? TokenFile { get; set; }
}

/// <summary>A hub or server that our broker joins as a leafnode.</summary>
public sealed class NatsRemote
{
    /// <summary>Addresses of one hub, or of the servers of one cluster, tried in this order.</summary>
    public List<string> Urls { get; set; } = [];

    /// <summary>Our login there.</summary>
    public NatsLogin Login { get; set; } = new();

    /// <summary>Certificates towards it.</summary>
    public NatsTls Tls { get; set; } = new();
}

/// <summary>Our login at the servers that we join.</summary>
public sealed class NatsLogin
{
    /// <summary>User name, with a password.</summary>
    public string? User { get; set; }

    /// <summary>Its password; a file is safer.</summary>
    public string? Password { get; set; }

    /// <summary>File whose first line is the password.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>A token instead of a user.</summary>
    public string? Token { get; set; }

    /// <summary>File whose first line is the token.</summary>
    public string? TokenFile { get; set; }

    /// <summary>File with an NKey seed.</summary>
    public string? NkeyFile { get; set; }

    /// <summary>File with a JWT and its seed.</summary>
    public string? CredsFile { get; set; }
}

/// <summary>Certificates: trusted authorities, and our own.</summary>
public sealed class NatsTls
{
    /// <summary>PEM file with the trusted authorities; those of the system when null.</summary>
    public string? CaFile { get; set; }

    /// <summary>PEM file with our certificate.</summary>
    public string? CertFile { get; set; }

    /// <summary>PEM file with its key, readable by its owner only.</summary>
    public string? KeyFile { get; set; }

    /// <summary>
    /// The only accepted key of the server, <c>sha256:</c> and 64 hex digits; authority, name and date are then not
    /// checked.
    /// </summary>
    public string? Pin { get; set; }

    /// <summary>TLS precedes the server's INFO.</summary>
    public bool First { get; set; }

    /// <summary>
    /// Of our own ports, with <see cref="First"/>: a client that starts no handshake for this time gets INFO first;
    /// zero: never.
    /// </summary>
    public TimeSpan FirstFallback { get; set; }
}

/// <summary>A user of the embedded broker, by password or by public NKey.</summary>
public sealed class NatsUser
{
    /// <summary>User name, with a password.</summary>
    public string? User { get; set; }

    /// <summary>Its password, or the bcrypt hash of it.</summary>
    public string? Password { get; set; }

    /// <summary>File whose first line is the password.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>Public NKey, instead of name and password.</summary>
    public string? Nkey { get; set; }

    /// <summary>Subjects that it may publish to; all when null.</summary>
    public List<string>? Publish { get; set; }

    /// <summary>Subjects that it may subscribe to; all when null.</summary>
    public List<string>? Subscribe { get; set; }

    /// <summary>
    /// The number of replies to a request that the user received, on any subject; -1: unlimited, null: none.
    /// </summary>
    public int? AllowResponses { get; set; }

    /// <summary>How long replies are allowed.</summary>
    public TimeSpan ResponsesExpire { get; set; } = TimeSpan.FromMinutes(2);
}
