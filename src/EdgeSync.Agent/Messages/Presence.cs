using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Messages;

/// <summary>The state in a heartbeat.</summary>
public enum PresenceState
{
    /// <summary>A new node: the others reply with their presence.</summary>
    Join,

    Alive,

    /// <summary>The node leaves.</summary>
    Leave,
}

/// <summary>
/// A node's heartbeat, our own message:
/// <c>{"peer_id":"ship7","state":"alive","role":"leaf","hub":"port",
/// "version":"0.1.0","interval":20,"checkins":812,…}</c>.
/// </summary>
public sealed record Presence
{
    /// <summary>Longer payloads are not read.</summary>
    public const int BytesMax = 8192;

    private const int CapabilitiesMax = 32;

    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(20);

    public required string PeerId { get; init; }

    public PresenceState State { get; init; } = PresenceState.Alive;

    public NodeRole Role { get; init; }

    /// <summary>The hub that it syncs with at present.</summary>
    public string? Hub { get; init; }

    public string Version { get; init; } = "";

    public string Platform { get; init; } = "";

    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Time until its next heartbeat.</summary>
    public TimeSpan Interval { get; init; } = DefaultInterval;

    public long CheckIns { get; init; }

    /// <summary>Its newest check-in; empty if it has none.</summary>
    public ArtifactId Head { get; init; }

    /// <summary>Age of its last exchange that came to its end; null if there was none.</summary>
    public TimeSpan? SinceSync { get; init; }

    /// <summary>Identifies the sender's run: two different ones under one node id are two nodes. Empty: not
    /// sent.</summary>
    public string Instance { get; init; } = "";

    /// <summary>Why it is behind, as it reports; null if it is not.</summary>
    public string? Behind { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(
        new PresenceFields
        {
            PeerId = PeerId,
            State = WordOf(State),
            Role = WordOf(Role),
            Hub = Hub,
            Version = Version.Length == 0 ? null : Version,
            Platform = Platform.Length == 0 ? null : Platform,
            Capabilities = Capabilities.Count == 0 ? null : [.. Capabilities],
            Interval = (long)Interval.TotalSeconds,
            CheckIns = CheckIns,
            Head = Head.IsEmpty ? null : Head.ToString(),
            SinceSync = SinceSync is { } age ? (long)age.TotalSeconds : null,
            Instance = Instance.Length == 0 ? null : Instance,
            Behind = Behind,
        },
        MessageContext.Default.PresenceFields);

    /// <summary>False: not a presence message, or a node id that is not valid in a subject.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Presence presence)
    {
        presence = new Presence { PeerId = "" };
        if (payload.Length > BytesMax) return false;
        if (!BoundaryJson.TryReadLeniently(payload, MessageContext.Default.PresenceFields, out var fields))
            return false;

        presence = new Presence
        {
            PeerId = fields.PeerId ?? "",
            State = StateOf(fields.State),
            Role = RoleOf(fields.Role) ?? NodeRole.Peer,
            Hub = fields.Hub,
            Version = Shorten(fields.Version),
            Platform = Shorten(fields.Platform),
            Capabilities = fields.Capabilities?.Take(CapabilitiesMax).Select(Shorten).ToList() ?? [],
            Interval = SecondsOf(fields.Interval, 1, 3600) ?? DefaultInterval,
            CheckIns = Math.Max(0, fields.CheckIns ?? 0),
            Head = ArtifactId.TryParse(fields.Head, out var head) ? head : default,
            SinceSync = SecondsOf(fields.SinceSync, 0, 1L << 32),
            Instance = Shorten(fields.Instance),
            Behind = fields.Behind is null ? null : Shorten(fields.Behind),
        };
        return ProjectSubjects.IsPeerName(presence.PeerId)
            && (presence.Hub is null || ProjectSubjects.IsPeerName(presence.Hub));
    }

    internal static string WordOf(NodeRole role) => role switch
    {
        NodeRole.Hub => "hub",
        NodeRole.Leaf => "leaf",
        _ => "peer",
    };

    internal static NodeRole? RoleOf(string? word) => word switch
    {
        "hub" => NodeRole.Hub,
        "leaf" => NodeRole.Leaf,
        "peer" => NodeRole.Peer,
        _ => null,
    };

    private static string WordOf(PresenceState state) => state switch
    {
        PresenceState.Join => "join",
        PresenceState.Leave => "leave",
        _ => "alive",
    };

    private static TimeSpan? SecondsOf(long? seconds, long min, long max) =>
        seconds is { } given ? TimeSpan.FromSeconds(Math.Clamp(given, min, max)) : null;

    private static PresenceState StateOf(string? word) => word switch
    {
        "join" => PresenceState.Join,
        "leave" => PresenceState.Leave,
        _ => PresenceState.Alive,
    };

    private static string Shorten(string? text) => text is null ? "" : text.Length > 200 ? text[..200] : text;
}
