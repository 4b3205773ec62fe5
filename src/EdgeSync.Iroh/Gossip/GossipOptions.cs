namespace EdgeSync.Iroh.Gossip;

/// <summary>Sizes and times of a swarm; the defaults are iroh-gossip's.</summary>
public sealed record GossipOptions
{
    /// <summary>Peers that a node is connected to.</summary>
    public int ActiveMax { get; init; } = 5;

    /// <summary>Further known peers of a node (the passive view).</summary>
    public int PassiveMax { get; init; } = 30;

    public ushort ActiveWalk { get; init; } = 6;

    public ushort PassiveWalk { get; init; } = 3;

    public ushort ShuffleWalk { get; init; } = 6;

    public int ShuffleActive { get; init; } = 3;

    public int ShufflePassive { get; init; } = 4;

    public TimeSpan ShuffleInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From a request to be neighbours to its answer, with the connection that it takes.</summary>
    public TimeSpan NeighborTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// From the loss of the last neighbour to the next attempt to join; it doubles with each, up to
    /// <see cref="ShuffleInterval"/>.
    /// </summary>
    public TimeSpan RejoinDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Attempts to join a peer that could not be reached, 1 to 32 shuffle intervals apart.</summary>
    public int RejoinsMax { get; init; } = 16;

    /// <summary>Bytes of a message at most; the same on all nodes.</summary>
    public int BodyBytesMax { get; init; } = GossipFraming.DefaultBodyBytesMax;

    /// <summary>For which announcements to a peer are collected.</summary>
    public TimeSpan AnnounceDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>From the first announcement of a message to the request for it.</summary>
    public TimeSpan GraftTimeout { get; init; } = TimeSpan.FromMilliseconds(80);

    /// <summary>From one request to the next, to another peer.</summary>
    public TimeSpan NextGraftTimeout { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>Hops that a peer must be nearer to the origin to replace the sender of a message in the tree.</summary>
    public int OptimizeRounds { get; init; } = 7;

    /// <summary>For how long messages can be requested.</summary>
    public TimeSpan KeptFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For which a message is known to have come.</summary>
    public TimeSpan KnownFor { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Bytes of kept messages at most.</summary>
    public int KeptBytesMax { get; init; } = 4 << 20;

    /// <summary>Messages that are known or missing at most.</summary>
    public int KnownMax { get; init; } = 100_000;
}
