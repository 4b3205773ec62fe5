using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>The origin of a change of the repository.</summary>
public enum ChangeOrigin
{
    /// <summary>Local work: a commit by us, by stock on the same file, a web page.</summary>
    Local,

    /// <summary>A client pushed it, over HTTP or NATS.</summary>
    Pushed,

    /// <summary>Received in a session that we started.</summary>
    Pulled,
}

/// <summary>An artifact to announce: one with a row in the timeline.</summary>
public readonly record struct NewArtifact(RecordId Rid, ArtifactId Id, bool IsCheckIn = true);

/// <summary>New artifacts of the repository. Private artifacts are never included.</summary>
public sealed record RepositoryChanges
{
    /// <summary>How many artifacts a host needs to list; of more, the ones with the greatest rids.</summary>
    public const int ArtifactsMax = 256;

    /// <summary>Timeline artifacts above the requested rid, ascending.</summary>
    public IReadOnlyList<NewArtifact> Artifacts { get; init; } = [];

    /// <summary>
    /// The newest of the files and other artifacts without a place in the timeline, above the requested rid.
    /// </summary>
    public IReadOnlyList<ArtifactId> Files { get; init; } = [];

    /// <summary>The greatest rid of the repository.</summary>
    public RecordId MaxRid { get; init; }

    /// <summary>
    /// The smallest rid of a phantom; none if there is none. The artifact that fills it keeps its rid, so the watermark
    /// stays below it: otherwise a commit whose name arrived a round before its text would never be announced.
    /// </summary>
    public RecordId FirstPhantom { get; init; }

    /// <summary>The unversioned catalogue's hash; null where the node does not sync unversioned files.</summary>
    public string? UnversionedCatalog { get; init; }

    /// <summary>A hash over the synced tables' catalogues; null where the node does not sync tables.</summary>
    public string? TableCatalog { get; init; }

    /// <summary>The number of check-ins, for presence messages; zero if not counted.</summary>
    public long CheckIns { get; init; }

    /// <summary>The newest check-in; empty if there is none.</summary>
    public ArtifactId Head { get; init; }
}
