namespace EdgeSync.Node.Iroh;

/// <summary>
/// The protocols of a node's endpoint, and the codes by which it refuses; docs/formats/iroh-links.md has the bytes. The
/// codes are statuses of HTTP with the same meaning.
/// </summary>
internal static class IrohProtocol
{
    /// <summary>One bidirectional stream for each exchange.</summary>
    public const string Xfer = "/edgesync/xfer/1";

    /// <summary>A link between two brokers.</summary>
    public const string NatsLeaf = "/edgesync/nats-leaf/1";

    /// <summary>A machine presents a pairing code.</summary>
    public const string Pair = "/edgesync/pair/1";

    /// <summary>A machine presents a join code.</summary>
    public const string Join = "/edgesync/join/1";

    /// <summary>The request cannot be read.</summary>
    public const ulong Malformed = 400;

    /// <summary>The peer is unknown, or the repository is not open to it.</summary>
    public const ulong NotAllowed = 403;

    /// <summary>No such repository, or no broker.</summary>
    public const ulong NotFound = 404;

    /// <summary>A link between the two brokers exists already.</summary>
    public const ulong AlreadyLinked = 409;

    /// <summary>The message is larger than this node accepts.</summary>
    public const ulong TooLarge = 413;

    /// <summary>Too many logins failed, or too many exchanges run.</summary>
    public const ulong Busy = 429;

    /// <summary>This node failed.</summary>
    public const ulong Failed = 500;

    /// <summary>Later: the repository is not available, or the node stops.</summary>
    public const ulong Unavailable = 503;
}
