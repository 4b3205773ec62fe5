namespace EdgeSync.Nats.Broker;

/// <summary>The protocol of a connection.</summary>
public enum ConnectionKind
{
    Client,
    Leaf,
}

/// <summary>The transport of a connection.</summary>
public enum ConnectionTransport
{
    Tcp,
    WebSocket,

    /// <summary>A client inside this process; trusted, without a login.</summary>
    InProcess,
}

/// <summary>The origin of a connection, as its shell accepted it.</summary>
public sealed record ConnectionOrigin
{
    public required ConnectionKind Kind { get; init; }

    public ConnectionTransport Transport { get; init; }

    /// <summary>Of the other side.</summary>
    public string Address { get; init; } = "";

    public int Port { get; init; }

    /// <summary>
    /// The group whose limits the connection counts against: the address, of IPv6 the network of 64 bits. Set by the
    /// shell; by default the address.
    /// </summary>
    public string Group
    {
        get => field ?? Address;
        init;
    }

    /// <summary>The other side was identified below the protocol, and needs no login.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>The local address, sent in INFO.</summary>
    public string ListenAddress { get; init; } = "";

    public int ListenPort { get; init; }

    /// <summary>The shell does a TLS handshake on this connection: before INFO, or after it.</summary>
    public bool IsTls { get; init; }

    /// <summary>Such as <c>1.3</c>; empty without TLS, and before a handshake that follows INFO.</summary>
    public string TlsVersion { get; set; } = "";

    public string TlsCipherSuite { get; set; } = "";
}
