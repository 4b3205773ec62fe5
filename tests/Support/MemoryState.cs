using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>
/// One artifact: a phantom without text and delta, a waiting delta without text, or a text (perhaps with its delta).
/// </summary>
internal sealed record MemoryRow(RecordId Rid, ArtifactId Id, bool IsPrivate)
{
    public byte[]? Text { get; init; }

    public byte[]? Delta { get; init; }

    /// <summary>The compressed form as it came, if it came compressed.</summary>
    public byte[]? Stored { get; init; }

    public RecordId SourceRid { get; init; }

    public Artifact? Artifact { get; init; }

    public ArtifactId Predecessor { get; init; }

    public bool IsHeld => Text is not null || Delta is not null;
}

/// <summary>All that a round can change. Rows are immutable, so a copy is shallow.</summary>
internal sealed class MemoryState
{
    public string? ProjectCode { get; set; }

    public bool CloneIsOpen { get; set; }

    public List<MemoryRow> ByRid { get; private init; } = [];

    public Dictionary<ArtifactId, MemoryRow> ById { get; private init; } = [];

    /// <summary>Deltas without text.</summary>
    public HashSet<RecordId> Waiting { get; private init; } = [];

    public HashSet<RecordId> Unclustered { get; private init; } = [];

    public HashSet<RecordId> Unsent { get; private init; } = [];

    public HashSet<ArtifactId> Shunned { get; private init; } = [];

    public HashSet<string> Nonces { get; private init; } = [];

    public SortedDictionary<string, MemoryFile> Unversioned { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, ConfigRow> Config { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<(ConfigTable Table, string Key), ConfigRow> OtherRows { get; private init; } = [];

    public Dictionary<string, UserAccount> Users { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<string, SyncedTableSchema> Schemas { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<(string Table, string KeyHash), MemoryTableRow> TableRows { get; private init; } = [];

    public Dictionary<string, PeerMark> PeerMarks { get; private init; } = new(StringComparer.Ordinal);

    public MemoryState Copy() => new()
    {
        ProjectCode = ProjectCode,
        CloneIsOpen = CloneIsOpen,
        ByRid = [.. ByRid],
        ById = new(ById),
        Waiting = [.. Waiting],
        Unclustered = [.. Unclustered],
        Unsent = [.. Unsent],
        Shunned = [.. Shunned],
        Nonces = [.. Nonces],
        Unversioned = new(Unversioned, StringComparer.Ordinal),
        Config = new(Config, StringComparer.Ordinal),
        OtherRows = new(OtherRows),
        Users = new(Users, StringComparer.Ordinal),
        Schemas = new(Schemas, StringComparer.Ordinal),
        TableRows = new(TableRows),
        PeerMarks = new(PeerMarks, StringComparer.Ordinal),
    };
}

internal sealed record MemoryFile(UnversionedEntry Entry, byte[] Content);

internal sealed record MemoryTableRow(SyncedRowEntry Entry, byte[] Json);

/// <summary>Everything that an artifact refers to.</summary>
internal static class References
{
    public static IEnumerable<ArtifactId> Of(Artifact artifact)
    {
        var ids = new List<ArtifactId>();
        ids.AddRange(artifact.Parents);
        ids.AddRange(artifact.Members);
        foreach (var file in artifact.Files) ids.Add(file.Id);
        foreach (var cherrypick in artifact.Cherrypicks) ids.Add(cherrypick.Target);
        if (artifact.Kind == ArtifactKind.Control)
            foreach (var tag in artifact.Tags)
                ids.Add(tag.Target);
        ids.Add(artifact.Baseline);
        ids.Add(artifact.AttachmentSource);
        return ids.Where(id => !id.IsEmpty).Distinct();
    }
}
