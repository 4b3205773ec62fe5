using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>The T cards of a text as they are met, and what the kinds of artifacts demand of all of them together.</summary>
internal struct TagCards
{
    private List<TagSlot>? _tags;
    private TextSlot _lastTarget;
    private int _singleCount;

    /// <summary>Tags on the artifact itself.</summary>
    public int SelfCount { get; private set; }

    public readonly bool AreAllSingleOnSelf => (_tags?.Count ?? 0) == SelfCount && SelfCount == _singleCount;

    public readonly TagSlot[] ToArray() => _tags is null ? [] : [.. _tags];

    /// <param name="target">The second argument as it is written.</param>
    public ArtifactFaultKind Add(Artifact artifact, in TagSlot tag, TextSlot target)
    {
        var name = artifact.TextOf(tag.Name);
        if (tag.Target.IsEmpty) SelfCount++;
        if (name is not [(byte)'-' or (byte)'+' or (byte)'*', ..] || HashToken.IsHex(name[1..])) return ArtifactFaultKind.BadTag;

        if (name[0] == '+') _singleCount++;
        _tags ??= new List<TagSlot>(2);
        if (_tags.Count > 0)
        {
            var order = artifact.TextOf(_tags[^1].Name).SequenceCompareTo(name);
            if (order > 0 || (order == 0 && !IsAfterLast(artifact, tag.Target, target))) return ArtifactFaultKind.EntryOrder;
        }

        _tags.Add(tag);
        _lastTarget = target;
        return ArtifactFaultKind.None;
    }

    // The artifact itself stands first; hashes stand in the order of their text as written.
    private readonly bool IsAfterLast(Artifact artifact, ArtifactId id, TextSlot target) =>
        !id.IsEmpty && (_tags![^1].Target.IsEmpty || artifact.TextOf(_lastTarget).SequenceCompareTo(artifact.TextOf(target)) < 0);
}
