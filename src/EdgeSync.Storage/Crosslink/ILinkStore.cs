using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// The content tables as linking uses them: numbers of artifacts, texts, privacy. A repository reads and writes them;
/// <c>verify</c> uses a repository that it must not change.
/// </summary>
internal interface ILinkStore
{
    /// <summary>The record of an artifact, present or phantom; none if its name is unknown.</summary>
    RecordId Find(ArtifactId id);

    /// <summary>Like <see cref="Find"/>, but an unknown name becomes a phantom; none only for a shunned one.</summary>
    RecordId FindOrCreate(ArtifactId id);

    /// <summary>The name of a record; empty if there is no such record.</summary>
    ArtifactId IdOf(RecordId record);

    /// <summary>
    /// The expanded text; false for a phantom, for a delta whose chain ends in one, and for text that cannot be an
    /// artifact (<see cref="Fossil.Artifacts.ArtifactParser.MayBeArtifact"/>).
    /// </summary>
    bool TryRead(RecordId record, out ReadOnlyMemory<byte> text);

    bool IsPrivate(RecordId record);

    void MakePublic(RecordId record);

    void MakePrivate(RecordId record);

    /// <summary>Removes a record from the list of those in no cluster.</summary>
    void MarkClustered(RecordId record);

    /// <summary>Records in the settings that this repository has delta manifests.</summary>
    void NoteDeltaManifest();
}
