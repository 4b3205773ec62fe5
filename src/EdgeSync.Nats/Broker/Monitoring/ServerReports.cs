
namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>Facts outside of the core: its addresses, and the use of its process.</summary>
public sealed record ServerFacts
{
    public string Host { get; init; } = "";

    public int Port { get; init; }

    public string HttpHost { get; init; } = "";

    public int HttpPort { get; init; }

    public string LeafHost { get; init; } = "";

    public int LeafPort { get; init; }

    public string WebSocketHost { get; init; } = "";

    public int WebSocketPort { get; init; }

    public double TlsTimeoutSeconds { get; init; }

    public long MemoryBytes { get; init; }

    public int Cores { get; init; }

    /// <summary>In percent of one core, since the start.</summary>
    public double Cpu { get; init; }

    public IReadOnlyDictionary<string, long> RequestCounts { get; init; } = new Dictionary<string, long>();
}

/// <summary><c>/varz</c>: the server as a whole. Times in nanoseconds where nats-server has them so.</summary>
public sealed record VarzReport
{
    public required string ServerId { get; init; }

    public required string ServerName { get; init; }

    public required string Version { get; init; }

    public required int Proto { get; init; }

    public required string Go { get; init; }

    public required string Host { get; init; }

    public required int Port { get; init; }

    public required bool? AuthRequired { get; init; }

    public required int MaxConnections { get; init; }

    public required int? MaxSubscriptions { get; init; }

    public required long PingInterval { get; init; }

    public required int PingMax { get; init; }

    public required string HttpHost { get; init; }

    public required int HttpPort { get; init; }

    public required string HttpBasePath { get; init; }

    public required int HttpsPort { get; init; }

    public required double AuthTimeout { get; init; }

    public required int MaxControlLine { get; init; }

    public required int MaxPayload { get; init; }

    public required long MaxPending { get; init; }

    public EmptyReport Cluster { get; } = new();

    public EmptyReport Gateway { get; } = new();

    public required ListenReport Leaf { get; init; }

    public EmptyReport Mqtt { get; } = new();

    public required ListenReport Websocket { get; init; }

    public EmptyReport Jetstream { get; } = new();

    public required double TlsTimeout { get; init; }

    public required long WriteDeadline { get; init; }

    public required DateTime Start { get; init; }

    public required DateTime Now { get; init; }

    public required string Uptime { get; init; }

    public required long Mem { get; init; }

    public required int Cores { get; init; }

    public required int Gomaxprocs { get; init; }

    public required double Cpu { get; init; }

    public required int Connections { get; init; }

    public required long TotalConnections { get; init; }

    public required int Routes { get; init; }

    public required int Remotes { get; init; }

    public required int Leafnodes { get; init; }

    public required long InMsgs { get; init; }

    public required long OutMsgs { get; init; }

    public required long InBytes { get; init; }

    public required long OutBytes { get; init; }

    public required long SlowConsumers { get; init; }

    public required int Subscriptions { get; init; }

    public required IReadOnlyDictionary<string, long> HttpReqStats { get; init; }

    public required DateTime ConfigLoadTime { get; init; }
}

/// <summary>A part that this server does not have: <c>{}</c>.</summary>
public sealed record EmptyReport;

/// <summary>Where a kind of connection is accepted; empty when it is not.</summary>
public sealed record ListenReport
{
    public string? Host { get; init; }

    public int? Port { get; init; }

    public double? AuthTimeout { get; init; }

    public double? TlsTimeout { get; init; }
}

/// <summary><c>/connz</c>.</summary>
public sealed record ConnzReport
{
    public required string ServerId { get; init; }

    public required DateTime Now { get; init; }

    public required int NumConnections { get; init; }

    public required int Total { get; init; }

    public required int Offset { get; init; }

    public required int Limit { get; init; }

    public required IReadOnlyList<ConnectionReport> Connections { get; init; }
}

/// <summary><c>/subsz</c>: the trie and its cache.</summary>
public sealed record SubszReport
{
    public string? ServerId { get; init; }

    public DateTime? Now { get; init; }

    public required int NumSubscriptions { get; init; }

    public required int NumCache { get; init; }

    public required long NumInserts { get; init; }

    public required long NumRemoves { get; init; }

    public required long NumMatches { get; init; }

    public required double CacheHitRate { get; init; }

    public required int MaxFanout { get; init; }

    public required double AvgFanout { get; init; }

    public int? Total { get; init; }

    public int? Offset { get; init; }

    public int? Limit { get; init; }

    public IReadOnlyList<SubscriptionReport>? SubscriptionsList { get; init; }
}

/// <summary><c>/leafz</c>.</summary>
public sealed record LeafzReport
{
    public required string ServerId { get; init; }

    public required DateTime Now { get; init; }

    public required int Leafnodes { get; init; }

    public required IReadOnlyList<LeafReport> Leafs { get; init; }
}

/// <summary><c>/healthz</c>.</summary>
public sealed record HealthReport(string Status, string? Error);
