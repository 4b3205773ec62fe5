using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>What a look for untracked files leaves out, in place of the settings.</summary>
/// <param name="Ignore">Globs in place of <c>ignore-glob</c>.</param>
/// <param name="Clean">Globs in place of <c>clean-glob</c>; null ignores that setting.</param>
/// <param name="TakesDotFiles">Also names that begin with a dot, regardless of the setting.</param>
/// <param name="IgnoresNothing">Neither settings nor dots leave anything out.</param>
public sealed record UntrackedFilter(
    NameGlob? Ignore = null, NameGlob? Clean = null, bool TakesDotFiles = false, bool IgnoresNothing = false);

/// <summary>
/// A checkout, open: its top folder, its database, and the repository that it belongs to. The parts are properties;
/// what commands do with them is in the classes beside this one.
/// </summary>
public sealed class WorkingCheckout : IDisposable
{
    private readonly Database _database;

    private WorkingCheckout(CheckoutPlace place, Database database, Repository repository, DiskFolder disk)
    {
        (Place, _database, Repository, Disk) = (place, database, repository, disk);
        Tables = new CheckoutTables(database);
        Settings = new CheckoutSettings(repository, disk);
        Undo = new UndoLog(Tables, disk);
        Conflicts = new ConflictLog(this);
    }

    public CheckoutPlace Place { get; }

    /// <summary>The top folder, with the slash that stock ends it with.</summary>
    public string LocalRoot => Place.Root.EndsWith('/') ? Place.Root : Place.Root + "/";

    public Repository Repository { get; }

    public DiskFolder Disk { get; }

    public CheckoutTables Tables { get; }

    public CheckoutSettings Settings { get; }

    public UndoLog Undo { get; }

    /// <summary>What merges left to be decided.</summary>
    public ConflictLog Conflicts { get; }

    /// <summary>The check-in that is checked out; none in an empty checkout.</summary>
    public RecordId Version => Tables.Version;

    /// <summary>Links are versioned as links; otherwise a file holds their target.</summary>
    // Spec: db_allow_symlinks in db.c.
    public bool AllowsLinks => !OperatingSystem.IsWindows() && Settings.Boolean("allow-symlinks");

    /// <summary>How names are compared.</summary>
    public StringComparer Names =>
        Settings.Boolean("case-sensitive", otherwise: !OperatingSystem.IsWindows() && !OperatingSystem.IsMacOS())
            ? StringComparer.Ordinal
            : StringComparer.OrdinalIgnoreCase;

    /// <summary>Writes, or removes, the files of the setting <c>manifest</c>.</summary>
    public void WriteManifestFiles()
    {
        if (!Version.IsNone) new CheckoutWriter(this).WriteManifestFiles(Version);
    }

    /// <summary>Opens the checkout; it owns the repository from then on.</summary>
    /// <param name="place">Where it is.</param>
    /// <param name="open">Opens the repository at a path.</param>
    /// <exception cref="EdgeSyncException">The database is none of a checkout, or its repository is not
    /// there.</exception>
    public static WorkingCheckout Open(CheckoutPlace place, Func<string, Repository> open)
    {
        var database = Database.Open(place.DatabasePath, new DatabaseOptions { Journal = DatabaseJournal.AsFound });
        try
        {
            if (!database.HasTable("vfile") || !database.HasColumn("vmerge", "mhash"))
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"{place.DatabasePath} is no checkout database of Fossil 2.8 or newer",
                    "edgesync open --help");

            var path = new CheckoutTables(database)["repository"] ?? throw new EdgeSyncException(
                ErrorKind.Corrupt, $"{place.DatabasePath} names no repository", "edgesync open --help");
            var repository = open(System.IO.Path.GetFullPath(path, place.Root));
            try
            {
                var checkout = new WorkingCheckout(place, database, repository, DiskFolder.Open(place.Root));
                CheckoutRenumbering.Apply(checkout);
                repository.Names.Checkout = checkout.Version;
                return checkout;
            }
            catch
            {
                repository.Dispose();
                throw;
            }
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>The name inside the checkout of a path from the command line; the top is the empty name.</summary>
    /// <exception cref="EdgeSyncException">It is outside.</exception>
    public string NameOf(string path, string currentFolder)
    {
        var full = System.IO.Path.GetFullPath(path, currentFolder);
        var name = RelativeName(Place.Root, full);
        if (name is null && System.IO.Path.GetDirectoryName(full) is { } folder)
        {
            var real = System.IO.Path.Combine(RealPath.Of(folder), System.IO.Path.GetFileName(full));
            name = RelativeName(RealPath.Of(Place.Root), real);
        }

        return name is null
            ? throw new EdgeSyncException(
                ErrorKind.Usage, $"{path} is outside of the checkout {LocalRoot}", "edgesync extras")
            : PathText.Of(Encoding.UTF8.GetBytes(name));
    }

    /// <summary>Relative to the current folder, or to the top of the checkout.</summary>
    public string Display(string name, string? currentFolder)
    {
        if (currentFolder is null) return name;

        return System.IO.Path.GetRelativePath(currentFolder, System.IO.Path.Combine(Place.Root, name))
            .Replace('\\', '/');
    }

    /// <summary>What lies under a name, in the terms of the tables.</summary>
    public DiskState StateOf(string name) => StateOf(Disk.Find(name));

    private DiskState StateOf(DiskEntry? found)
    {
        if (found is not { } entry) return DiskState.Nothing;

        var isLink = entry.Kind == DiskKind.Link && AllowsLinks;
        return new DiskState(
            true, entry.Kind == DiskKind.Regular || isLink, entry.Size, SecondsOf(entry.ModifiedTicks),
            isLink ? FilePermission.Symlink
                : entry is { Kind: DiskKind.Regular, IsExecutable: true } ? FilePermission.Executable
                : FilePermission.Regular);
    }

    /// <summary>Compares the tracked files with the disk and notes what was found.</summary>
    /// <param name="usesHash">Reads every file, whatever its time.</param>
    /// <exception cref="EdgeSyncException">A file cannot be read.</exception>
    // Spec: vfile_check_signature in vfile.c.
    public List<TrackedFile> Refresh(bool usesHash = false) => Refresh(usesHash, []);

    /// <param name="usesHash">As before.</param>
    /// <param name="states">Gets what lies under the name of each file.</param>
    /// <param name="isNoted">What was found goes into the rows, too.</param>
    /// <inheritdoc cref="Refresh(bool)"/>
    internal List<TrackedFile> Refresh(bool usesHash, List<DiskState> states, bool isNoted = true)
    {
        var files = Tables.Files(Version);
        var trustsTime = !usesHash && Settings.Boolean("mtime-changes", otherwise: true);
        var changed = new List<TrackedFile>();

        // One lock for the sizes of all files, not one each.
        using var reading = Repository.Database.BeginRead();
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i];
            var entry = Disk.Find(file.Name);
            var disk = StateOf(entry);
            states.Add(disk);
            var size = file.Merged.IsNone ? 0 : Repository.Content.SizeOf(file.Merged);
            var state = ChangeDetection.Next(file, disk, size, trustsTime, () => HasContent(entry, file.Merged));
            if (OperatingSystem.IsWindows() && state >= ChangeState.BecameExecutable) state = ChangeState.Unchanged;
            if (state == file.Change && disk.ModifiedSeconds == file.ModifiedSeconds) continue;

            files[i] = file with { Change = state, ModifiedSeconds = disk.ModifiedSeconds };
            changed.Add(files[i]);
        }

