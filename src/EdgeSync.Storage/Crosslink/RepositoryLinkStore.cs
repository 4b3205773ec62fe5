using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;

namespace EdgeSync.Storage.Crosslink;

/// <summary>Content of the repository that is being linked.</summary>
internal sealed class RepositoryLinkStore(Repository repository) : ILinkStore
{
    private readonly ContentStore _content = repository.Content;

    public RecordId Find(ArtifactId id) => _content.Find(id);

    public RecordId FindOrCreate(ArtifactId id) => _content.AddPhantom(id);

    public ArtifactId IdOf(RecordId record) => _content.NameOf(record);

    public bool TryRead(RecordId record, out ReadOnlyMemory<byte> text)
    {
        // Nothing but files is that large, and such a text is not expanded just to see its first byte.
        text = default;
        if (_content.SizeOf(record) > ArtifactParser.SizeMax) return false;
        if (_content.Read(record, out var content) != ContentState.Available) return false;

        // Artifacts keep the text they were parsed from, and the store reuses its buffer.
        using (content)
        {
            if (!ArtifactParser.MayBeArtifact(content!.Span)) return false;

            text = content.Span.ToArray();
            return true;
        }
    }

    public bool IsPrivate(RecordId record) => _content.IsPrivate(record);

    public void MakePublic(RecordId record)
    {
        using var delete = repository.Database.Prepare("DELETE FROM private WHERE rid=?1");
        delete.Bind(1, record).Run();
    }

    public void MakePrivate(RecordId record)
    {
        using var insert = repository.Database.Prepare("INSERT OR IGNORE INTO private(rid) VALUES(?1)");
        insert.Bind(1, record).Run();
    }

    public void MarkClustered(RecordId record)
    {
        using var delete = repository.Database.Prepare("DELETE FROM unclustered WHERE rid=?1");
        delete.Bind(1, record).Run();
    }

    public void NoteDeltaManifest()
    {
        if (repository.Settings["seen-delta-manifest"] != "1") repository.Settings.Set("seen-delta-manifest", "1");
    }
}
