using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>Where a change of the repository came from.</summary>
public enum ChangeOrigin
{
    /// <summary>Somebody works here: a commit by us, by stock on the same file, a web page.</summary>
    Local,

    /// <summary>A client pushed it, over HTTP or NATS.</summary>
    Pushed,

    /// <summary>An exchange that we started brought it.</summary>
    Pulled,
}

/// <summary>An artifact worth telling others of: one that has a row in the timeline.</summary>
public readonly record struct NewArtifact(RecordId Rid, ArtifactId Id, bool IsCheckIn = true);

/// <summary>What came into the repository. Private artifacts are never in it.</summary>
public sealed record RepositoryChanges
{
    /// <summary>How many artifacts a host needs to list; of more, the ones with the greatest rids.</summary>
    public const int ArtifactsMax = 256;

    /// <summary>Timeline artifacts with a greater rid than asked for, ascending.</summary>
    public IReadOnlyList<NewArtifact> Artifacts { get; init; } = [];

    /// <summary>
    /// The newest of the files and other artifacts without a place in the timeline, with a greater rid than asked for.
    /// </summary>
    public IReadOnlyList<ArtifactId> Files { get; init; } = [];

    /// <summary>The greatest rid of the repository.</summary>
    public RecordId MaxRid { get; init; }

    /// <summary>
    /// The smallest rid of an artifact that is known by name and not held; none if there is no such. What fills it
    /// keeps its rid, so the watermark stays below it: or a commit whose name came a round before its text would never
    /// be told.
    /// </summary>
    public RecordId FirstPhantom { get; init; }

    /// <summary>The unversioned catalogue's hash; null where the node does not sync unversioned files.</summary>
    public string? UnversionedCatalog { get; init; }

    /// <summary>A hash over the synced tables' catalogues; null where the node does not sync tables.</summary>
    public string? TableCatalog { get; init; }

    /// <summary>Check-ins held, for the others' lists; zero if not counted.</summary>
    public long CheckIns { get; init; }

    /// <summary>The newest check-in; empty if there is none.</summary>
    public ArtifactId Head { get; init; }
}
