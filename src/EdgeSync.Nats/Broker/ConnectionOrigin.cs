namespace EdgeSync.Nats.Broker;

/// <summary>Which protocol a connection speaks.</summary>
public enum ConnectionKind
{
    Client,
    Leaf,
}

/// <summary>What carries it.</summary>
public enum ConnectionTransport
{
    Tcp,
    WebSocket,

    /// <summary>A client inside this process; trusted, so never asked who it is.</summary>
    InProcess,
}

/// <summary>How a connection came, as its shell knows it.</summary>
public sealed record ConnectionOrigin
{
    public required ConnectionKind Kind { get; init; }

    public ConnectionTransport Transport { get; init; }

    /// <summary>Of the other side.</summary>
    public string Address { get; init; } = "";

    public int Port { get; init; }

    /// <summary>
    /// Whose share of the limits the connection takes: the address, of IPv6 the network of 64 bits. The shell knows it;
    /// without it the address.
    /// </summary>
    public string Group
    {
        get => field ?? Address;
        init;
    }

    /// <summary>Where we accepted it: told in INFO.</summary>
    public string ListenAddress { get; init; } = "";

    public int ListenPort { get; init; }

    /// <summary>The shell does a TLS handshake on this connection: before INFO, or after it.</summary>
    public bool IsTls { get; init; }

    /// <summary>Such as <c>1.3</c>; empty without TLS, and before a handshake that follows INFO.</summary>
    public string TlsVersion { get; set; } = "";

    public string TlsCipherSuite { get; set; } = "";
}
