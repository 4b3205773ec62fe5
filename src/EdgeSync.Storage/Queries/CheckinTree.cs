using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage;

/// <summary>One file of a check-in.</summary>
public readonly record struct TreeFile(string Name, ArtifactId Id, FilePermission Permission);

/// <summary>All files of one check-in, its manifest and (for a delta manifest) its baseline held while it is open.</summary>
public sealed class CheckinTree : IDisposable
{
    private readonly ArtifactContent _text;
    private readonly ArtifactContent? _baselineText;
    private readonly ManifestFiles _files;

    private CheckinTree(RecordId rid, Artifact manifest, ArtifactContent text, Artifact? baseline, ArtifactContent? baselineText)
    {
        Rid = rid;
        Manifest = manifest;
        _text = text;
        _baselineText = baselineText;
        _files = new ManifestFiles(manifest, baseline);
    }

    public RecordId Rid { get; }

    public Artifact Manifest { get; }

    /// <summary>In order of name.</summary>
    public IEnumerable<TreeFile> Files
    {
        get
        {
            foreach (var file in _files) yield return new TreeFile(Encoding.UTF8.GetString(file.Name), file.Id, file.Permission);
        }
    }

    /// <exception cref="EdgeSyncException">No check-in, or one whose text is not here.</exception>
    public static CheckinTree Open(Repository repository, RecordId rid)
    {
        var (manifest, text) = Read(repository, rid);
        try
        {
            if (manifest.Baseline.IsEmpty) return new CheckinTree(rid, manifest, text, null, null);

            var (baseline, baselineText) = Read(repository, RequireBaseline(repository, manifest));
            return new CheckinTree(rid, manifest, text, baseline, baselineText);
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }

    public bool TryFind(string name, out TreeFile file)
    {
        var isFound = _files.TryFind(Encoding.UTF8.GetBytes(name), out var card);
        file = isFound ? new TreeFile(name, card.Id, card.Permission) : default;
        return isFound;
    }

    public void Dispose()
    {
        _text.Dispose();
        _baselineText?.Dispose();
    }

    private static RecordId RequireBaseline(Repository repository, Artifact manifest)
    {
        var rid = repository.Content.Find(manifest.Baseline);
        return rid.IsNone
            ? throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the check-in rests on baseline {manifest.Baseline}, which {repository.Path} does not have",
                "edgesync repo pull")
            : rid;
    }

    private static (Artifact Manifest, ArtifactContent Text) Read(Repository repository, RecordId rid)
    {
        var text = repository.Content.Get(rid);
        if (ArtifactParser.TryParse(text.Memory, out var artifact, out var fault) && artifact.Kind == ArtifactKind.CheckIn)
            return (artifact, text);

        text.Dispose();
        throw new EdgeSyncException(
            ErrorKind.Usage, $"{repository.Content.NameOf(rid).ToShortString()} is no check-in{(fault.Kind == ArtifactFaultKind.None ? "" : $": {fault}")}");
    }
}
