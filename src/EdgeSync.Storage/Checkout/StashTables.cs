using System.Globalization;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>Changes that were put aside.</summary>
/// <param name="Id">Counted from 1; never used again.</param>
/// <param name="Hash">The check-in that they were made to.</param>
/// <param name="Date">UTC, as stock prints it.</param>
public sealed record StashEntry(long Id, string Hash, string? Comment, string Date);

/// <summary>One file of a stash.</summary>
public sealed record StashedFile
{
    public required string Name { get; init; }

    /// <summary>What the check-in calls it; the same unless it was renamed.</summary>
    public required string OriginalName { get; init; }

    public bool IsAdded { get; init; }

    public bool IsRemoved { get; init; }

    public FilePermission Permission { get; init; }

    /// <summary>The content that was changed; none for an added file.</summary>
    public RecordId Base { get; init; }

    /// <summary>From the base to what was put aside, or that itself for an added file.</summary>
    internal byte[] Delta { get; init; } = [];
}

/// <summary>The tables <c>stash</c> and <c>stashfile</c> of a checkout, as stock has them. Spec: stash.c.</summary>
internal sealed class StashTables(WorkingCheckout checkout)
{
    private const string Next = "stash-next";

    private Database Database => checkout.Tables.Database;

    private bool Exist => Database.HasTable("stash") && Database.HasTable("stashfile");

    /// <summary>The oldest first.</summary>
    public List<StashEntry> Entries()
    {
        var entries = new List<StashEntry>();
        if (!Exist) return entries;

        if (!Database.IsReadOnly) FillHashes();
        using var select = Database.Prepare(
            "SELECT stashid, hash, comment, coalesce(datetime(ctime),'') FROM stash ORDER BY ctime, stashid");
        while (select.Step())
            entries.Add(
                new StashEntry(select.Int64(0), select.Text(1) ?? "", select.Text(2), select.Text(3)!));
        return entries;
    }

    /// <summary>In stock's order: changed files as they were tracked, then added ones.</summary>
    public List<StashedFile> Files(long id)
    {
        var files = new List<StashedFile>();
        using var select = Database.Prepare(
            """
            SELECT isAdded, isRemoved, isExec, isLink, hash, origname, newname, delta FROM stashfile WHERE stashid=?1
             ORDER BY hash IS NULL, rowid
            """);
        select.Bind(1, id);
        while (select.Step())
        {
            var origin = select.IsNull(4) ? RecordId.None : checkout.Repository.Content.Find(select.Artifact(4));
            if (!select.IsNull(4) && origin.IsNone) continue;   // stock passes over it, too

            files.Add(new StashedFile
            {
                IsAdded = select.Boolean(0),
                IsRemoved = select.Boolean(1),
                Permission = select.Boolean(3) ? FilePermission.Symlink
                    : select.Boolean(2) ? FilePermission.Executable : FilePermission.Regular,
                Base = origin,
                OriginalName = PathText.Of(select.Bytes(5)),
                Name = PathText.Of(select.Bytes(6)),
                Delta = select.Bytes(7).ToArray(),
            });
        }

        return files;
    }

    /// <summary>What was put aside.</summary>
    /// <exception cref="EdgeSyncException">The base or the delta is damaged.</exception>
    public byte[] TextOf(StashedFile file)
    {
        if (file.IsRemoved) return [];
        if (file.Base.IsNone) return file.Delta;

        using var origin = checkout.Repository.Content.Get(file.Base);
        return DeltaApplier.TryApply(
            origin.Span, file.Delta, checkout.Repository.Content.ArtifactBytesMax, out var text, out _)
            ? text
            : throw new EdgeSyncException(ErrorKind.Corrupt, $"the stash of {file.Name} is damaged");
    }

    /// <summary>Adds an entry of the check-in that is checked out. Inside a transaction.</summary>
    public long Add(string? comment, IEnumerable<StashedFile> files) => Add(comment, files, checkout.Version);

    /// <summary>As the other, of any check-in.</summary>
    public long Add(string? comment, IEnumerable<StashedFile> files, RecordId version)
    {
        Create();
        var id = long.TryParse(checkout.Tables[Next], CultureInfo.InvariantCulture, out var next) ? next : 1;
        checkout.Tables[Next] = (id + 1).ToString(CultureInfo.InvariantCulture);
        using (var insert = Database.Prepare(
            "INSERT INTO stash(stashid,vid,hash,comment,ctime) VALUES(?1,?2,?3,?4,julianday('now'))"))
            insert.Bind(1, id).Bind(2, version)
                .BindText(3, version.IsNone ? null : checkout.Repository.Content.NameOf(version).ToString())
                .BindText(4, comment).Run();
        foreach (var file in files) Add(id, file);
        return id;
    }

