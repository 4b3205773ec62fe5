using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A check-in read from a repository, with its baseline if it is a delta manifest.</summary>
public sealed class CheckInTree
{
    private CheckInTree(RecordId rid, Artifact manifest, RecordId baselineRid, Artifact? baseline) =>
        (Rid, Manifest, BaselineRid, Baseline) = (rid, manifest, baselineRid, baseline);

    public RecordId Rid { get; }

    public Artifact Manifest { get; }

    /// <summary>None for a full manifest.</summary>
    public RecordId BaselineRid { get; }

    public Artifact? Baseline { get; }

    /// <summary>All files, by name.</summary>
    public ManifestFiles Files => new(Manifest, Baseline);

    /// <exception cref="EdgeSyncException">It does not exist, is not a check-in, or its baseline is
    /// missing.</exception>
    public static CheckInTree Load(Repository repository, RecordId rid)
    {
        var manifest = Parse(repository, rid);
        if (manifest.Baseline.IsEmpty) return new CheckInTree(rid, manifest, RecordId.None, null);

        var baselineRid = repository.Content.Find(manifest.Baseline);
        if (baselineRid.IsNone)
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound,
                $"check-in {repository.Content.NameOf(rid).ToShortString()} lists differences to "
                    + $"{manifest.Baseline.ToShortString()}, which is not here",
                "edgesync repo pull");
        }

        var baseline = Parse(repository, baselineRid);
        if (!baseline.Baseline.IsEmpty)
        {
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the baseline {manifest.Baseline.ToShortString()} is itself written as differences",
                $"edgesync repo verify -R {repository.Path}");
        }

        return new CheckInTree(rid, manifest, baselineRid, baseline);
    }

    private static Artifact Parse(Repository repository, RecordId rid)
    {
        // The artifact keeps its text, and the store reuses its buffer.
        byte[] text;
        using (var content = repository.Content.Get(rid)) text = content.Span.ToArray();

        // The content's hash was verified; checking the Z card too would add nothing.
        return ArtifactParser.TryParse(
            text, out var artifact, new ArtifactParserOptions(repository.Now, SkipsChecksum: true))
            &&
            artifact.Kind == ArtifactKind.CheckIn
            ? artifact
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"{repository.Content.NameOf(rid).ToShortString()} is not a check-in");
    }
}
