using System.Text.Json;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>One connection, as <c>/connz</c> lists it. What is null is left out.</summary>
public sealed record ConnectionReport : IJsonObject
{
    public required ulong Cid { get; init; }

    public required string Kind { get; init; }

    public required string Type { get; init; }

    public required string Ip { get; init; }

    public required int Port { get; init; }

    public required DateTime Start { get; init; }

    public required DateTime LastActivity { get; init; }

    public DateTime? Stop { get; init; }

    public string? Reason { get; init; }

    public string? Rtt { get; init; }

    public required string Uptime { get; init; }

    public required string Idle { get; init; }

    public required long PendingBytes { get; init; }

    public required TrafficReport Traffic { get; init; }

    public required int Subscriptions { get; init; }

    public string? Name { get; init; }

    public string? Lang { get; init; }

    public string? Version { get; init; }

    public string? TlsVersion { get; init; }

    public string? TlsCipherSuite { get; init; }

    /// <summary>Only when it was asked for.</summary>
    public string? AuthorizedUser { get; init; }

    public string? Account { get; init; }

    public IReadOnlyList<string>? SubscriptionsList { get; init; }

    public IReadOnlyList<SubscriptionReport>? SubscriptionsListDetail { get; init; }

    /// <summary>For sorting and for the choice of users; not written.</summary>
    internal string User { get; init; } = "";

    internal TimeSpan IdleTime { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("cid"u8, Cid);
        json.Put("kind"u8, Kind);
        json.Put("type"u8, Type);
        json.Put("ip"u8, Ip);
        json.Put("port"u8, Port);
        json.Put("start"u8, Start);
        json.Put("last_activity"u8, LastActivity);
        json.Put("stop"u8, Stop);
        json.Put("reason"u8, Reason);
        json.Put("rtt"u8, Rtt);
        json.Put("uptime"u8, Uptime);
        json.Put("idle"u8, Idle);
        json.Put("pending_bytes"u8, PendingBytes);
        Traffic.WriteFields(json);
        json.Put("subscriptions"u8, Subscriptions);
        json.Put("name"u8, Name);
        json.Put("lang"u8, Lang);
        json.Put("version"u8, Version);
        json.Put("tls_version"u8, TlsVersion);
        json.Put("tls_cipher_suite"u8, TlsCipherSuite);
        json.Put("authorized_user"u8, AuthorizedUser);
        json.Put("account"u8, Account);
        json.Put("subscriptions_list"u8, SubscriptionsList);
        json.Put("subscriptions_list_detail"u8, SubscriptionsListDetail);
    }
}

/// <summary>Messages and their bytes both ways, as every report has them among its fields.</summary>
public sealed record TrafficReport : IJsonObject
{
    public required long InMsgs { get; init; }

    public required long OutMsgs { get; init; }

    public required long InBytes { get; init; }

    public required long OutBytes { get; init; }

    internal static TrafficReport Of(ConnectionCounters counters) => new()
    {
        InMsgs = counters.InMessages,
        OutMsgs = counters.OutMessages,
        InBytes = counters.InBytes,
        OutBytes = counters.OutBytes,
    };

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("in_msgs"u8, InMsgs);
        json.Put("out_msgs"u8, OutMsgs);
        json.Put("in_bytes"u8, InBytes);
        json.Put("out_bytes"u8, OutBytes);
    }
}

/// <summary>One subscription, as <c>/connz?subs=detail</c> and <c>/subsz?subs=1</c> list it.</summary>
public sealed record SubscriptionReport : IJsonObject
{
    public string? Account { get; init; }

    public required string Subject { get; init; }

    public string? Qgroup { get; init; }

    public required string Sid { get; init; }

    public required long Msgs { get; init; }

    public long? Max { get; init; }

    public required ulong Cid { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("account"u8, Account);
        json.Put("subject"u8, Subject);
        json.Put("qgroup"u8, Qgroup);
        json.Put("sid"u8, Sid);
        json.Put("msgs"u8, Msgs);
        json.Put("max"u8, Max);
        json.Put("cid"u8, Cid);
    }
}

/// <summary>One leaf link, as <c>/leafz</c> lists it.</summary>
public sealed record LeafReport : IJsonObject
{
    public required string Name { get; init; }

    /// <summary>The other side is our hub.</summary>
    public required bool IsSpoke { get; init; }

    public required string Account { get; init; }

    public required string Ip { get; init; }

    public required int Port { get; init; }

    public string? Rtt { get; init; }

    public required TrafficReport Traffic { get; init; }

    public required int Subscriptions { get; init; }

    public IReadOnlyList<string>? SubscriptionsList { get; init; }

    internal static LeafReport Of(LeafLink link, bool withSubscriptions) => new()
    {
        Name = link.Name,
        IsSpoke = link is ILeafLink { IsToHub: true },
        Account = ConnectionReports.Account,
        Ip = link.Origin.Address,
        Port = link.Origin.Port,
        Rtt = link.RoundTrip is { } roundTrip ? GoText.OfDuration(roundTrip) : null,
        Traffic = TrafficReport.Of(link.Counters),
        Subscriptions = link.SubscriptionCount,
        SubscriptionsList = withSubscriptions ? ConnectionReports.SubjectsOf(link) : null,
    };

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("name"u8, Name);
        json.Put("is_spoke"u8, IsSpoke);
        json.Put("account"u8, Account);
        json.Put("ip"u8, Ip);
        json.Put("port"u8, Port);
        json.Put("rtt"u8, Rtt);
        Traffic.WriteFields(json);
        json.Put("subscriptions"u8, Subscriptions);
        json.Put("subscriptions_list"u8, SubscriptionsList);
    }
}
