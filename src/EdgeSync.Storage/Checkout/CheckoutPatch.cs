using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>One file of a patch.</summary>
/// <param name="Name">As the patch leaves it; of a removed file, as the check-in has it.</param>
/// <param name="OriginalName">As the check-in has it; null where that is the same, or the file is new.</param>
/// <param name="Base">What was changed; empty for a new or a removed file.</param>
/// <param name="Packed">
/// In stored form: the delta from the base, the text of a new file, nothing where only name or permission changed; null
/// for a removed file.
/// </param>
public sealed record PatchedFile(
    string Name, string? OriginalName, ArtifactId Base, FilePermission Permission, byte[]? Packed)
{
    public bool IsRemoved => Packed is null;

    public bool IsNew => !IsRemoved && Base.IsEmpty;
}

/// <summary>
/// All changes of a checkout that are not committed, in one file that another checkout takes: stock's binary patch, an
/// SQLite file.
/// <code>
/// cfg        key, value        baseline, project-code, user, date …
/// chng       pathname, origname, hash, isexe, islink, delta
/// patchmerge type, mhash       what was merged and is not committed yet
/// </code>
/// </summary>
// Spec: patch.c.
public sealed class CheckoutPatch
{
    // All ways to write a merge in a patch; below 1 in vmerge.
    private static readonly (long Kind, string Type)[] Kinds =
        [(0, "merge"), (-1, "cherrypick"), (-2, "backout"), (-4, "integrate")];

    private CheckoutPatch(
        ArtifactId baseline, IReadOnlyList<PatchedFile> files, IReadOnlyList<(long Kind, string Hash)> merges) =>
        (Baseline, Files, Merges) = (baseline, files, merges);

    /// <summary>The check-in that the changes were made to.</summary>
    public ArtifactId Baseline { get; }

    /// <summary>By name.</summary>
    public IReadOnlyList<PatchedFile> Files { get; }

    /// <summary>What was merged, by the kinds of <see cref="MergeRow"/>.</summary>
    public IReadOnlyList<(long Kind, string Hash)> Merges { get; }

    /// <summary>Writes the changes of a checkout into a file; one of that name is replaced.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="path">The file.</param>
    /// <param name="user">For the reader.</param>
    /// <exception cref="EdgeSyncException">A tracked file is missing, or the file cannot be written.</exception>
    public static CheckoutPatch Create(WorkingCheckout checkout, string path, string user)
    {
        var files = new List<PatchedFile>();
        var deflater = Deflater.OfThisThread;
        foreach (var file in checkout.Refresh().Where(f => f.HasChange))
            files.Add(Patched(checkout, file, deflater));
        var merges = checkout.Tables.Merges().Where(m => m.Kind <= 0).Select(m => (m.Kind, m.Hash));
        var baseline = checkout.Repository.Content.NameOf(checkout.Version);
        var patch = new CheckoutPatch(baseline, files, [.. merges]);
        patch.Write(path, checkout, user);
        return patch;
    }

    /// <exception cref="EdgeSyncException">It is not a patch.</exception>
    public static CheckoutPatch Read(string path)
    {
        using var database = Database.Open(
            path, new DatabaseOptions { Access = DatabaseAccess.Read, Journal = DatabaseJournal.AsFound });
        if (!database.HasTable("chng") || !database.HasTable("cfg"))
            throw new EdgeSyncException(ErrorKind.Usage, $"{path} is not a patch", "edgesync patch create FILE");

        return new CheckoutPatch(BaselineIn(database, path), FilesIn(database, path), MergesIn(database));
    }

    /// <summary>The text that the patch gives a file.</summary>
    /// <exception cref="EdgeSyncException">The repository lacks its base, or the patch is damaged.</exception>
    public static byte[] TextOf(Repository repository, PatchedFile file)
    {
        if (file.IsRemoved) return [];

        var bytesMax = repository.Content.ArtifactBytesMax;
        byte[] unpacked = [];
        if (file.Packed!.Length > 0
            && !BlobCodec.TryDecode(Inflater.OfThisThread, file.Packed, bytesMax, out unpacked, out _))
            throw Damaged(file);
        if (file.IsNew) return unpacked;

        using var origin = repository.Content.Get(file.Base);
        if (file.Packed.Length == 0) return origin.Span.ToArray();

        return DeltaApplier.TryApply(origin.Span, unpacked, bytesMax, out var text, out _) ? text
            : throw Damaged(file);
    }

