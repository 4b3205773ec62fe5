using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// What linking asks of the content tables: numbers of artifacts, texts, privacy. A repository answers by reading and
/// writing them; <c>verify</c> answers from a repository that it must not touch.
/// </summary>
internal interface ILinkStore
{
    /// <summary>The record of an artifact, present or phantom; none if its name has never been seen.</summary>
    RecordId Find(ArtifactId id);

    /// <summary>Like <see cref="Find"/>, but an unknown name becomes a phantom; none only for a shunned one.</summary>
    RecordId FindOrCreate(ArtifactId id);

    /// <summary>The name of a record; empty if there is no such record.</summary>
    ArtifactId IdOf(RecordId record);

    /// <summary>
    /// The expanded text; false for a phantom, for a delta whose chain ends in one, and for what is seen at once to be
    /// no artifact (<see cref="Fossil.Artifacts.ArtifactParser.MayBeArtifact"/>).
    /// </summary>
    bool TryRead(RecordId record, out ReadOnlyMemory<byte> text);

    bool IsPrivate(RecordId record);

    void MakePublic(RecordId record);

    void MakePrivate(RecordId record);

    /// <summary>Takes a record off the list of those that no cluster names.</summary>
    void MarkClustered(RecordId record);

    /// <summary>Notes in the settings that this repository holds delta manifests.</summary>
    void NoteDeltaManifest();
}
