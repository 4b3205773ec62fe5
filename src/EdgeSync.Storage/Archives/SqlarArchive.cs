using System.IO.Compression;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Archives;

/// <summary>
/// An SQLite database as archive. Spec: zip_add_file_to_sqlar in zip.c; https://sqlite.org/sqlar.html.
/// </summary>
public sealed class SqlarArchive : IArchiveWriter
{
    private readonly Database _database;
    private readonly Transaction _transaction;
    private readonly long _mtimeSeconds;

    /// <param name="path">The new file.</param>
    /// <param name="mtimeSeconds">The time of all entries.</param>
    public SqlarArchive(string path, long mtimeSeconds)
    {
        _mtimeSeconds = mtimeSeconds;
        _database = Database.Open(path, new DatabaseOptions
        {
            Access = DatabaseAccess.Create,
            Journal = DatabaseJournal.AsFound,
        });
        _database.Execute("PRAGMA page_size=512");
        _transaction = _database.Begin();
        _database.Execute(
            """
            CREATE TABLE sqlar(
              name TEXT PRIMARY KEY,  -- name of the file
              mode INT,               -- access permissions
              mtime INT,              -- last modification time
              sz INT,                 -- original file size
              data BLOB               -- compressed content
            );
            """);
    }

    public void AddFolder(ReadOnlySpan<byte> name)
    {
        using var insert = Insert(name, 0x41ed, 0);
        insert.BindNull(5).Run();
    }

    public void AddFile(ReadOnlySpan<byte> name, FilePermission permission, ReadOnlySpan<byte> content)
    {
        if (permission == FilePermission.Symlink)
        {
            using var link = Insert(name, 0xa1ed, -1);
            link.BindText(5, content).Run();
            return;
        }

        using var insert = Insert(name, permission == FilePermission.Executable ? 0x81ed : 0x81a4, content.Length);
        using var packed = new MemoryStream();
        using (var deflater = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            deflater.Write(content);
        insert.BindBlob(5, packed.Length < content.Length ? packed.GetBuffer().AsSpan(0, (int)packed.Length) : content)
            .Run();
    }

    public void Finish() => _transaction.Commit();

    public void Dispose()
    {
        _transaction.Dispose();
        _database.Dispose();
    }

    private Statement Insert(ReadOnlySpan<byte> name, int mode, long size) => _database.Prepare(
            "INSERT INTO sqlar VALUES(?1,?2,?3,?4,?5)")
        .BindText(1, name).Bind(2, mode).Bind(3, _mtimeSeconds).Bind(4, size);
}
