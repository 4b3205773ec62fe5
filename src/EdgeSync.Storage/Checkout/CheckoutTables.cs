using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>A row of <c>vmerge</c>: what was merged and is not committed yet.</summary>
/// <param name="Kind">0 merge, -1 cherrypick, -2 backout, -4 integrate; above 0 the row of a file.</param>
/// <param name="Merged">The check-in, or the content of the file.</param>
/// <param name="Hash">Its name.</param>
public readonly record struct MergeRow(long Kind, RecordId Merged, string Hash);

/// <summary>
/// The rows of a checkout: variables, files and merges. The connection may be that of the checkout, or that of the
/// repository with the checkout attached.
/// </summary>
public sealed class CheckoutTables(Database database)
{
    public Database Database => database;

    /// <summary>A variable, null when it is not set. Setting null removes it.</summary>
    public string? this[string name]
    {
        get
        {
            using var select = database.Prepare("SELECT CAST(value AS TEXT) FROM vvar WHERE name=?1");
            return select.BindText(1, name).Step() ? select.Text(0) : null;
        }

        set
        {
            if (value is null)
            {
                using var delete = database.Prepare("DELETE FROM vvar WHERE name=?1");
                delete.BindText(1, name).Run();
                return;
            }

            using var replace = database.Prepare("REPLACE INTO vvar(name,value) VALUES(?1,?2)");
            replace.BindText(1, name).BindText(2, value).Run();
        }
    }

    /// <summary>The check-in that is checked out; none in an empty checkout.</summary>
    public RecordId Version => new(
        long.TryParse(this["checkout"], System.Globalization.CultureInfo.InvariantCulture, out var rid) ? rid : 0);

    // Spec: db_set_checkout in db.c.
    public void SetVersion(Repository repository, RecordId rid)
    {
        this["checkout"] = rid.ToString();
        if (rid.IsNone) return;

        this["checkout-hash"] = repository.Content.NameOf(rid).ToString();
        this["fingerprint"] = RepositoryFingerprint.Of(repository, receiveId: 0);
    }

    /// <summary>By name.</summary>
    public List<TrackedFile> Files(RecordId version)
    {
        var files = new List<TrackedFile>();
        using var select = database.Prepare(
            """
            SELECT id,vid,chnged,deleted,isexe,islink,rid,mrid,mtime,pathname,origname
              FROM vfile WHERE vid=?1 ORDER BY pathname
            """);
        select.Bind(1, version);
        while (select.Step())
        {
            files.Add(new TrackedFile
            {
                Id = select.Int64(0),
                Version = select.Record(1),
                Change = (ChangeState)select.Int32(2),
                IsDeleted = select.Boolean(3),
                Permission = select.Boolean(5) ? FilePermission.Symlink
                    : select.Boolean(4) ? FilePermission.Executable : FilePermission.Regular,
                Content = select.Record(6),
                Merged = select.Record(7),
                ModifiedSeconds = select.IsNull(8) ? null : select.Int64(8),
                Name = PathText.Of(select.Bytes(9)),
                OriginalName = select.IsNull(10) ? null : PathText.Of(select.Bytes(10)),
            });
        }

        return files;
    }

    /// <summary>Rows for the files of a check-in, as it has them; those that are there already are kept.</summary>
    /// <returns>Names whose content never arrived: they have no row.</returns>
    // Spec: load_vfile_from_rid in vfile.c.
    public List<string> Load(Repository repository, RecordId version)
    {
        var missing = new List<string>();
        using (var there = database.Prepare("SELECT 1 FROM vfile WHERE vid=?1"))
            if (there.Bind(1, version).Step()) return missing;

        using var insert = database.Prepare(
            """
            INSERT INTO vfile(vid,isexe,islink,rid,mrid,pathname,mhash) VALUES(?1,?2,?3,?4,?4,?5,NULL)
            """);
        foreach (var file in CheckInTree.Load(repository, version).Files)
        {
            if (!repository.Content.TryFind(file.Id, out var rid, out var size) || size < 0)
            {
                if (!repository.Shuns.Contains(file.Id)) missing.Add(PathText.Of(file.Name));
                continue;
            }

            insert.Bind(1, version).Bind(2, file.Permission == FilePermission.Executable ? 1 : 0)
                .Bind(3, file.Permission == FilePermission.Symlink ? 1 : 0).Bind(4, rid).BindText(5, file.Name).Run();
        }

        return missing;
    }

