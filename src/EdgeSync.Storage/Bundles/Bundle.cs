using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Names;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Bundles;

/// <summary>Which check-ins go into a bundle.</summary>
/// <param name="Branch">All of a branch, from where it began.</param>
/// <param name="From">A check-in and what descends from it.</param>
/// <param name="To">The last one, with <paramref name="From"/> or <paramref name="Branch"/>.</param>
/// <param name="Checkin">This one alone.</param>
public sealed record BundleSelection(string? Branch, string? From, string? To, string? Checkin);

/// <summary>An artifact of a bundle.</summary>
public sealed record BundleEntry(ArtifactId Id, long Bytes, long StoredBytes, string Notes);

/// <summary>What is in a bundle: its own facts, and its artifacts.</summary>
public sealed record BundleContents(
    IReadOnlyList<(string Name, string Value)> Facts, IReadOnlyList<BundleEntry> Entries);

/// <summary>
/// A file with some check-ins and all that belongs to them, which another clone of the project takes in. Stock reads
/// and writes the same. Spec: bundle.c.
/// </summary>
// Differs from Fossil: no artifact rests on one that is not in the bundle, so that every clone can take it in.
public static class Bundle
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS bconfig(bcname TEXT, bcvalue ANY);
        CREATE TABLE IF NOT EXISTS bblob(
          blobid INTEGER PRIMARY KEY, uuid TEXT NOT NULL, sz INT NOT NULL, delta ANY, notes TEXT, data BLOB);
        """;

    /// <summary>Writes a bundle, or adds to one; returns how many artifacts were written.</summary>
    /// <exception cref="EdgeSyncException">Nothing is selected, or a name does not resolve.</exception>
    public static int Export(Repository repository, string path, BundleSelection selection)
    {
        var checkins = Select(repository, selection);
        var rids = new SortedSet<RecordId>(checkins, Comparer<RecordId>.Create((a, b) => a.Value.CompareTo(b.Value)));
        foreach (var checkin in checkins)
        {
            AddAll(repository, checkin, "SELECT fid FROM mlink WHERE fid>0 AND mid=?1", rids);
            AddAll(repository, checkin, "SELECT DISTINCT srcid FROM tagxref WHERE rid=?1 AND srcid<>0", rids);
        }

        using var bundle = Open(path, DatabaseAccess.Create);
        using var transaction = bundle.Begin();
        bundle.Execute(Schema);
        using (var fact = bundle.Prepare("INSERT INTO bconfig(bcname,bcvalue) VALUES(?1,?2)"))
        {
            var date = repository.Now.ToDateTime().ToString(
                "yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
            fact.BindText(1, "mtime").BindText(2, date).Run();
            fact.BindText(1, "project-code").BindText(2, repository.ProjectCode).Run();
        }

        foreach (var rid in rids) Write(repository, bundle, rid, rids);
        transaction.Commit();
        return rids.Count;
    }

    /// <summary>Takes a bundle in; returns the artifacts that were new.</summary>
    /// <param name="repository">The repository to write.</param>
    /// <param name="path">The bundle.</param>
    /// <param name="isPublic">They will be synced; otherwise they are private.</param>
    /// <param name="isForced">Also those of another project.</param>
    /// <exception cref="EdgeSyncException">It is not a bundle, is of another project, or has deltas of what is not
    /// here.</exception>
    public static IReadOnlyList<BundleEntry> Import(Repository repository, string path, bool isPublic, bool isForced)
    {
        using var bundle = OpenExisting(path);
        if (!isForced)
        {
            using var code = bundle.Prepare("SELECT 1 FROM bconfig WHERE bcname='project-code' AND bcvalue=?1");
            if (!code.BindText(1, repository.ProjectCode).Step())
            {
                throw new EdgeSyncException(
                    ErrorKind.Conflict, "project-code in the bundle does not match the repository project code.  "
                        + "(override with --force).", "--force takes it in anyway");
            }
        }

        var names = new Dictionary<long, ArtifactId>();
        using (var ids = bundle.Prepare("SELECT blobid, uuid FROM bblob"))
            while (ids.Step()) names[ids.Int64(0)] = ids.Artifact(1);

        var taken = new List<BundleEntry>();
        using var transaction = repository.Begin();
        using var select = bundle.Prepare("SELECT uuid, sz, delta, data, notes FROM bblob ORDER BY blobid");
        while (select.Step())
        {
            var (id, known) = (select.Artifact(0), repository.Content.Find(select.Artifact(0)));
            if (!known.IsNone && repository.Content.IsAvailable(known))
            {
                if (isPublic) repository.Content.SetPrivate(known, isPrivate: false);
                continue;
            }

            var source = SourceOf(repository, select, names);
            var data = select.Bytes(3).ToArray();
            var outcome = repository.Content.PutStored(id, source, select.Int64(1), data, !isPublic, out _);
            if (outcome is not (PutOutcome.Stored or PutOutcome.Pending))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, $"artifact {id} of the bundle cannot be stored: {outcome}");

            taken.Add(new BundleEntry(id, select.Int64(1), data.Length, select.Text(4) ?? ""));
        }

        transaction.Commit();
        return taken;
    }

    /// <summary>Adds files as artifacts that no check-in of the bundle names; makes the bundle when it is not there.
    /// </summary>
    /// <exception cref="EdgeSyncException">The file is there, and no bundle.</exception>
    // Spec: bundle_append_cmd in bundle.c, which names them by SHA1.
    public static void Append(string path, IReadOnlyList<(string Name, byte[] Content)> files)
    {
        using var bundle = File.Exists(path) && new FileInfo(path).Length > 0
            ? OpenExisting(path, DatabaseAccess.Write)
            : Open(path, DatabaseAccess.Create);
        using var transaction = bundle.Begin();
        bundle.Execute(Schema);
        using var insert = bundle.Prepare("INSERT INTO bblob(uuid,sz,delta,data,notes) VALUES(?1,?2,NULL,?3,?4)");
        foreach (var (name, content) in files)
        {
            insert.Bind(1, ArtifactHash.Compute(HashKind.Sha1, content)).Bind(2, content.Length)
                .BindBlob(3, BlobCodec.Encode(Deflater.OfThisThread, content)).BindText(4, name).Run();
        }

        transaction.Commit();
    }

    /// <summary>The content of an artifact of the bundle.</summary>
    /// <param name="path">The bundle.</param>
    /// <param name="prefix">The beginning of its hash; the first that fits is taken.</param>
    /// <param name="outside">The content of an artifact of the repository, on which one in the bundle rests.</param>
    /// <exception cref="EdgeSyncException">There is none, or it is damaged.</exception>
    // Spec: bundle_cat_cmd and bundle_extract_item in bundle.c.
    public static (ArtifactId Id, byte[] Content) Read(string path, string prefix, Func<ArtifactId, byte[]> outside)
    {
        using var bundle = OpenExisting(path);
        using var find = bundle.Prepare("SELECT blobid, uuid FROM bblob WHERE substr(uuid,1,length(?1))=lower(?1)");
        if (prefix.Length > 0 && find.BindText(1, prefix).Step())
            return (find.Artifact(1), Read(bundle, find.Int64(0), outside, []));

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"no such artifact in bundle: {prefix}", "edgesync repo bundle ls FILE");
    }

    private static byte[] Read(Database bundle, long item, Func<ArtifactId, byte[]> outside, HashSet<long> above)
    {
        if (!above.Add(item)) throw Damaged($"item {item}");

        using var select = bundle.PrepareOnce("SELECT uuid, data, delta FROM bblob WHERE blobid=?1");
        if (!select.Bind(1, item).Step()) throw Damaged($"item {item}");

        var id = select.Artifact(0);
        if (!BlobCodec.TryDecode(Inflater.OfThisThread, select.Bytes(1), Array.MaxLength, out var content, out _))
            throw Damaged(id.ToString());

        byte[]? source = select.ColumnType(2) switch
        {
            SqliteType.Integer => Read(bundle, select.Int64(2), outside, above),
            SqliteType.Text => outside(select.Artifact(2)),
            _ => null,
        };
        if (source is not null && !DeltaApplier.TryApply(source, content, Array.MaxLength, out content, out _))
            throw Damaged(id.ToString());
        if (ArtifactHash.Compute(id.Kind, content) != id) throw Damaged(id.ToString());

        return content;

        EdgeSyncException Damaged(string what) =>
            new(ErrorKind.Corrupt, $"the bundle is damaged: {what} cannot be read", "export it again");
    }

    /// <summary>What is in a bundle.</summary>
    /// <exception cref="EdgeSyncException">It is none.</exception>
    public static BundleContents List(string path)
    {
        using var bundle = OpenExisting(path);
        var facts = new List<(string, string)>();
        using (var select = bundle.Prepare("SELECT bcname, bcvalue FROM bconfig WHERE typeof(bcvalue)='text'"))
            while (select.Step()) facts.Add((select.Text(0) ?? "", select.Text(1) ?? ""));

        var entries = new List<BundleEntry>();
        using var blobs = bundle.Prepare("SELECT uuid, sz, length(data), notes FROM bblob");
        while (blobs.Step())
            entries.Add(new BundleEntry(blobs.Artifact(0), blobs.Int64(1), blobs.Int64(2), blobs.Text(3) ?? ""));
        return new BundleContents(facts, entries);
    }

    internal static Database OpenExisting(string path, DatabaseAccess access = DatabaseAccess.Read)
    {
        var bundle = Open(path, access);
        if (bundle.HasTable("bconfig") && bundle.HasTable("bblob")) return bundle;

        bundle.Dispose();
        throw new EdgeSyncException(ErrorKind.Usage, $"not a valid bundle: {path}", "edgesync repo bundle ls FILE");
    }

    private static Database Open(string path, DatabaseAccess access) => Database.Open(
        path, new DatabaseOptions { Access = access, Journal = DatabaseJournal.AsFound });

    private static ArtifactId SourceOf(
        Repository repository, Statement row, Dictionary<long, ArtifactId> names)
    {
        switch (row.ColumnType(2))
        {
            case SqliteType.Integer:
                return names.GetValueOrDefault(row.Int64(2));
            case SqliteType.Text:
                var source = row.Artifact(2);
                if (repository.Content.Find(source) is { IsNone: false } rid && repository.Content.IsAvailable(rid))
                    return source;

                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"delta basis artifacts not found in repository: {source}",
                    "edgesync repo pull");
            default:
                return default;
        }
    }

    // As the repository has it, if what it rests on is in the bundle too.
    private static void Write(Repository repository, Database bundle, RecordId rid, SortedSet<RecordId> all)
    {
        using var insert = bundle.Prepare(
            "REPLACE INTO bblob(blobid,uuid,sz,delta,notes,data) VALUES(?1,?2,?3,?4,?5,?6)");
        insert.Bind(1, rid).Bind(2, repository.Content.NameOf(rid)).Bind(3, repository.Content.SizeOf(rid))
            .BindText(5, NotesOf(repository, rid));
        if (repository.Content.SourceOf(rid) is { IsNone: false } source && all.Contains(source)
            && repository.Content.TryReadStored(rid, out var stored, out _))
        {
            insert.Bind(4, source).BindBlob(6, stored).Run();
            return;
        }

        using var content = repository.Content.Get(rid);
        insert.BindNull(4).BindBlob(6, BlobCodec.Encode(Deflater.OfThisThread, content.Span)).Run();
    }

    internal static string NotesOf(Repository repository, RecordId rid)
    {
        using (var checkin = repository.Database.Prepare(
            """
            SELECT 'check-in to '||coalesce((SELECT value FROM tagxref WHERE rid=objid AND tagid=8),'trunk')||' by '
                     ||coalesce(euser,user)||' on '||datetime(mtime)
              FROM event WHERE objid=?1 AND type='ci'
            """))
        {
            if (checkin.Bind(1, rid).Step() && checkin.Text(0) is { } text) return text;
        }

        using var file = repository.Database.Prepare(
            "SELECT 'file '||name FROM filename JOIN mlink USING(fnid) WHERE fid=?1");
        return file.Bind(1, rid).Step() ? file.Text(0) ?? "" : "tag";
    }

    private static void AddAll(Repository repository, RecordId checkin, string sql, SortedSet<RecordId> rids)
    {
        using var select = repository.Database.Prepare(sql);
        select.Bind(1, checkin);
        while (select.Step())
            if (repository.Content.IsAvailable(select.Record(0))) rids.Add(select.Record(0));
    }

    // Spec: subtree_from_arguments in bundle.c.
    private static HashSet<RecordId> Select(Repository repository, BundleSelection selection)
    {
        var names = repository.Names;
        if (selection.Checkin is { } alone)
        {
            return selection.From is null && selection.Branch is null
                ? [names.ResolveCheckin(alone)]
                : throw new EdgeSyncException(ErrorKind.Usage, "--checkin stands alone", "--checkin VERSION");
        }

        var end = selection.To is { } to ? names.ResolveCheckin(to) : RecordId.None;
        var first = selection.From is { } from ? names.ResolveCheckin(from)
            : selection.Branch is { } branch ? names.Resolve($"start:{branch}", EventType.Checkin)
            : throw new EdgeSyncException(ErrorKind.Usage, "need one of: --branch, --from, --checkin", "--branch NAME");
        return Descendants(repository, first, end, selection.Branch);
    }

    private static HashSet<RecordId> Descendants(
        Repository repository, RecordId first, RecordId end, string? branch)
    {
        var found = new HashSet<RecordId> { first };
        var pending = new Stack<RecordId>([first]);
        while (pending.TryPop(out var checkin))
        {
            if (checkin == end) continue;

            using var select = repository.Database.Prepare(
                """
                SELECT cid FROM plink
                 WHERE pid=?1 AND isprim
                   AND (?2=0 OR (SELECT mtime FROM event WHERE objid=cid)<=(SELECT mtime FROM event WHERE objid=?2))
                   AND (?3 IS NULL
                        OR EXISTS(SELECT 1 FROM tagxref WHERE tagid=8 AND tagtype>0 AND value=?3 AND rid=cid))
                """);
            select.Bind(1, checkin).Bind(2, end).BindText(3, branch);
            while (select.Step())
                if (found.Add(select.Record(0))) pending.Push(select.Record(0));
        }

        return found;
    }
}
