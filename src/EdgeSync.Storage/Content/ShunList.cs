using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>One shunned name.</summary>
public sealed record ShunnedArtifact(ArtifactId Id, long MtimeSeconds, string? Comment);

/// <summary>
/// Names that are never stored, sent or requested. Content stored earlier is removed by the next rebuild.
/// </summary>
public sealed class ShunList
{
    private readonly Repository _repository;

    internal ShunList(Repository repository) => _repository = repository;

    private Database Database => _repository.Database;

    public bool Contains(ArtifactId id)
    {
        if (id.Kind == HashKind.Sha1 && _repository.Content.HashPolicy == HashPolicy.ShunSha1) return true;

        using var select = Database.Prepare("SELECT 1 FROM shun WHERE uuid=?1");
        return select.Bind(1, id).Step();
    }

    /// <summary>False if it was shunned already.</summary>
    public bool Add(ArtifactId id, string? comment = null)
    {
        using var insert = Database.Prepare("INSERT OR IGNORE INTO shun(uuid,mtime,scom) VALUES(?1,?2,?3)");
        return insert.Bind(1, id).Bind(2, _repository.Now.UnixSeconds).BindText(3, comment).Run() > 0;
    }

    /// <summary>False if it was not shunned.</summary>
    public bool Remove(ArtifactId id)
    {
        using var delete = Database.Prepare("DELETE FROM shun WHERE uuid=?1");
        return delete.Bind(1, id).Run() > 0;
    }

    public IReadOnlyList<ShunnedArtifact> List()
    {
        var list = new List<ShunnedArtifact>();
        using var select = Database.Prepare("SELECT uuid, mtime, scom FROM shun ORDER BY uuid");
        while (select.Step())
        {
            if (ArtifactId.TryParse(select.Bytes(0), out var id)) list.Add(new(id, select.Int64(1), select.Text(2)));
        }

        return list;
    }
}
