using System.Security.Cryptography;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>A file, and the bytes that its content takes; null without content.</summary>
public sealed record UnversionedRow(UnversionedEntry Entry, long? StoredBytes);

/// <summary>
/// Files without history: only the newest content is kept, and a deletion is kept as a row so that it can be synced.
/// The table is created with the first file.
/// </summary>
// Spec: unversioned.c.
public sealed class UnversionedStore : IUnversionedStore
{
    private const string CatalogSetting = "uv-hash";
    private const string EmptyCatalogHash = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    private const int EncodingPlain = 0;
    private const int EncodingDeflated = 1;

    private readonly Repository _repository;
    private byte[] _content = [];

    internal UnversionedStore(Repository repository) => _repository = repository;

    public string CatalogHash
    {
        get
        {
            if (_repository.Settings[CatalogSetting] is { } known) return known;
            if (!HasTable) return EmptyCatalogHash;

            var hash = ComputeCatalogHash();
            if (!_repository.IsReadOnly) _repository.Settings.Set(CatalogSetting, hash);
            return hash;
        }
    }

    private Database Database => _repository.Database;

    private bool HasTable => Database.HasTable("unversioned");

    public IReadOnlyList<UnversionedEntry> List()
    {
        var list = new List<UnversionedEntry>();
        if (!HasTable) return list;

        using var select = Database.Prepare("SELECT name, mtime, hash, sz FROM unversioned ORDER BY name");
        while (select.Step()) list.Add(ReadEntry(select));
        return list;
    }

    /// <summary>Files, deleted ones too, that fit the patterns; null fits all.</summary>
    /// <param name="glob">As SQLite's <c>GLOB</c>.</param>
    /// <param name="like">As SQLite's <c>LIKE</c>.</param>
    public IReadOnlyList<UnversionedRow> Find(string? glob, string? like)
    {
        var list = new List<UnversionedRow>();
        if (!HasTable) return list;

        using var select = Database.Prepare(
            """
            SELECT name, mtime, hash, sz, length(content) FROM unversioned
             WHERE (?1 IS NULL OR name GLOB ?1) AND (?2 IS NULL OR name LIKE ?2) ORDER BY name
            """);
        select.BindText(1, glob).BindText(2, like);
        while (select.Step())
            list.Add(new UnversionedRow(ReadEntry(select), select.IsNull(4) ? null : select.Int64(4)));
        return list;
    }

    public bool TryFind(string name, out UnversionedEntry entry)
    {
        entry = default;
        if (!HasTable) return false;

        using var select = Database.Prepare("SELECT name, mtime, hash, sz FROM unversioned WHERE name=?1");
        if (!select.BindText(1, name).Step()) return false;

        entry = ReadEntry(select);
        return true;
    }

    public bool TryRead(string name, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (!TryGet(name, out var bytes)) return false;

        _content = bytes;
        content = bytes;
        return true;
    }

    /// <summary>The content; false for a deletion or an unknown name.</summary>
    /// <exception cref="EdgeSyncException">The stored bytes do not inflate.</exception>
    public bool TryGet(string name, out byte[] content)
    {
        content = [];
        if (!HasTable) return false;

        using var select = Database.Prepare(
            "SELECT content, encoding FROM unversioned WHERE name=?1 AND hash IS NOT NULL AND content IS NOT NULL");
        if (!select.BindText(1, name).Step()) return false;

        var stored = select.Bytes(0);
        if (select.Int64(1) == EncodingPlain)
        {
            content = stored.ToArray();
            return true;
        }

        if (BlobCodec.TryDecode(
            Inflater.OfThisThread, stored, _repository.Options.ArtifactBytesMax, out content, out var fault))
            return true;

        throw new EdgeSyncException(
            ErrorKind.Corrupt,
            $"the unversioned file '{name}' in {_repository.Path} is damaged: it does not inflate ({fault})",
            "put it again, or pull it from another copy");
    }

    /// <summary>Stores a local file, under its hash by policy; returns the row.</summary>
    /// <exception cref="EdgeSyncException">The name is not a simple path, or holds white space.</exception>
    public UnversionedEntry Put(string name, ReadOnlySpan<byte> content, long? mtimeSeconds = null)
    {
        RequireName(name);
        var hash = ArtifactHash.Compute(_repository.Content.HashPolicy.NewNames(), content);
        var entry = new UnversionedEntry(name, mtimeSeconds ?? _repository.Now.UnixSeconds, hash, content.Length);
        using var transaction = _repository.Begin();
        Put(entry, content);
        transaction.Commit();
        return entry;
    }