    /// <summary>Notes what a look at the disk has shown.</summary>
    public void SetState(long id, ChangeState change, long modifiedSeconds)
    {
        using var update = database.Prepare("UPDATE vfile SET mtime=?1, chnged=?2 WHERE id=?3");
        update.Bind(1, modifiedSeconds).Bind(2, (long)change).Bind(3, id).Run();
    }

    public void Add(RecordId version, string name, FilePermission permission)
    {
        using var insert = database.Prepare(
            """
            INSERT INTO vfile(vid,deleted,rid,mrid,pathname,isexe,islink,mhash) VALUES(?1,0,0,0,?2,?3,?4,NULL)
            """);
        insert.Bind(1, version).BindText(2, PathText.ToBytes(name))
            .Bind(3, permission == FilePermission.Executable ? 1 : 0)
            .Bind(4, permission == FilePermission.Symlink ? 1 : 0).Run();
    }

    public void SetDeleted(long id, bool isDeleted)
    {
        using var update = database.Prepare("UPDATE vfile SET deleted=?1 WHERE id=?2");
        update.Bind(1, isDeleted ? 1 : 0).Bind(2, id).Run();
    }

    public void Remove(long id)
    {
        using var delete = database.Prepare("DELETE FROM vfile WHERE id=?1");
        delete.Bind(1, id).Run();
    }

    public void SetName(long id, string name)
    {
        using var update = database.Prepare("UPDATE vfile SET pathname=?1 WHERE id=?2");
        update.BindText(1, PathText.ToBytes(name)).Bind(2, id).Run();
    }

    /// <summary>As the other, with the name in the check-in too.</summary>
    public void SetName(long id, string name, string originalName)
    {
        using var update = database.Prepare("UPDATE vfile SET pathname=?1, origname=?2 WHERE id=?3");
        update.BindText(1, PathText.ToBytes(name)).BindText(2, PathText.ToBytes(originalName)).Bind(3, id).Run();
    }

    /// <summary>Moves a row to another check-in.</summary>
    public void SetOwner(long id, RecordId version)
    {
        using var update = database.Prepare("UPDATE vfile SET vid=?1 WHERE id=?2");
        update.Bind(1, version).Bind(2, id).Run();
    }

    /// <summary>The rows of this check-in alone stay.</summary>
    public void KeepOnly(RecordId version)
    {
        using var delete = database.Prepare("DELETE FROM vfile WHERE vid!=?1");
        delete.Bind(1, version).Run();
    }

    /// <summary>Notes a check-in as merged; nothing where the repository lacks it.</summary>
    public void AddMerge(Repository repository, long kind, string hash)
    {
        if (!ArtifactId.TryParse(hash, out var id) || repository.Content.Find(id) is not { IsNone: false } rid) return;

        using var insert = database.Prepare("INSERT OR IGNORE INTO vmerge(id,merge,mhash) VALUES(?1,?2,?3)");
        insert.Bind(1, kind).Bind(2, rid).BindText(3, hash).Run();
    }

    public List<MergeRow> Merges()
    {
        var rows = new List<MergeRow>();
        using var select = database.Prepare("SELECT id, merge, mhash FROM vmerge ORDER BY rowid");
        while (select.Step()) rows.Add(new MergeRow(select.Int64(0), select.Record(1), select.Text(2) ?? ""));
        return rows;
    }
}
