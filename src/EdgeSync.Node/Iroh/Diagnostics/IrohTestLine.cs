namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>
/// One line of <c>edgesync iroh test</c>: its event, and the fields that belong to it; the others are null.
/// </summary>
public record IrohTestLine
{
    /// <summary>
    /// <c>listening relay incoming accepted closed handshake-error trying connected route alive dead result error</c>.
    /// </summary>
    public string Event { get; init; } = "";

    /// <summary>Of result and error: the word of the command line.</summary>
    public string? Verb { get; init; }

    public bool? Ok { get; init; }

    /// <summary>Counts connections of a listener from 1.</summary>
    public int? Conn { get; init; }

    public string? Id { get; init; }

    public string? Ticket { get; init; }

    /// <summary>The home relay.</summary>
    public string? Relay { get; init; }

    /// <summary>Addresses in the ticket.</summary>
    public IReadOnlyList<string>? Direct { get; init; }

    /// <summary>Addresses of the sockets.</summary>
    public IReadOnlyList<string>? Bound { get; init; }

    public IReadOnlyList<string>? Alpns { get; init; }

    /// <summary>Which way data goes: <c>direct</c> or <c>relay</c>.</summary>
    public string? Route { get; init; }

    /// <summary>The smoothed round trip of that way.</summary>
    public double? RttMs { get; init; }

    /// <summary>Addresses that our datagrams come from, as the relay sees them.</summary>
    public IReadOnlyList<string>? Observed { get; init; }

    /// <summary>Who told them.</summary>
    public IrohTestObserver? ObservedBy { get; init; }

    /// <summary>Whether a NAT is between this machine and the relay; null: it is not known.</summary>
    public bool? Nat { get; init; }

    /// <summary>What the router says of a mapped port; null: none was asked.</summary>
    public IrohTestPortMapping? PortMapping { get; init; }

    /// <summary>Relays that were measured.</summary>
    public IReadOnlyList<IrohTestRelay>? Relays { get; init; }

    /// <summary>How a packet came: <c>ip</c> or <c>relay</c>.</summary>
    public string? Kind { get; init; }

    public string? Addr { get; init; }

    /// <summary>Our own id.</summary>
    public string? Me { get; init; }

    public string? Peer { get; init; }

    public string? Alpn { get; init; }

    public double? ConnectMs { get; init; }

    /// <summary>Bytes of the largest datagram.</summary>
    public int? MaxDatagram { get; init; }

    public string? Reason { get; init; }

    public long? Code { get; init; }

    public string? Error { get; init; }

    /// <summary>The TLS alert by which a handshake failed.</summary>
    public int? Alert { get; init; }

    public int? Count { get; init; }

    public int? Failed { get; init; }

    public int? Received { get; init; }

    /// <summary>What came back as something else than it was sent.</summary>
    public int? Wrong { get; init; }

    public int? Size { get; init; }

    public double? Ms { get; init; }

    public double? P50Ms { get; init; }

    public double? P99Ms { get; init; }

    public long? Bytes { get; init; }

    public double? MibS { get; init; }

    /// <summary>The code by which the peer has reset its side of a stream.</summary>
    public long? ResetCode { get; init; }

    /// <summary>The code by which the peer has stopped our side of it.</summary>
    public long? StopCode { get; init; }

    /// <summary>A signature of <c>abc</c>.</summary>
    public string? SigAbc { get; init; }

    public IReadOnlyList<string>? Errors { get; init; }

    public IReadOnlyList<IrohTestPath>? Paths { get; init; }
}

/// <summary>Who told our address.</summary>
/// <param name="Protocol">Its ALPN.</param>
/// <param name="Port">The relay's UDP port.</param>
public sealed record IrohTestObserver(string Relay, string Protocol, int Port);

/// <summary>A way to the peer.</summary>
/// <param name="Lost">Packets.</param>
/// <param name="Cwnd">Bytes that may be under way.</param>
public sealed record IrohTestPath(
    string Addr, bool Relay, bool Selected, double RttMs, int Mtu, long Lost, long Cwnd);

/// <summary>A port of the router, or why it maps none.</summary>
/// <param name="Protocol">That the router has answered: <c>pcp</c>, <c>nat-pmp</c> or <c>upnp</c>; null: none.</param>
/// <param name="External">Where others reach this machine through the router.</param>
/// <param name="LifetimeS">Seconds that the router grants.</param>
/// <param name="Refusal">Why no port is mapped.</param>
public sealed record IrohTestPortMapping(
    string? Protocol, string? External, double? LifetimeS, string? Refusal);

/// <summary>A relay as it was measured.</summary>
/// <param name="RttMs">Of a request to it; null: no answer.</param>
/// <param name="Home">It is the home relay.</param>
public sealed record IrohTestRelay(string Url, double? RttMs, bool Home);
