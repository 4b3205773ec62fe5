using System.Globalization;
using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Messages;

/// <summary>The subject of an announcement.</summary>
public enum AnnouncedKind
{
    /// <summary>A check-in, as the original announces it.</summary>
    CheckIn,

    /// <summary>Another artifact of the timeline.</summary>
    Artifact,

    /// <summary>A state of the unversioned files, by the catalogue's hash.</summary>
    Unversioned,

    /// <summary>A state of the synced tables, by a hash over their catalogues.</summary>
    Tables,
}

/// <summary>
/// "I have this now": <c>{"rid":12,"uuid":"3f6c…","peer_id":"ship7"}</c>, the original's three fields first. Ours
/// follow and may be absent: <c>kind</c> (artifact, uv, tables), <c>role</c>, <c>hub</c>, the peer that the sender
/// pushes to, and <c>with</c>, the files of the artifact: a receiver requests all at once, without waiting for igot
/// cards. Spec: edgesync.md §3.
/// </summary>
public sealed record Announcement
{
    /// <summary>Longer payloads are not read.</summary>
    public const int BytesMax = 4096;

    /// <summary>More names than these are omitted, and not read.</summary>
    public const int FilesMax = 24;

    /// <summary>The sender's rid; useless to other nodes.</summary>
    public long Rid { get; init; }

    /// <summary>The artifact, or a catalogue's hash.</summary>
    public required string Uuid { get; init; }

    /// <summary>The node that has it; null from anonymous senders.</summary>
    public string? PeerId { get; init; }

    public AnnouncedKind Kind { get; init; }

    /// <summary>Null in the original's.</summary>
    public NodeRole? Role { get; init; }

    /// <summary>The peer to which the sender pushes this; null: none.</summary>
    public string? Hub { get; init; }

    /// <summary>Artifacts that arrived with it; perhaps not all, perhaps more than the receiver lacks.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>What a heartbeat says of its sender's newest check-in.</summary>
    internal static Announcement OfHead(Presence presence) => new()
    {
        Uuid = presence.Head.ToString(),
        PeerId = presence.PeerId,
        Kind = AnnouncedKind.CheckIn,
        Role = presence.Role,
        Hub = presence.Hub,
    };

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(
        new AnnouncementFields
        {
            Rid = Rid,
            Uuid = Uuid,
            PeerId = PeerId,
            Kind = Kind == AnnouncedKind.CheckIn ? null : WordOf(Kind),
            Role = Role is { } role ? Presence.WordOf(role) : null,
            Hub = Hub,
            With = Files.Count == 0 ? null : [.. Files.Take(FilesMax)],
        },
        MessageContext.Default.AnnouncementFields);

    /// <summary>False: not an announcement, or a node id that is not valid in a subject.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Announcement announcement)
    {
        announcement = new Announcement { Uuid = "" };
        if (payload.Length > BytesMax) return false;
        if (!BoundaryJson.TryReadLeniently(payload, MessageContext.Default.AnnouncementFields, out var fields))
            return false;

        announcement = new Announcement
        {
            Rid = fields.Rid ?? 0,
            Uuid = fields.Uuid ?? "",
            PeerId = fields.PeerId is { Length: > 0 } peer ? peer : null,
            Kind = KindOf(fields.Kind),
            Role = Presence.RoleOf(fields.Role),
            Hub = fields.Hub,
            Files = fields.With is null ? [] : [.. fields.With.Take(FilesMax).Where(IsHash)],
        };
        return IsHash(announcement.Uuid)
            && (announcement.PeerId is null || ProjectSubjects.IsPeerName(announcement.PeerId))
            && (announcement.Hub is null || ProjectSubjects.IsPeerName(announcement.Hub));
    }

    /// <summary>The artifact; false for catalogue hashes.</summary>
    public bool TryGetArtifact(out ArtifactId id)
    {
        id = default;
        return Kind is AnnouncedKind.CheckIn or AnnouncedKind.Artifact && ArtifactId.TryParse(Uuid, out id);
    }

    /// <summary>The artifact and those that arrived with it; none for catalogues.</summary>
    public List<ArtifactId> Artifacts()
    {
        var all = new List<ArtifactId>();
        if (!TryGetArtifact(out var named)) return all;

        all.Add(named);
        foreach (var file in Files)
            if (ArtifactId.TryParse(file, out var id))
                all.Add(id);
        return all;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{WordOf(Kind)} {(Uuid.Length > 10 ? Uuid[..10] : Uuid)} of {PeerId}");

    // An unknown kind of a newer version is treated as an artifact: not held, so fetched.
    private static AnnouncedKind KindOf(string? word) => word switch
    {
        null or "checkin" => AnnouncedKind.CheckIn,
        "uv" => AnnouncedKind.Unversioned,
        "tables" => AnnouncedKind.Tables,
        _ => AnnouncedKind.Artifact,
    };

    private static string WordOf(AnnouncedKind kind) => kind switch
    {
        AnnouncedKind.CheckIn => "checkin",
        AnnouncedKind.Artifact => "artifact",
        AnnouncedKind.Unversioned => "uv",
        _ => "tables",
    };

    private static bool IsHash(string uuid)
    {
        if (uuid.Length is not (32 or 40 or 64)) return false;

        foreach (var c in uuid)
            if (!char.IsAsciiHexDigitLower(c))
                return false;
        return true;
    }
}