    /// <summary>The sides of a comparison: what the check-in has, and what the patch makes of it.</summary>
    public (IComparedTree From, IComparedTree To) Sides(Repository repository)
    {
        var tree = TreeFile.AllOf(CheckInTree.Load(repository, BaselineOf(repository)))
            .ToDictionary(f => f.Name, StringComparer.Ordinal);
        var (from, to) = (new Dictionary<string, byte[]>(StringComparer.Ordinal), new Dictionary<string, byte[]>(
            StringComparer.Ordinal));
        var (older, newer) = (new List<ComparedFile>(), new List<ComparedFile>());
        foreach (var file in Files)
        {
            var old = file.OriginalName ?? file.Name;
            if (!file.IsNew && tree.TryGetValue(old, out var before))
            {
                using var content = repository.Content.Get(before.Id);
                from[old] = content.Span.ToArray();
                older.Add(new ComparedFile(PathText.ToBytes(old), before.Id, before.Permission, []));
            }

            if (file.IsRemoved) continue;

            to[file.Name] = TextOf(repository, file);
            newer.Add(new ComparedFile(
                PathText.ToBytes(file.Name), ArtifactHash.Compute(HashKind.Sha3, to[file.Name]), file.Permission,
                file.OriginalName is null ? [] : PathText.ToBytes(old)));
        }

        return (new Side(older, from), new Side(newer, to));
    }

    /// <summary>
    /// Takes a checkout to the check-in of the patch and makes its changes there. Can be undone; killed halfway it can
    /// be undone too.
    /// </summary>
    /// <param name="checkout">Open.</param>
    /// <param name="commandLine">The whole line, for <c>undo</c>.</param>
    /// <param name="isForced">Reverts what has changed here.</param>
    /// <exception cref="EdgeSyncException">Something has changed here, or contents are missing.</exception>
    // A stash is the same as a patch: the changes are put into one, brought out, and the stash is dropped.
    public StashOutcome Apply(WorkingCheckout checkout, string commandLine, bool isForced)
    {
        checkout.RequireNothingInterrupted();
        var isChanged = checkout.Refresh().Any(f => f.HasChange)
            || checkout.Tables.Merges().Any(m => m.Kind <= 0);
        if (isChanged && !isForced)
            throw new EdgeSyncException(
                ErrorKind.Conflict, "there are unsaved changes in the current checkout", "--force reverts them");

        var baseline = BaselineOf(checkout.Repository);
        var stashed = Stashed(checkout.Repository, baseline);
        if (isChanged) CheckoutRevert.Run(checkout, [], RecordId.None, commandLine);
        var tables = new StashTables(checkout);
        long id;
        using (var transaction = checkout.Tables.Database.Begin())
        {
            id = tables.Add($"patch of {Baseline.ToShortString()}", stashed, baseline);
            transaction.Commit();
        }

        try
        {
            var outcome = CheckoutStash.Apply(
                checkout, CheckoutStash.Entries(checkout).First(e => e.Id == id),
                new StashApplyOptions { CommandLine = commandLine, GoesToBase = true });
            NoteRemovals(checkout);
            return outcome;
        }
        finally
        {
            using var transaction = checkout.Tables.Database.Begin();
            tables.Remove(id);
            transaction.Commit();
        }
    }

    private RecordId BaselineOf(Repository repository)
    {
        var rid = repository.Content.Find(Baseline);
        return !rid.IsNone && repository.Content.IsAvailable(rid) ? rid : throw new EdgeSyncException(
            ErrorKind.NotFound, $"the repository lacks the check-in of the patch, {Baseline.ToShortString()}",
            "edgesync repo pull");
    }

