using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>What a core cannot know of itself: where it is reached, and what its process uses.</summary>
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
public sealed record VarzReport : IJsonObject
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

    public required TrafficReport Traffic { get; init; }

    public required long SlowConsumers { get; init; }

    public required int Subscriptions { get; init; }

    public required IReadOnlyDictionary<string, long> HttpReqStats { get; init; }

    public required DateTime ConfigLoadTime { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("server_id"u8, ServerId);
        json.Put("server_name"u8, ServerName);
        json.Put("version"u8, Version);
        json.Put("proto"u8, Proto);
        json.Put("go"u8, Go);
        json.Put("host"u8, Host);
        json.Put("port"u8, Port);
        json.Put("auth_required"u8, AuthRequired);
        json.Put("max_connections"u8, MaxConnections);
        json.Put("max_subscriptions"u8, MaxSubscriptions);
        json.Put("ping_interval"u8, PingInterval);
        json.Put("ping_max"u8, PingMax);
        json.Put("http_host"u8, HttpHost);
        json.Put("http_port"u8, HttpPort);
        json.Put("http_base_path"u8, HttpBasePath);
        json.Put("https_port"u8, HttpsPort);
        json.Put("auth_timeout"u8, AuthTimeout);
        json.Put("max_control_line"u8, MaxControlLine);
        json.Put("max_payload"u8, MaxPayload);
        json.Put("max_pending"u8, MaxPending);
        json.Put("cluster"u8, Cluster);
        json.Put("gateway"u8, Gateway);
        json.Put("leaf"u8, Leaf);
        json.Put("mqtt"u8, Mqtt);
        json.Put("websocket"u8, Websocket);
        json.Put("jetstream"u8, Jetstream);
        json.Put("tls_timeout"u8, TlsTimeout);
        json.Put("write_deadline"u8, WriteDeadline);
        json.Put("start"u8, Start);
        json.Put("now"u8, Now);
        json.Put("uptime"u8, Uptime);
        json.Put("mem"u8, Mem);
        json.Put("cores"u8, Cores);
        json.Put("gomaxprocs"u8, Gomaxprocs);
        json.Put("cpu"u8, Cpu);
        json.Put("connections"u8, Connections);
        json.Put("total_connections"u8, TotalConnections);
        json.Put("routes"u8, Routes);
        json.Put("remotes"u8, Remotes);
        json.Put("leafnodes"u8, Leafnodes);
        Traffic.WriteFields(json);
        json.Put("slow_consumers"u8, SlowConsumers);
        json.Put("subscriptions"u8, Subscriptions);
        json.Put("http_req_stats"u8, HttpReqStats);
        json.Put("config_load_time"u8, ConfigLoadTime);
    }
}

/// <summary>A part that this server does not have: <c>{}</c>.</summary>
public sealed record EmptyReport : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json)
    {
    }
}

/// <summary>Where a kind of connection is accepted; empty when it is not.</summary>
public sealed record ListenReport : IJsonObject
{
    public string? Host { get; init; }

    public int? Port { get; init; }

    public double? AuthTimeout { get; init; }

    public double? TlsTimeout { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("host"u8, Host);
        json.Put("port"u8, Port);
        json.Put("auth_timeout"u8, AuthTimeout);
        json.Put("tls_timeout"u8, TlsTimeout);
    }
}

/// <summary><c>/connz</c>.</summary>
public sealed record ConnzReport : IJsonObject
{
    public required string ServerId { get; init; }

    public required DateTime Now { get; init; }

    public required int NumConnections { get; init; }

    public required int Total { get; init; }

    public required int Offset { get; init; }

    public required int Limit { get; init; }

    public required IReadOnlyList<ConnectionReport> Connections { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("server_id"u8, ServerId);
        json.Put("now"u8, Now);
        json.Put("num_connections"u8, NumConnections);
        json.Put("total"u8, Total);
        json.Put("offset"u8, Offset);
        json.Put("limit"u8, Limit);
        json.Put("connections"u8, Connections);
    }
}

/// <summary><c>/subsz</c>: the trie and its memory of answers.</summary>
public sealed record SubszReport : IJsonObject
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

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("server_id"u8, ServerId);
        json.Put("now"u8, Now);
        json.Put("num_subscriptions"u8, NumSubscriptions);
        json.Put("num_cache"u8, NumCache);
        json.Put("num_inserts"u8, NumInserts);
        json.Put("num_removes"u8, NumRemoves);
        json.Put("num_matches"u8, NumMatches);
        json.Put("cache_hit_rate"u8, CacheHitRate);
        json.Put("max_fanout"u8, MaxFanout);
        json.Put("avg_fanout"u8, AvgFanout);
        json.Put("total"u8, Total);
        json.Put("offset"u8, Offset);
        json.Put("limit"u8, Limit);
        json.Put("subscriptions_list"u8, SubscriptionsList);
    }
}

/// <summary><c>/leafz</c>.</summary>
public sealed record LeafzReport : IJsonObject
{
    public required string ServerId { get; init; }

    public required DateTime Now { get; init; }

    public required int Leafnodes { get; init; }

    public required IReadOnlyList<LeafReport> Leafs { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("server_id"u8, ServerId);
        json.Put("now"u8, Now);
        json.Put("leafnodes"u8, Leafnodes);
        json.Put("leafs"u8, Leafs);
    }
}

/// <summary><c>/healthz</c>.</summary>
public sealed record HealthReport(string Status, string? Error) : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("status"u8, Status);
        json.Put("error"u8, Error);
    }
}
