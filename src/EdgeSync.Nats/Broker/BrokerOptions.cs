using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>Who may connect, and the limits of every queue. The defaults are those of nats-server.</summary>
public sealed record BrokerOptions
{
    /// <summary>So many times the timeout may pass between a login and the end of the check of its password.</summary>
    internal const int CheckPatience = 5;

    /// <summary>The protocol level that we claim; peers choose their behaviour by it.</summary>
    public const string ProtocolVersion = "2.12.0";

    /// <summary>Stable and unique: leaf links are told apart by it.</summary>
    public required string ServerName { get; init; }

    /// <summary>The token that opens a connection, or null.</summary>
    public string? Token { get; init; }

    /// <summary>Everybody may connect when there are no users and no token.</summary>
    public IReadOnlyList<BrokerUser> Users { get; init; } = [];

    /// <summary>Of clients and leaf links together. One address takes at most half of them.</summary>
    public int ConnectionsMax { get; init; } = 65_536;

    /// <summary>Of one connection; 0 is no limit but the memory for them.</summary>
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
    /// Bytes that may wait for all connections together. Beyond it the one for which most waits is closed. A shell that
    /// knows its machine sets less on a small one.
    /// </summary>
    public long TotalPendingBytesMax { get; init; } = 192 * 1024 * 1024;

    /// <summary>
    /// From here on whoever sends to the connection, client or link, is paused for moments, as long as the connection
    /// goes on taking something: a burst becomes as fast as its receiver. One that has stopped delays nobody.
    /// </summary>
    public long PauseBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>A receiver that has taken nothing for so long has stopped.</summary>
    public TimeSpan PauseProgress { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// A connection that takes no byte of what waits for it for so long is closed as a slow consumer.
    /// </summary>
    public TimeSpan WriteDeadline { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>So many pings without any byte in answer, and the connection is stale.</summary>
    public int UnansweredPingsMax { get; init; } = 2;

    /// <summary>How long a connection may take to authenticate.</summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>In lame duck mode: before the first client is closed, and over how long all are.</summary>
    public TimeSpan LameDuckGrace { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan LameDuckDuration { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Closed connections that <c>/connz?state=closed</c> remembers.</summary>
    public int ClosedConnectionsMax { get; init; } = 1_000;

    /// <exception cref="EdgeSyncException">Something in it can never work.</exception>
    internal void Check()
    {
        foreach (var user in Users)
        {
            CheckHash(user.Password, $"the password of the NATS user {user.Name}");
            if (user.Responses is { MessagesMax: 0 })
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"the NATS user {user.Name} is allowed no response",
                    "leave the responses out, or allow one or more; -1 is no limit");
        }

        CheckHash(Token, "the NATS token");

        if (Users.GroupBy(u => u.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"the NATS user {twice.Key} is named twice", "leave one of them");
    }

    // A hash that is cut, or costs too much, would refuse everybody and look like a wrong password.
    private static void CheckHash(string? password, string what)
    {
        if (password is null || !BcryptHash.LooksLikeHash(password) || BcryptHash.TryParse(password, out _)) return;

        throw new EdgeSyncException(
            ErrorKind.Usage,
            $"{what} begins as a bcrypt hash, but is none of 60 characters and a cost of at most {BcryptHash.CostMax}",
            "make it anew: nats server passwd, or htpasswd -B -C 11");
    }

    internal bool RequiresAuthentication => Token is not null || Users.Count > 0;
}

/// <summary>Somebody who may connect: by password or by NKey, one of the two.</summary>
public sealed record BrokerUser
{
    /// <summary>The user name, or the public NKey (<c>U…</c>) when there is no password.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The password or its bcrypt hash (<c>$2a$…</c>), or null for a user who signs with the NKey of the name.
    /// </summary>
    public string? Password { get; init; }

    /// <summary>
    /// What may be published, or null for everything (or nothing, where there are <see cref="Responses"/>).
    /// </summary>
    public SubjectPermissions? Publish { get; init; }

    /// <summary>
    /// Whether requests that reach the user may be answered wherever they say. Of clients; a leaf link needs its
    /// subjects allowed.
    /// </summary>
    public ResponsePermission? Responses { get; init; }

    /// <summary>What may be subscribed to, or null for everything.</summary>
    public SubjectPermissions? Subscribe { get; init; }

    /// <summary>Named, proven and allowed the same.</summary>
    internal bool IsSameAs(BrokerUser other) =>
        Name == other.Name && Password == other.Password && Responses == other.Responses
        && AreSame(Publish, other.Publish) && AreSame(Subscribe, other.Subscribe);

    private static bool AreSame(SubjectPermissions? one, SubjectPermissions? other) =>
        one is null || other is null
        ? one == other
        : (one.Allow is null ? other.Allow is null : other.Allow is not null && one.Allow.SequenceEqual(other.Allow))
        && one.Deny.SequenceEqual(other.Deny);
}
