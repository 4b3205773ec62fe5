using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>Users, and the limits of every queue. The defaults are those of nats-server.</summary>
public sealed record BrokerOptions
{
    /// <summary>A login may wait for its password check for this multiple of the timeout.</summary>
    internal const int CheckPatience = 5;

    /// <summary>The protocol level sent to peers, which choose their behaviour by it.</summary>
    public const string ProtocolVersion = "2.12.0";

    /// <summary>Stable and unique: it identifies leaf links.</summary>
    public required string ServerName { get; init; }

    /// <summary>The token that authenticates a connection, or null.</summary>
    public string? Token { get; init; }

    /// <summary>Without users and token every client may connect.</summary>
    public IReadOnlyList<BrokerUser> Users { get; init; } = [];

    /// <summary>Of clients and leaf links together. One address takes at most half of them.</summary>
    public int ConnectionsMax { get; init; } = 65_536;

    /// <summary>Of one connection; 0: limited by the memory for them alone.</summary>
    public int SubscriptionsMax { get; init; }

    /// <summary>
    /// Memory for the subscriptions of all clients and the interest of all leaf links; a quarter of it for one
    /// connection, half for one address. What would exceed it gets <c>maximum subscriptions exceeded</c>.
    /// </summary>
    public long SubscriptionBytesMax { get; init; } = 1024 * 1024 * 1024;

    /// <summary>
    /// Memory for operations that have arrived in part, of all connections; half of it for one address. Beyond it the
    /// connection is closed.
    /// </summary>
    public long PartialBytesMax { get; init; } = 192 * 1024 * 1024;

    /// <summary>Of header block and body together.</summary>
    public int PayloadBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Of the arguments of one line.</summary>
    public int ControlLineBytesMax { get; init; } = 4096;

    /// <summary>
    /// Bytes that may wait for one connection. Beyond it the connection is closed as a slow consumer.
    /// </summary>
    public long PendingBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes that may wait for all connections together. Beyond it the connection with most waiting output is closed. A
    /// shell lowers it on a small machine.
    /// </summary>
    public long TotalPendingBytesMax { get; init; } = 192 * 1024 * 1024;

    /// <summary>
    /// Beyond this, senders to the connection, clients or links, are paused for moments, as long as the connection
    /// continues to read: a burst becomes as fast as its receiver. A stopped receiver delays no sender.
    /// </summary>
    public long PauseBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>A receiver that has read nothing for so long has stopped.</summary>
    public TimeSpan PauseProgress { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// A connection that reads nothing of its waiting output for so long is closed as a slow consumer.
    /// </summary>
    public TimeSpan WriteDeadline { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>After so many pings without any byte in reply, the connection is stale.</summary>
    public int UnansweredPingsMax { get; init; } = 2;

    /// <summary>How long a connection may take to authenticate.</summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>In lame duck mode: before the first client is closed, and over how long all are.</summary>
    public TimeSpan LameDuckGrace { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan LameDuckDuration { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Closed connections kept for <c>/connz?state=closed</c>.</summary>
    public int ClosedConnectionsMax { get; init; } = 1_000;

    /// <exception cref="EdgeSyncException">The options can never work.</exception>
    internal void Check()
    {
        foreach (var user in Users)
        {
            CheckHash(user.Password, $"the password of the NATS user {user.Name}");
            if (user.Responses is { MessagesMax: 0 })
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"the NATS user {user.Name} is allowed no response",
                    "omit it, or set 1 or more; -1 is no limit");
        }

        CheckHash(Token, "the NATS token");

        if (Users.GroupBy(u => u.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"the NATS user {twice.Key} is named twice", "leave one of them");
    }

    // A hash that is cut, or costs too much, would reject every login and look like a wrong password.
    private static void CheckHash(string? password, string what)
    {
        if (password is null || !BcryptHash.LooksLikeHash(password) || BcryptHash.TryParse(password, out _)) return;

        throw new EdgeSyncException(
            ErrorKind.Usage,
            $"{what} begins like a bcrypt hash, but is not one of 60 characters and cost {BcryptHash.CostMax} at most",
            "make a new one: nats server passwd, or htpasswd -B -C 11");
    }

    internal bool RequiresAuthentication => Token is not null || Users.Count > 0;
}

/// <summary>A user of the broker: by password or by NKey, one of the two.</summary>
public sealed record BrokerUser
{
    /// <summary>The user name, or the public NKey (<c>U…</c>) when there is no password.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The password or its bcrypt hash (<c>$2a$…</c>), or null for a user that signs with the NKey of the name.
    /// </summary>
    public string? Password { get; init; }

    /// <summary>
    /// The subjects that may be published to, or null for all (or none, with <see cref="Responses"/>).
    /// </summary>
    public SubjectPermissions? Publish { get; init; }

    /// <summary>
    /// Whether the user may reply to the reply subjects of requests that it receives. For clients; a leaf link needs
    /// its subjects allowed.
    /// </summary>
    public ResponsePermission? Responses { get; init; }

    /// <summary>The subjects that may be subscribed to, or null for all.</summary>
    public SubjectPermissions? Subscribe { get; init; }

    /// <summary>The same name, credentials and rights.</summary>
    internal bool IsSameAs(BrokerUser other) =>
        Name == other.Name && Password == other.Password && Responses == other.Responses
        && AreSame(Publish, other.Publish) && AreSame(Subscribe, other.Subscribe);

    private static bool AreSame(SubjectPermissions? one, SubjectPermissions? other) =>
        one is null || other is null
        ? one == other
        : (one.Allow is null ? other.Allow is null : other.Allow is not null && one.Allow.SequenceEqual(other.Allow))
        && one.Deny.SequenceEqual(other.Deny);
}