    public void Remove(long id)
    {
        foreach (var table in (ReadOnlySpan<string>)["stash", "stashfile"])
        {
            using var delete = Database.PrepareOnce($"DELETE FROM {table} WHERE stashid=?1");
            delete.Bind(1, id).Run();
        }
    }

    public void Clear()
    {
        if (Exist) Database.Execute("DELETE FROM stash; DELETE FROM stashfile;");
    }

    /// <summary>The repository was replaced by a clone with other record numbers.</summary>
    public void Renumber()
    {
        if (!Exist || !Database.HasColumn("stash", "hash")) return;

        Renumber("stash", "vid");
        Renumber("stashfile", "rid");
    }

    private void Renumber(string table, string column)
    {
        var rows = new List<(long Row, ArtifactId Hash)>();
        using (var select = Database.PrepareOnce($"SELECT rowid, hash FROM {table} WHERE hash IS NOT NULL"))
            while (select.Step()) rows.Add((select.Int64(0), select.Artifact(1)));
        using var update = Database.PrepareOnce($"UPDATE {table} SET {column}=?1 WHERE rowid=?2");
        foreach (var (row, hash) in rows)
            update.Reset().Bind(1, checkout.Repository.Content.Find(hash)).Bind(2, row).Run();
    }

    private void Add(long id, StashedFile file)
    {
        using var insert = Database.Prepare(
            """
            INSERT INTO stashfile(stashid,isAdded,isRemoved,isExec,isLink,rid,hash,origname,newname,delta)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)
            """);
        insert.Bind(1, id).Bind(2, file.IsAdded ? 1 : 0).Bind(3, file.IsRemoved ? 1 : 0)
            .Bind(4, file.Permission == FilePermission.Executable ? 1 : 0)
            .Bind(5, file.Permission == FilePermission.Symlink ? 1 : 0).Bind(6, file.Base)
            .BindText(7, file.Base.IsNone ? null : checkout.Repository.Content.NameOf(file.Base).ToString())
            .BindText(8, PathText.ToBytes(file.OriginalName)).BindText(9, PathText.ToBytes(file.Name));
        if (file.IsRemoved) insert.BindNull(10).Run();
        else insert.BindBlob(10, file.Delta).Run();
    }

    private void Create()
    {
        if (Exist)
        {
            if (!Database.HasColumn("stashfile", "hash")) Upgrade();
            return;
        }

        Database.Execute("DROP TABLE IF EXISTS stash; DROP TABLE IF EXISTS stashfile;");
        Database.Execute(CheckoutSchema.Stash);
    }

    // Before 2019 there were no hashes; the numbers still hold then.
    private void Upgrade()
    {
        Database.Execute(
            """
            ALTER TABLE stash RENAME TO old_stash;
            ALTER TABLE stashfile RENAME TO old_stashfile;
            """);
        Database.Execute(CheckoutSchema.Stash);
        Database.Execute(
            """
            INSERT INTO stash(stashid,vid,comment,ctime) SELECT stashid,vid,comment,ctime FROM old_stash;
            INSERT INTO stashfile(stashid,isAdded,isRemoved,isExec,isLink,rid,origname,newname,delta)
              SELECT stashid,isAdded,isRemoved,isExec,isLink,rid,origname,newname,delta FROM old_stashfile;
            DROP TABLE old_stash;
            DROP TABLE old_stashfile;
            """);
        FillHashes();
    }

    // A program older than the columns may have written rows without them.
    private void FillHashes()
    {
        if (Database.HasColumn("stashfile", "hash")
            && Database.QueryInt64("SELECT count(*) FROM stash WHERE hash IS NULL AND vid>0") == 0) return;

        using var transaction = Database.Begin();
        if (!Database.HasColumn("stashfile", "hash")) Upgrade();
        FillHashes("stash", "vid");
        FillHashes("stashfile", "rid");
        transaction.Commit();
    }

    private void FillHashes(string table, string column)
    {
        var rows = new List<(long Row, RecordId Record)>();
        using (var select = Database.PrepareOnce(
            $"SELECT rowid, {column} FROM {table} WHERE hash IS NULL AND {column}>0"))
            while (select.Step()) rows.Add((select.Int64(0), select.Record(1)));
        using var update = Database.PrepareOnce($"UPDATE {table} SET hash=?1 WHERE rowid=?2");
        foreach (var (row, record) in rows)
            update.Reset().BindText(1, checkout.Repository.Content.NameOf(record).ToString()).Bind(2, row).Run();
    }
}
