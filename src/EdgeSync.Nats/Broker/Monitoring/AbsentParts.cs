using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>
/// Monitoring pages of parts that this broker does not have, or has one of: in the form of nats-server, so that its
/// tools read "none" instead of an error.
/// </summary>
// Spec: captured from nats-server 2.9.10 without routes, gateways and JetStream.
public static class AbsentParts
{
    /// <summary>The supported pages.</summary>
    public static IReadOnlyList<string> Paths { get; } = ["/routez", "/gatewayz", "/accountz", "/jsz"];

    /// <summary>The report for one of these pages.</summary>
    public static AbsentReport Report(BrokerCore core, Instant now, string page) => page switch
    {
        "/routez" => new RoutezReport { ServerId = core.ServerId, Now = now.ToDateTime() },
        "/gatewayz" => new GatewayzReport { ServerId = core.ServerId, Now = now.ToDateTime() },
        "/accountz" => new AccountzReport { ServerId = core.ServerId, Now = now.ToDateTime() },
        _ => new JszReport { ServerId = core.ServerId, Now = now.ToDateTime() },
    };
}

/// <summary>The common first fields.</summary>
public abstract record AbsentReport
{
    [JsonPropertyOrder(-2)]
    public required string ServerId { get; init; }

    [JsonPropertyOrder(-1)]
    public required DateTime Now { get; init; }
}

/// <summary><c>/routez</c>.</summary>
public sealed record RoutezReport : AbsentReport
{
    public int NumRoutes { get; }

    public IReadOnlyList<string> Routes { get; } = [];
}

/// <summary><c>/gatewayz</c>.</summary>
public sealed record GatewayzReport : AbsentReport
{
    public EmptyReport OutboundGateways { get; } = new();

    public EmptyReport InboundGateways { get; } = new();
}

/// <summary><c>/accountz</c>: the one account.</summary>
public sealed record AccountzReport : AbsentReport
{
    public IReadOnlyList<string> Accounts { get; } = [ConnectionReports.Account];
}

/// <summary><c>/jsz</c>: disabled, all zeros.</summary>
public sealed record JszReport : AbsentReport
{
    public bool Disabled { get; } = true;

    public JetStreamLimitsReport Config { get; } = new();

    public long Memory { get; }

    public long Storage { get; }

    public long ReservedMemory { get; }

    public long ReservedStorage { get; }

    public int Accounts { get; }

    public int HaAssets { get; }

    public JetStreamApiReport Api { get; } = new();

    public int Streams { get; }

    public int Consumers { get; }

    public long Messages { get; }

    public long Bytes { get; }
}

/// <summary>The limits in <c>/jsz</c>.</summary>
public sealed record JetStreamLimitsReport
{
    public long MaxMemory { get; }

    public long MaxStorage { get; }
}

/// <summary>The requests in <c>/jsz</c>.</summary>
public sealed record JetStreamApiReport
{
    public long Total { get; }

    public long Errors { get; }
}