    private void NoteRemovals(WorkingCheckout checkout)
    {
        var removed = Files.Where(f => f.IsRemoved).Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        using var transaction = checkout.Tables.Database.Begin();
        foreach (var row in checkout.Tables.Files(checkout.Version).Where(r => removed.Contains(r.Name)))
            checkout.Tables.SetDeleted(row.Id, isDeleted: true);
        foreach (var (kind, hash) in Merges) checkout.Tables.AddMerge(checkout.Repository, kind, hash);
        transaction.Commit();
    }

    private List<StashedFile> Stashed(Repository repository, RecordId baseline)
    {
        var tree = TreeFile.AllOf(CheckInTree.Load(repository, baseline))
            .ToDictionary(f => f.Name, StringComparer.Ordinal);
        var files = new List<StashedFile>();
        foreach (var file in Files)
        {
            var name = file.OriginalName ?? file.Name;
            var origin = file.IsNew || !tree.TryGetValue(name, out var before) ? default : before.Id;
            if (file.IsRemoved && origin.IsEmpty) continue;   // removed, and not in the check-in

            var text = TextOf(repository, file);
            files.Add(new StashedFile
            {
                Name = file.Name,
                OriginalName = name,
                IsAdded = origin.IsEmpty,
                IsRemoved = file.IsRemoved,
                Permission = file.Permission,
                Base = origin.IsEmpty ? RecordId.None : repository.Content.Find(origin),
                Delta = file.IsRemoved ? [] : origin.IsEmpty ? text : DeltaOf(repository, origin, text),
            });
        }

        return files;
    }

    private static byte[] DeltaOf(Repository repository, ArtifactId origin, byte[] text)
    {
        using var content = repository.Content.Get(origin);
        return DeltaEncoder.Encode(content.Span, text);
    }

    private static PatchedFile Patched(WorkingCheckout checkout, TrackedFile file, Deflater deflater)
    {
        if (file.IsDeleted)
            return new PatchedFile(file.OriginalName ?? file.Name, null, default, FilePermission.Regular, null);

        var state = checkout.StateOf(file.Name);
        if (!state.IsFile)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{file.Name} is missing", $"edgesync revert {file.Name}, or edgesync rm");

        var content = CheckoutStash.Read(checkout, file.Name);
        var permission = OperatingSystem.IsWindows() ? file.Permission : state.Permission;
        if (file.IsAdded)
            return new PatchedFile(file.Name, null, default, permission, BlobCodec.Encode(deflater, content));

        // Stock writes nothing for a text that is the same, and takes that for an empty file when it applies the patch.
        using var origin = checkout.Repository.Content.Get(file.Content);
        return new PatchedFile(
            file.Name, file.IsRenamed ? file.OriginalName : null, checkout.Repository.Content.NameOf(file.Content),
            permission, BlobCodec.Encode(deflater, DeltaEncoder.Encode(origin.Span, content)));
    }

    private void Write(string path, WorkingCheckout checkout, string user)
    {
        File.Delete(path);
        using var database = Database.Open(
            path, new DatabaseOptions { Access = DatabaseAccess.Create, Journal = DatabaseJournal.AsFound });
        using var transaction = database.Begin();
        database.Execute(
            """
            CREATE TABLE chng(pathname TEXT, origname TEXT, hash TEXT, isexe BOOL, islink BOOL, delta BLOB);
            CREATE TABLE cfg(key TEXT, value ANY);
            """);
        var settings = checkout.Repository.Settings;
        foreach (var (key, value) in (ReadOnlySpan<(string, string?)>)[
            ("baseline", Baseline.ToString()), ("ckout", checkout.Place.Root), ("repo", checkout.Repository.Path),
            ("user", user), ("project-code", settings["project-code"]), ("project-name", settings["project-name"]),
            ("hostname", Environment.MachineName)])
            if (value is not null) Configure(database, key, value);
        database.Execute("INSERT INTO cfg VALUES('date',julianday('now'))");
        using (var insert = database.Prepare("INSERT INTO chng VALUES(?1,?2,?3,?4,?5,?6)"))
            foreach (var file in Files) Insert(insert, file);
        if (Merges.Count > 0) database.Execute("CREATE TABLE patchmerge(type TEXT, mhash TEXT)");
        foreach (var (kind, hash) in Merges)
        {
            using var insert = database.Prepare("INSERT INTO patchmerge VALUES(?1,?2)");
            insert.BindText(1, Kinds.First(k => k.Kind == kind).Type).BindText(2, hash).Run();
        }

        transaction.Commit();
    }

