using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>A checkout to be made.</summary>
public sealed record CheckoutOpenOptions
{
    /// <summary>The top folder; it exists.</summary>
    public required string Folder { get; init; }

    /// <summary>As it is to be noted: a full path, or one that starts at the folder.</summary>
    public required string RepositoryPath { get; init; }

    /// <summary>The check-in; by default the newest of the main branch.</summary>
    public string? Version { get; init; }

    /// <summary>Without any files or check-in: the first commit makes a root.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>Leaves all files as they are.</summary>
    public bool KeepsFiles { get; init; }

    /// <summary>Goes on in a folder that has files.</summary>
    public bool IsForced { get; init; }

    /// <summary>Goes on inside another checkout.</summary>
    public bool IsNested { get; init; }

    /// <summary>Goes on without the files whose content never arrived.</summary>
    public bool LacksContent { get; init; }

    /// <summary>Gives each file the time of the check-in that last changed it.</summary>
    public bool SetsTimes { get; init; }

    /// <summary>Confirms each existing file with another content.</summary>
    public Func<string, bool> MayReplace { get; init; } = _ => false;
}

/// <summary>Makes and ends checkouts. Spec: cmd_open in db.c, close_cmd in checkout.c.</summary>
public static class CheckoutOpening
{
    /// <summary>Makes the database, then writes the files; killed in between, an empty checkout is left.</summary>
    /// <returns>The names that were written.</returns>
    /// <exception cref="EdgeSyncException">Something stands against it, and nothing was made.</exception>
    public static (WorkingCheckout Checkout, IReadOnlyList<string> Written, IReadOnlyList<string> Kept) Open(
        CheckoutOpenOptions options, Func<string, Repository> open)
    {
        RequireRoom(options);
        using (open(Path.GetFullPath(options.RepositoryPath, options.Folder)))
        {
            // A fault is reported before anything is created.
        }

        var path = Path.Combine(options.Folder, CheckoutFinder.NewName);
        Create(path, options.RepositoryPath);
        try
        {
            return Fill(new CheckoutPlace(options.Folder, path), options, open);
        }
        catch
        {
            RemoveDatabase(path);
            throw;
        }
    }

