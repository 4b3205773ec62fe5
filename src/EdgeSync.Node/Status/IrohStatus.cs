namespace EdgeSync.Node.Status;

/// <summary>The iroh endpoint of a node; also the page <c>/iroh/status</c>.</summary>
public sealed record IrohStatus
{
    /// <summary>Always true: a node without an endpoint lacks this status.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>64 hex digits.</summary>
    public required string EndpointId { get; init; }

    /// <summary>By which others dial it, as of now.</summary>
    public required string Ticket { get; init; }

    /// <summary>UDP addresses of its sockets.</summary>
    public IReadOnlyList<string> Bound { get; init => field = value ?? []; } = [];

    /// <summary>The home relay; null without one.</summary>
    public string? Relay { get; init; }

    /// <summary>The relay is connected.</summary>
    public bool? RelayOnline { get; init; }

    /// <summary>Why the relay refuses this endpoint; null when it does not.</summary>
    public string? RelayDenial { get; init; }

    /// <summary>A pairing code is valid: unknown endpoints may present it.</summary>
    public bool IsPairing { get; init; }

    /// <summary>Exchanges answered since the start.</summary>
    public long Exchanges { get; init; }

    /// <summary>Those that are trusted, by id.</summary>
    public IReadOnlyList<IrohPeerStatus> Peers { get; init => field = value ?? []; } = [];
}

/// <summary>A trusted peer of an iroh endpoint.</summary>
public sealed record IrohPeerStatus
{
    /// <summary>64 hex digits.</summary>
    public required string EndpointId { get; init; }

    /// <summary>What it is called; absent when unknown.</summary>
    public string? Name { get; init; }

    /// <summary><c>settings</c> or <c>trusted</c>.</summary>
    public required string Origin { get; init; }

    /// <summary>Its capabilities at each repository that is open to it, by the repository's name.</summary>
    public IReadOnlyDictionary<string, string> Capabilities
    { get; init => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string, string>();

    /// <summary><c>direct</c>, <c>relay</c>, or <c>none</c> without a connection.</summary>
    public required string Route { get; init; }

    /// <summary>The peer's address and port, or the relay.</summary>
    public string? Address { get; init; }

    /// <summary>Round trip on that route.</summary>
    public double? RttMs { get; init; }

    /// <summary>Open connections.</summary>
    public int Connections { get; init; }

    /// <summary>From the begin of the connection until data went directly.</summary>
    public double? TimeToDirectMs { get; init; }

    /// <summary>Bytes of datagrams on direct paths of the open connections.</summary>
    public long DirectBytesSent { get; init; }

    public long DirectBytesReceived { get; init; }

    /// <summary>Bytes of datagrams over relays.</summary>
    public long RelayBytesSent { get; init; }

    public long RelayBytesReceived { get; init; }

    /// <summary>The brokers are linked.</summary>
    public bool BrokerLinked { get; init; }

    /// <summary>Why the last attempt to link the brokers failed.</summary>
    public string? LastError { get; init; }
}