    public void Put(in UnversionedEntry entry, ReadOnlySpan<byte> content)
    {
        Invariant.Require(!entry.IsDeletion);
        MakeTable();
        var deflated = BlobCodec.Encode(Deflater.OfThisThread, content);
        var isDeflated = deflated.Length <= 0.8 * content.Length;

        using var replace = Database.Prepare(
            """
            REPLACE INTO unversioned(name,rcvid,mtime,hash,sz,encoding,content) VALUES(?1,?2,?3,?4,?5,?6,?7)
            """);
        replace.BindText(1, entry.Name).Bind(2, _repository.ReceiveLog.CurrentId()).Bind(3, entry.MtimeSeconds)
            .Bind(4, entry.Hash).Bind(5, content.Length).Bind(6, isDeflated ? EncodingDeflated : EncodingPlain)
            .BindBlob(7, isDeflated ? deflated : content).Run();
        Changed();
    }

    public void Touch(string name, long mtimeSeconds)
    {
        if (!HasTable) return;

        using var update = Database.Prepare("UPDATE unversioned SET mtime=?1 WHERE name=?2");
        update.Bind(1, mtimeSeconds).BindText(2, name).Run();
        Changed();
    }

    public void Delete(string name, long mtimeSeconds)
    {
        MakeTable();
        using var replace = Database.Prepare(
            """
            INSERT INTO unversioned(name,rcvid,mtime,hash,sz,encoding,content) VALUES(?1,?2,?3,NULL,0,0,NULL)
            ON CONFLICT(name) DO UPDATE SET rcvid=excluded.rcvid, mtime=excluded.mtime, hash=NULL, sz=0, encoding=0, content=NULL
            """);
        replace.BindText(1, name).Bind(2, _repository.ReceiveLog.CurrentId()).Bind(3, mtimeSeconds).Run();
        Changed();
    }

    /// <summary>Deletes a file that exists, and leaves the row that is synced; false if there is none.</summary>
    public bool Delete(string name)
    {
        if (!TryFind(name, out var entry) || entry.IsDeletion) return false;

        using var transaction = _repository.Begin();
        Delete(name, Math.Max(_repository.Now.UnixSeconds, entry.MtimeSeconds + 1));
        transaction.Commit();
        return true;
    }

    public void Forget(string name)
    {
        if (!HasTable) return;

        using var delete = Database.Prepare("DELETE FROM unversioned WHERE name=?1");
        delete.BindText(1, name).Run();
        Changed();
    }

    /// <summary>
    /// True for a path that every system accepts: relative, no empty, "." or ".." part, no backslash, no control.
    /// </summary>
    public static bool IsName(string name)
    {
        if (name.Length is 0 or > 1000) return false;
        foreach (var c in name)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c)
                || c is '\\' or '*' or '[' or ']' or '?' or '"' or '<' or '>' or '|' or ':')
                return false;
        }

        foreach (var part in name.Split('/'))
        {
            if (part is "" or "." or "..") return false;
        }

        return true;
    }

    private static UnversionedEntry ReadEntry(Statement select) =>
        new(select.Text(0) ?? "", select.Int64(1), select.Artifact(2), select.Int64(3));

    private void RequireName(string name)
    {
        if (IsName(name)) return;

        throw new EdgeSyncException(
            ErrorKind.Usage, $"'{name}' is not a name for an unversioned file of {_repository.Path}",
            "use a relative path without white space");
    }

    private void MakeTable()
    {
        if (!HasTable) Database.Execute(RepositorySchema.Unversioned);
    }

    private void Changed() => _repository.Settings.Remove(CatalogSetting);

    private string ComputeCatalogHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        using var select = Database.Prepare(
            "SELECT name, datetime(mtime,'unixepoch'), hash FROM unversioned WHERE hash IS NOT NULL ORDER BY name");
        while (select.Step())
        {
            hash.AppendData(select.Bytes(0));
            hash.AppendData(" "u8);
            hash.AppendData(select.Bytes(1));
            hash.AppendData(" "u8);
            hash.AppendData(select.Bytes(2));
            hash.AppendData("\n"u8);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
