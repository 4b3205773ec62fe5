
namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The T cards of a text in the order of parsing, and the rules of each kind for all of them together.
/// </summary>
internal struct TagCards
{
    private List<TagSlot>? _tags;
    private int _singleCount;

    /// <summary>Tags on the artifact itself.</summary>
    public int SelfCount { get; private set; }

    public readonly bool AreAllSingleOnSelf => (_tags?.Count ?? 0) == SelfCount && SelfCount == _singleCount;

    public readonly TagSlot[] ToArray() => _tags is null ? [] : [.. _tags];

    public ArtifactFaultKind Add(Artifact artifact, in TagSlot tag)
    {
        var name = artifact.TextOf(tag.Name);
        if (tag.Target.IsEmpty) SelfCount++;
        if (name is not [(byte)'-' or (byte)'+' or (byte)'*', ..] || HashToken.IsHex(name[1..]))
            return ArtifactFaultKind.BadTag;

        if (name[0] == '+') _singleCount++;
        _tags ??= new List<TagSlot>(2);
        if (_tags.Count > 0)
        {
            var order = artifact.TextOf(_tags[^1].Name).SequenceCompareTo(name);
            if (order > 0 || (order == 0 && !IsAfterLast(artifact, tag))) return ArtifactFaultKind.EntryOrder;
        }

        _tags.Add(tag);
        return ArtifactFaultKind.None;
    }

    // The artifact itself is first; the others are in the order of their hash text as written.
    private readonly bool IsAfterLast(Artifact artifact, in TagSlot tag) =>
        !tag.Target.IsEmpty
        && (
            _tags![^1].Target.IsEmpty
            || artifact.TextOf(_tags[^1].TargetText).SequenceCompareTo(artifact.TextOf(tag.TargetText)) < 0);
}