    /// <summary>Ends a checkout: its files stay, its database goes.</summary>
    /// <exception cref="EdgeSyncException">There are changes or a stash, and it is not forced.</exception>
    public static void Close(WorkingCheckout checkout, bool isForced)
    {
        if (!isForced)
        {
            if (checkout.Refresh().Any(f => f.Change != 0 || f.IsRenamed))
                throw new EdgeSyncException(
                    ErrorKind.Conflict, "there are unsaved changes in the current checkout",
                    "edgesync changes shows them; --force closes anyway");
            var database = checkout.Tables.Database;
            if (database.HasTable("stash") && database.QueryInt64("SELECT count(*) FROM stash") > 0)
                throw new EdgeSyncException(
                    ErrorKind.Conflict, "closing the checkout would delete its stash", "--force closes anyway");
        }

        if (!checkout.Repository.IsReadOnly)
        {
            using var transaction = checkout.Repository.Begin();
            checkout.Repository.Settings.Remove("ckout:" + checkout.LocalRoot);
            transaction.Commit();
        }

        var tracked = checkout.Tables.Files(checkout.Version).Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in checkout.Settings.ManifestNames.Where(n => !tracked.Contains(n)))
            checkout.Disk.Remove(name);
        var path = checkout.Place.DatabasePath;
        checkout.Dispose();
        RemoveDatabase(path);
    }

    // Spec: db_record_repository_filename in db.c.
    internal static void Record(WorkingCheckout checkout)
    {
        GlobalConfig.Record(checkout.Repository.Path, checkout.LocalRoot);
        if (checkout.Repository.IsReadOnly) return;

        using var transaction = checkout.Repository.Begin();
        checkout.Repository.Settings.Set("ckout:" + checkout.LocalRoot, "1");
        transaction.Commit();
    }

    /// <exception cref="EdgeSyncException">The folder is not empty, or is a checkout already.</exception>
    public static void RequireRoom(CheckoutOpenOptions options)
    {
        if (!options.KeepsFiles && !options.IsForced)
        {
            var entries = new DirectoryInfo(options.Folder).EnumerateFileSystemInfos()
                .Where(e => !e.Name.StartsWith('.')).Take(2).ToList();
            var repository = Path.GetFullPath(options.RepositoryPath, options.Folder);
            if (entries.Count > 1 || (entries is [var only] && only.FullName != repository))
                throw new EdgeSyncException(
                    ErrorKind.Conflict, $"{options.Folder} is not empty",
                    "--keep leaves its files as they are; --force asks before it replaces one");
        }

        var place = options.IsNested ? CheckoutFinder.At(options.Folder) : CheckoutFinder.Find(options.Folder);
        if (place is not null)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"there is already an open checkout at {place.Root}",
                place.Root == options.Folder ? "edgesync close" : "--nested opens another inside");
    }

    private static void Create(string path, string repositoryPath)
    {
        using var database = Database.Open(path, new DatabaseOptions
        {
            Access = DatabaseAccess.Create,
            Journal = DatabaseJournal.AsFound,
        });
        using var transaction = database.Begin();
        database.Execute(CheckoutSchema.Tables);
        var tables = new CheckoutTables(database);
        tables["repository"] = repositoryPath;
        tables["checkout"] = "0";
        transaction.Commit();
    }

    private static (WorkingCheckout, IReadOnlyList<string>, IReadOnlyList<string>) Fill(
        CheckoutPlace place, CheckoutOpenOptions options, Func<string, Repository> open)
    {
        var checkout = WorkingCheckout.Open(place, open);
        try
        {
            var written = new List<string>();
            var kept = new List<string>();
            if (!options.IsEmpty && VersionOf(checkout.Repository, options.Version) is { IsNone: false } version)
                WriteFiles(checkout, version, options, written, kept);
            Record(checkout);
            return (checkout, written, kept);
        }
        catch
        {
            checkout.Dispose();
            throw;
        }
    }

    private static RecordId VersionOf(Repository repository, string? name)
    {
        if (name is not null) return repository.Names.ResolveCheckin(name);

        var main = repository.Settings["main-branch"] ?? "trunk";
        if (repository.Names.TryResolve(main, Names.EventType.Checkin, out var rid) == Names.NameFault.None) return rid;
        return repository.Names.TryResolve("tip", Names.EventType.Checkin, out rid) == Names.NameFault.None
            ? rid
            : RecordId.None;
    }

    private static void WriteFiles(
        WorkingCheckout checkout, RecordId version, CheckoutOpenOptions options, List<string> written,
        List<string> kept)
    {
        using var transaction = checkout.Tables.Database.Begin();
        var missing = checkout.Tables.Load(checkout.Repository, version);
        if (missing.Count > 0 && !options.LacksContent) throw Missing(missing);

        var writer = new CheckoutWriter(checkout);
        var files = checkout.Tables.Files(version);
        if (!options.KeepsFiles)
        {
            writer.RequireRoom(files.Select(f => f.Name), System.Collections.Frozen.FrozenSet<string>.Empty);
            foreach (var file in files) WriteOne(checkout, writer, file, options.MayReplace, written, kept);
        }

        checkout.Settings.Forget();
        writer.WriteManifestFiles(version);
        writer.CreateEmptyFolders();
        checkout.Tables.SetVersion(checkout.Repository, version);
        checkout.Undo.Reset();
        transaction.Commit();
        checkout.Repository.Names.Checkout = version;
        if (options.SetsTimes) CheckoutTimes.Set(checkout);
    }

    /// <summary>Content that is there already is left; another one is replaced when that is allowed.</summary>
    internal static void WriteOne(
        WorkingCheckout checkout, CheckoutWriter writer, Fossil.Checkout.TrackedFile file,
        Func<string, bool> mayReplace, List<string> written, List<string> kept)
    {
        var entry = checkout.Disk.Find(file.Name);
        var isLink = file.Permission == FilePermission.Symlink && checkout.AllowsLinks;
        if (entry is not null && (entry.Value.Kind == DiskKind.Link) == isLink
            && checkout.HasContent(entry, file.Merged))
        {
            checkout.Disk.SetExecutable(file.Name, file.Permission == FilePermission.Executable);
            checkout.Tables.SetState(file.Id, file.Change, checkout.StateOf(file.Name).ModifiedSeconds);
            return;
        }

        if (entry is not null && !mayReplace(file.Name))
        {
            kept.Add(file.Name);
            return;
        }

        var seconds = writer.Write(file.Name, file.Merged, file.Permission);
        checkout.Tables.SetState(file.Id, file.Change, seconds);
        written.Add(file.Name);
    }

    internal static EdgeSyncException Missing(List<string> names) => new(
        ErrorKind.NotFound, "the contents of files are not here (yet); nothing was written",
        "edgesync repo pull; --force-missing goes on without them")
    { Candidates = [.. names.Take(11)] };

    private static void RemoveDatabase(string path)
    {
        foreach (var suffix in (ReadOnlySpan<string>)["-journal", "-wal", "-shm", ""]) File.Delete(path + suffix);
    }
}
