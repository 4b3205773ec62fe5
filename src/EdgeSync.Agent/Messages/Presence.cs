using System.Buffers;
using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>What a sign of life says.</summary>
public enum PresenceState
{
    /// <summary>I am new: tell me of yourselves.</summary>
    Join,

    Alive,

    /// <summary>I go.</summary>
    Leave,
}

/// <summary>
/// A node's sign of life, our own message:
/// <c>{"peer_id":"ship7","state":"alive","role":"leaf","hub":"port","version":"0.1.0","interval":20,"checkins":812,…}</c>.
/// </summary>
public sealed record Presence
{
    /// <summary>Longer payloads are not read.</summary>
    public const int BytesMax = 8192;

    private const int CapabilitiesMax = 32;

    public required string PeerId { get; init; }

    public PresenceState State { get; init; } = PresenceState.Alive;

    public NodeRole Role { get; init; }

    /// <summary>The hub that it syncs with at present.</summary>
    public string? Hub { get; init; }

    public string Version { get; init; } = "";

    public string Platform { get; init; } = "";

    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Time until its next sign of life.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(20);

    public long CheckIns { get; init; }

    /// <summary>Its newest check-in; empty if it has none.</summary>
    public ArtifactId Head { get; init; }

    /// <summary>Age of its last exchange that came to its end; null if there was none.</summary>
    public TimeSpan? SinceSync { get; init; }

    /// <summary>Names the sender's run: two that say different ones under one name are two nodes. Empty: not told.</summary>
    public string Instance { get; init; } = "";

    /// <summary>Why it is behind, in its own words; null if it is not.</summary>
    public string? Behind { get; init; }

    public byte[] ToBytes()
    {
        var output = new ArrayBufferWriter<byte>(384);
        using var writer = new Utf8JsonWriter(output);
        writer.WriteStartObject();
        writer.WriteString("peer_id"u8, PeerId);
        writer.WriteString("state"u8, State switch
        {
            PresenceState.Join => "join",
            PresenceState.Leave => "leave",
            _ => "alive",
        });
        writer.WriteString("role"u8, WordOf(Role));
        if (Hub is not null) writer.WriteString("hub"u8, Hub);
        if (Version.Length > 0) writer.WriteString("version"u8, Version);
        if (Platform.Length > 0) writer.WriteString("platform"u8, Platform);
        if (Capabilities.Count > 0)
        {
            writer.WriteStartArray("capabilities"u8);
            foreach (var capability in Capabilities) writer.WriteStringValue(capability);
            writer.WriteEndArray();
        }

        writer.WriteNumber("interval"u8, (long)Interval.TotalSeconds);
        writer.WriteNumber("checkins"u8, CheckIns);
        if (!Head.IsEmpty) writer.WriteString("head"u8, Head.ToString());
        if (SinceSync is { } age) writer.WriteNumber("since_sync"u8, (long)age.TotalSeconds);
        if (Instance.Length > 0) writer.WriteString("instance"u8, Instance);
        if (Behind is not null) writer.WriteString("behind"u8, Behind);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>False: no sign of life, or a name that cannot stand in a subject.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Presence presence)
    {
        presence = new Presence { PeerId = "" };
        if (payload.Length > BytesMax) return false;

        var fields = new JsonFields(payload);
        while (fields.TryNext(out var name))
        {
            presence = name switch
            {
                "peer_id" => presence with { PeerId = fields.Text() ?? "" },
                "state" => presence with { State = StateOf(fields.Text()) },
                "role" => presence with { Role = RoleOf(fields.Text()) ?? NodeRole.Peer },
                "hub" => presence with { Hub = fields.Text() },
                "version" => presence with { Version = Shorten(fields.Text()) },
                "platform" => presence with { Platform = Shorten(fields.Text()) },
                "capabilities" => presence with { Capabilities = fields.Texts(CapabilitiesMax).ConvertAll(Shorten) },
                "interval" => presence with { Interval = TimeSpan.FromSeconds(Math.Clamp(fields.Number(), 1, 3600)) },
                "checkins" => presence with { CheckIns = Math.Max(0, fields.Number()) },
                "head" => presence with { Head = ArtifactId.TryParse(fields.Text(), out var head) ? head : default },
                "since_sync" => presence with { SinceSync = TimeSpan.FromSeconds(Math.Clamp(fields.Number(), 0, 1L << 32)) },
                "instance" => presence with { Instance = Shorten(fields.Text()) },
                "behind" => presence with { Behind = Shorten(fields.Text()) },
                _ => presence,
            };
        }

        return fields.IsWhole
            && ProjectSubjects.IsPeerName(presence.PeerId)
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

    private static PresenceState StateOf(string? word) => word switch
    {
        "join" => PresenceState.Join,
        "leave" => PresenceState.Leave,
        _ => PresenceState.Alive,
    };

    private static string Shorten(string? text) => text is null ? "" : text.Length > 200 ? text[..200] : text;
}