        if (changed.Count > 0 && isNoted)
        {
            using var transaction = _database.Begin();
            foreach (var file in changed) Tables.SetState(file.Id, file.Change, file.ModifiedSeconds ?? 0);
            transaction.Commit();
        }

        return files;
    }

    /// <summary>Whether the disk has exactly this content there.</summary>
    public bool HasContent(DiskEntry? found, RecordId content)
    {
        if (found is not { } entry || entry.Kind is not (DiskKind.Regular or DiskKind.Link)) return false;

        var file = new ScannedFile(Disk, entry);
        var isSame = file.HasContent(Repository.Content.NameOf(content));
        return file.Fault is null
            ? isSame
            : throw new EdgeSyncException(ErrorKind.System, $"{Disk.Describe(entry.Name)} {file.Fault}");
    }

    /// <summary>Whether a regular file holds the lines that a merge leaves.</summary>
    public bool HasConflictMarker(string name)
    {
        if (Disk.Find(name) is not { Kind: DiskKind.Regular }) return false;

        using var stream = Disk.OpenRead(name);
        return ConflictMarker.IsIn(stream);
    }

    /// <summary>A name beside a file that nothing has yet, such as <c>a.c-original</c>.</summary>
    // Spec: file_newname in file.c.
    public string FreeName(string name, string suffix)
    {
        var free = $"{name}-{suffix}";
        for (var i = 0; Disk.Find(free) is not null; i++) free = $"{name}-{suffix}-{i}";
        return free;
    }

    /// <summary>Files that are not tracked, by name.</summary>
    /// <param name="folder">Where to begin; the top is the empty name.</param>
    /// <param name="filter">What is left out.</param>
    /// <param name="tracked">Names that are not new.</param>
    public FolderListing Untracked(string folder, UntrackedFilter filter, IReadOnlySet<string> tracked)
    {
        var listing = new FolderScan(Disk, Rules(filter, tracked), Repository.Content.ArtifactBytesMax)
            .List(folder, tracked.Contains, _ => null);
        foreach (var name in listing.Files.Keys.Where(tracked.Contains).ToList()) listing.Files.Remove(name);
        return listing;
    }

    /// <summary>What may never be tracked, and what a look at a folder leaves out.</summary>
    public FolderRules Rules(UntrackedFilter filter, IReadOnlySet<string> tracked) => new(
        Disk, Repository.Path, filter.Ignore is null && filter.Clean is null
            ? filter.IgnoresNothing ? new NameGlob("") : Settings.Glob("ignore-glob")
            : NameGlob.Any(
                filter.Ignore ?? (filter.IgnoresNothing ? new NameGlob("") : Settings.Glob("ignore-glob")),
                filter.Clean ?? new NameGlob("")),
        filter.IgnoresNothing || filter.TakesDotFiles || Settings.Boolean("dotfiles"), tracked,
        Settings.ManifestNames);

    /// <summary>A command that was killed halfway is to be undone before another one changes files.</summary>
    /// <exception cref="EdgeSyncException">One was.</exception>
    public void RequireNothingInterrupted()
    {
        if (Undo.Interrupted is { } command)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"'{command}' was interrupted halfway; no file is lost",
                Undo.IsRedoInterrupted ? "edgesync redo" : "edgesync undo");
    }

    public void Dispose()
    {
        Disk.Dispose();
        Repository.Dispose();
        _database.Dispose();
    }

    internal static long SecondsOf(long ticks) => (ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond;

    // Null outside.
    private static string? RelativeName(string root, string path)
    {
        var name = System.IO.Path.GetRelativePath(root, path);
        if (OperatingSystem.IsWindows()) name = name.Replace('\\', '/');
        return name == "." ? ""
            : name == ".." || name.StartsWith("../", StringComparison.Ordinal)
                || System.IO.Path.IsPathRooted(name) ? null
            : name.TrimEnd('/');
    }
}
