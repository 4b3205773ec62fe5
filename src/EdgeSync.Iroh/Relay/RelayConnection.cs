using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Relay;

/// <summary>A relay's state of one client.</summary>
internal sealed class RelayConnection(long number, bool isV2, string? denial, byte[] challenge, Instant now)
{
    public long Number => number;

    /// <summary>The client supports the status frame; older ones get a text.</summary>
    public bool IsV2 => isV2;

    /// <summary>Why the login will be refused whatever the signature; null: it will not.</summary>
    public string? Denial => denial;

    public byte[] Challenge => challenge;

    public Instant AcceptedAt { get; } = now;

    /// <summary>Null until the login.</summary>
    public EndpointId? Id { get; set; }

    public Queue<byte[]> Messages { get; } = new();

    public int QueuedBytes { get; set; }

    /// <summary>In the list of connections that the shell has to look at.</summary>
    public bool IsAwaited { get; set; }

    /// <summary>To be closed when what is queued is sent.</summary>
    public bool IsClosing { get; set; }

    /// <summary>Destinations of this client: they get <c>EndpointGone</c> when it disconnects.</summary>
    public HashSet<EndpointId> Peers { get; } = [];

    public Instant LastReceived { get; set; } = now;

    public TimeSpan PingAfter { get; set; }

    public Instant? PingedAt { get; set; }

    /// <summary>Bytes that may come before the rate limit applies; below zero while it does.</summary>
    public double Allowance { get; set; }

    public Instant AllowanceAt { get; set; } = now;

    public bool HasRateStatus { get; set; }
}
