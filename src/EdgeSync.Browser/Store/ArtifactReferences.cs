using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>The artifacts that another one names.</summary>
internal static class ArtifactReferences
{
    /// <summary>Each once.</summary>
    public static HashSet<ArtifactId> Of(Artifact artifact)
    {
        var ids = new HashSet<ArtifactId>();
        foreach (var parent in artifact.Parents) ids.Add(parent);
        foreach (var member in artifact.Members) ids.Add(member);
        foreach (var file in artifact.Files) ids.Add(file.Id);
        foreach (var cherrypick in artifact.Cherrypicks) ids.Add(cherrypick.Target);
        if (artifact.Kind == ArtifactKind.Control)
            foreach (var tag in artifact.Tags)
                ids.Add(tag.Target);
        ids.Add(artifact.Baseline);
        ids.Add(artifact.AttachmentSource);
        ids.Remove(default);
        return ids;
    }
}