    private static void Configure(Database database, string key, string value)
    {
        using var insert = database.Prepare("INSERT INTO cfg VALUES(?1,?2)");
        insert.BindText(1, key).BindText(2, value).Run();
    }

    private static void Insert(Statement insert, PatchedFile file)
    {
        insert.Reset().BindText(1, PathText.ToBytes(file.Name))
            .Bind(4, file.Permission == FilePermission.Executable ? 1 : 0)
            .Bind(5, file.Permission == FilePermission.Symlink ? 1 : 0);
        if (file.OriginalName is { } old) insert.BindText(2, PathText.ToBytes(old));
        else insert.BindNull(2);
        insert.BindText(3, file.Base.IsEmpty ? null : file.Base.ToString());
        if (file.Packed is { } packed) insert.BindBlob(6, packed).Run();
        else insert.BindNull(6).Run();
    }

    private static ArtifactId BaselineIn(Database database, string path)
    {
        using var select = database.Prepare("SELECT value FROM cfg WHERE key='baseline'");
        return select.Step() && ArtifactId.TryParse(select.Bytes(0), out var id) ? id
            : throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the patch {path} names no check-in", "edgesync patch create FILE");
    }

    private static List<PatchedFile> FilesIn(Database database, string path)
    {
        var files = new List<PatchedFile>();
        using var select = database.Prepare(
            "SELECT pathname, origname, hash, isexe, islink, delta FROM chng ORDER BY pathname");
        while (select.Step())
        {
            var name = PathText.Of(select.Bytes(0));
            if (!IsFile(select.Bytes(0)) || (!select.IsNull(1) && !IsFile(select.Bytes(1))))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, $"the patch {path} names a file '{name}', which a check-in cannot have",
                    "edgesync patch create FILE");

            var origin = default(ArtifactId);
            if (!select.IsNull(2) && !ArtifactId.TryParse(select.Bytes(2), out origin))
                throw new EdgeSyncException(ErrorKind.Corrupt, $"the patch {path} is damaged at {name}");

            files.Add(new PatchedFile(
                name, select.IsNull(1) ? null : PathText.Of(select.Bytes(1)), origin,
                select.Boolean(4) ? FilePermission.Symlink
                    : select.Boolean(3) ? FilePermission.Executable : FilePermission.Regular,
                select.IsNull(5) ? null : select.Bytes(5).ToArray()));
        }

        return files;
    }

    private static bool IsFile(ReadOnlySpan<byte> name) => PathName.IsSimple(name) && !PathName.IsReserved(name);

    private static List<(long, string)> MergesIn(Database database)
    {
        var merges = new List<(long, string)>();
        if (!database.HasTable("patchmerge")) return merges;

        using var select = database.Prepare("SELECT type, mhash FROM patchmerge");
        while (select.Step())
            if (Array.Find(Kinds, k => k.Type == select.Text(0)) is { Type: not null } found)
                merges.Add((found.Kind, select.Text(1) ?? ""));
        return merges;
    }

    private static EdgeSyncException Damaged(PatchedFile file) =>
        new(ErrorKind.Corrupt, $"the patch is damaged at {file.Name}", "edgesync patch create FILE");

    private sealed class Side : IComparedTree
    {
        private readonly Dictionary<string, byte[]> _texts;

        public Side(List<ComparedFile> files, Dictionary<string, byte[]> texts)
        {
            files.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
            (Files, _texts) = (files, texts);
        }

        public IReadOnlyList<ComparedFile> Files { get; }

        public byte[] Read(ComparedFile file) => _texts[file.Name];
    }
}
