using EdgeSync.Fossil.Checkout;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Node.Host;

/// <summary>A file of a checkout, and what has been or will be done to it.</summary>
/// <param name="Path">Below the folder of the checkout, with slashes.</param>
/// <param name="Change">
/// A word: of a status <c>EDITED</c>, <c>ADDED</c>, <c>DELETED</c>, <c>RENAMED</c>, <c>MISSING</c>, <c>CONFLICT</c>,
/// <c>EXTRA</c> and others of stock's <c>changes</c>; of an update <c>ADD</c>, <c>UPDATE</c>, <c>REMOVE</c>,
/// <c>MERGE</c>, <c>CONFLICT</c>.
/// </param>
public sealed record CheckoutFile(string Path, string Change);

/// <summary>What an update did.</summary>
/// <param name="Version">The check-in that is checked out now.</param>
/// <param name="Files">The files that were written, merged or removed.</param>
/// <param name="Conflicts">How many have conflict markers now: their lines were changed on both sides.</param>
public sealed record CheckoutUpdateResult(
    CheckinSummary Version, IReadOnlyList<CheckoutFile> Files, int Conflicts);

/// <summary>A check-in of what has changed in a checkout.</summary>
public sealed record CheckoutCheckin
{
    /// <summary>Login of who makes it.</summary>
    public required string User { get; init; }

    /// <summary>What is said about it; it may not be empty.</summary>
    public required string Comment { get; init; }

    /// <summary>Files and folders to check in, below the folder of the checkout; none: everything.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Starts a branch of this name.</summary>
    public string? NewBranch { get; init; }

    /// <summary>Tags on this check-in alone.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Null: now.</summary>
    public DateTimeOffset? Date { get; init; }

    /// <summary>A check-in is made although its parent has a child on the branch already.</summary>
    public bool AllowsFork { get; init; }

    /// <summary>Files with conflict markers are checked in, too.</summary>
    public bool AllowsConflict { get; init; }
}

/// <summary>
/// The files of a check-in in a folder, to be edited and checked in: what <c>edgesync open</c>, <c>update</c> and
/// <c>commit</c> do. The folder is an ordinary checkout of Fossil, on which both programs work in turn. Each call opens
/// the files anew; calls for one folder are made one at a time.
/// </summary>
public sealed class Checkout
{
    private readonly TimeProvider _clock;

    private Checkout(string folder, TimeProvider clock)
    {
        (Folder, _clock) = (folder, clock);
        Stash = new Stash(this);
        Bisect = new Bisect(this);
    }

    /// <summary>Full path of the folder.</summary>
    public string Folder { get; }

    /// <summary>Full path of the repository.</summary>
    public string RepositoryPath => Do(c => c.Repository.Path);

    /// <summary>Changes that are put aside.</summary>
    public Stash Stash { get; }

    /// <summary>The search for the check-in that broke something.</summary>
    public Bisect Bisect { get; }

    /// <summary>The check-in that is checked out; null in a checkout without one.</summary>
    public CheckinSummary? Version => Do(
        c => c.Version.IsNone ? null : HostedRepository.Summary(c.Repository, c.Version));

    /// <summary>Opens a checkout in a folder, which is created, and writes the files of a check-in.</summary>
    /// <param name="repository">The repository file.</param>
    /// <param name="folder">Must be empty, unless <paramref name="keepsFiles"/>.</param>
    /// <param name="version">A name of a check-in; null: the newest of the main branch.</param>
    /// <param name="keepsFiles">Files that are there stay as they are, and count as edits.</param>
    /// <param name="clock">Null: the system's.</param>
    /// <exception cref="EdgeSyncException">
    /// Conflict: the folder is a checkout or not empty. NotFound: no such repository or version. Nothing was made then.
    /// </exception>
    public static Checkout Create(
        string repository, string folder, string? version = null, bool keepsFiles = false, TimeProvider? clock = null)
    {
        var made = new Checkout(Directory.CreateDirectory(folder).FullName, clock ?? TimeProvider.System);
        var (checkout, _, _) = CheckoutOpening.Open(
            new CheckoutOpenOptions
            {
                Folder = made.Folder,
                RepositoryPath = System.IO.Path.GetFullPath(repository),
                Version = version,
                KeepsFiles = keepsFiles,
                IsForced = keepsFiles,
            },
            made.OpenRepository);
        checkout.Dispose();
        return made;
    }

    /// <summary>The checkout that a folder is in.</summary>
    /// <exception cref="EdgeSyncException">NotFound: it is in none.</exception>
    public static Checkout Open(string folder, TimeProvider? clock = null)
    {
        var full = System.IO.Path.GetFullPath(folder);
        var place = CheckoutFinder.Find(full) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{full} is not in an open checkout", "Checkout.Create opens one");
        var opened = new Checkout(place.Root, clock ?? TimeProvider.System);
        opened.Do(_ => 0);
        return opened;
    }

    /// <summary>What a check-in would hold, and files that are not tracked (<c>EXTRA</c>).</summary>
    /// <param name="readsAll">Reads every file, whatever its time.</param>
    public IReadOnlyList<CheckoutFile> Status(bool readsAll = false) => Do(
        checkout => CheckoutChanges.List(
            checkout, ChangeFilter.Differ, [], new UntrackedFilter(), readsAll)
            .ConvertAll(l => new CheckoutFile(l.Name, l.Class)));

    /// <summary>True when a check-in would hold something.</summary>
    public bool HasChanges() => Do(
        c => c.Refresh().Any(f => f.HasChange) || c.Tables.Merges().Any(m => m.Kind is 0 or < -2));

    /// <summary>Tracks files, and those in folders, from the next check-in on.</summary>
    /// <returns>Those that were not tracked before.</returns>
    /// <exception cref="EdgeSyncException">NotFound: a path is not there.</exception>
    public IReadOnlyList<CheckoutFile> Add(params IReadOnlyList<string> paths) => Do(
        c => Files(CheckoutEditing.Add(
            c, Names(c, paths), new UntrackedFilter(), _ => true, out _)));

    /// <summary>Stops tracking files, and those in folders, and deletes them.</summary>
    /// <param name="paths">Below the folder of the checkout.</param>
    /// <param name="keepsFiles">They stay in the folder.</param>
    public IReadOnlyList<CheckoutFile> Remove(IReadOnlyList<string> paths, bool keepsFiles = false) => Do(
        c => Files(CheckoutEditing.Remove(c, Names(c, paths), removesFiles: !keepsFiles, isDryRun: false)));

    /// <summary>Gives a tracked file or folder another name.</summary>
    /// <exception cref="EdgeSyncException">NotFound, or Conflict: the new name is taken.</exception>
    public IReadOnlyList<CheckoutFile> Rename(string path, string newPath) => Do(
        c => Files(CheckoutEditing.Rename(
            c, Names(c, [path]), Names(c, [newPath])[0], movesFiles: true, isDryRun: false)));

    /// <summary>Brings files back to what the check-in has; <see cref="Undo"/> takes that back.</summary>
    /// <param name="paths">None: all.</param>
    public IReadOnlyList<CheckoutFile> Revert(params IReadOnlyList<string> paths) => Do(
        c => Files(CheckoutRevert.Run(c, Names(c, paths), RecordId.None, "revert")));

    /// <summary>
    /// True when a check-in of what is checked out would be a second child on its branch, or when the branch is closed.
    /// </summary>
    public bool WouldFork() => Do(checkout =>
    {
        try
        {
            checkout.Repository.RequirePlace(new CommitOptions { User = "nobody", Parent = checkout.Version });
            return false;
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Conflict)
        {
            return true;
        }
    });

    /// <summary>
    /// Checks in what has changed. When this returns, the check-in is on disk and checked out, and a node of this
    /// machine that keeps the repository is notified.
    /// </summary>
    /// <exception cref="EdgeSyncException">
    /// Conflict: nothing has changed, another check-in came first, files are missing, or conflicts are left. Nothing is
    /// changed then.
    /// </exception>
    public CheckinSummary Checkin(CheckoutCheckin request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (string.IsNullOrWhiteSpace(request.Comment))
            throw new EdgeSyncException(ErrorKind.Usage, "the comment is empty", "say what changed");

        return Do(checkout =>
        {
            var checkin = new CommitOptions
            {
                User = request.User,
                Parent = checkout.Version,
                Branch = request.NewBranch,
                Tags = request.Tags,
                Date = request.Date is { } date ? Instant.FromDateTime(date) : null,
                AllowsFork = request.AllowsFork,
            };
            CheckoutCommit.RequireAllowed(checkout);
            checkout.Repository.RequirePlace(checkin);
            using var prepared = CheckoutCommit.Prepare(checkout, new CheckoutCommitOptions
            {
                Checkin = checkin,
                Paths = Names(checkout, request.Paths),
                AllowsConflict = request.AllowsConflict,
                MayCommit = (_, _) => WarningAnswer.Commit,
            });
            var made = CheckoutCommit.Run(checkout, prepared, request.Comment);
            ControlClient.NotifyChanged(checkout.Repository.Path);
            return HostedRepository.Summary(checkout.Repository, made.Rid);
        });
    }

    /// <summary>
    /// Goes to another check-in. What was edited is merged with what it has; <see cref="Undo"/> takes that back.
    /// </summary>
    /// <param name="version">A name; null: the newest check-in that follows the one that is checked out.</param>
    /// <exception cref="EdgeSyncException">
    /// NotFound: no such version. Ambiguous: several check-ins follow. Nothing is changed then.
    /// </exception>
    public CheckoutUpdateResult Update(string? version = null) => Do(checkout =>
    {
        var target = version is null ? CheckoutUpdate.NewestBelow(checkout, isLatest: false)
            : checkout.Repository.Names.ResolveCheckin(version);
        if (target.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, "the repository has no check-in to go to", "check in first");

        var outcome = CheckoutUpdate.Run(
            checkout, new CheckoutUpdateOptions { CommandLine = "update", Target = target });
        return new CheckoutUpdateResult(
            HostedRepository.Summary(checkout.Repository, target),
            [
                .. outcome.Files.Where(f => f.Action is not ("EDITED" or "UNCHANGED"))
                    .Select(f => new CheckoutFile(f.NewName ?? f.Name, f.Action)),
            ],
            outcome.Conflicts);
    });

    /// <summary>
    /// Merges a check-in into the files; <see cref="Checkin"/> makes a merge of it, <see cref="Undo"/> takes it back.
    /// </summary>
    /// <exception cref="EdgeSyncException">
    /// NotFound: no such version, no fork to merge, or no common ancestor. Usage: it is what is checked out, or the
    /// baseline does not fit. Conflict: files are in the way. Nothing is changed then.
    /// </exception>
    public CheckoutMergeResult Merge(CheckoutMergeRequest? request = null) => Do(checkout =>
    {
        request ??= new CheckoutMergeRequest();
        if (request is { Kind: CheckoutMergeKind.Cherrypick, Baseline: not null })
            throw new EdgeSyncException(
                ErrorKind.Usage, "a cherry-pick has no baseline", "its own parent is what it is compared with");

        var (repository, names) = (checkout.Repository, checkout.Repository.Names);
        var outcome = CheckoutMerge.Run(checkout, new CheckoutMergeOptions
        {
            CommandLine = "merge",
            Version = request.Version is { } version ? names.ResolveCheckin(version) : RecordId.None,
            Kind = request.Kind switch
            {
                CheckoutMergeKind.Integrate => MergeKind.Integrate,
                CheckoutMergeKind.Cherrypick => MergeKind.Cherrypick,
                CheckoutMergeKind.Backout => MergeKind.Backout,
                _ => MergeKind.Merge,
            },
            Baseline = request.Baseline is { } baseline ? names.ResolveCheckin(baseline) : RecordId.None,
            IsForced = request.IsForced,
        });
        return new CheckoutMergeResult(
            HostedRepository.Summary(repository, outcome.Sides.Named),
            HostedRepository.Summary(repository, outcome.Sides.Ancestor), !outcome.IsNoOp,
            [.. outcome.Files.Select(f => new CheckoutFile(f.NewName ?? f.Name, f.Action))], outcome.Conflicts);
    });

    /// <summary>Takes back what the last update, merge, revert or call of the stash did to files.</summary>
    /// <exception cref="EdgeSyncException">There is nothing to be taken back.</exception>
    public IReadOnlyList<CheckoutFile> Undo() => Do(
        c => c.Undo.Apply(c.Repository, isRedo: false).ConvertAll(f => new CheckoutFile(f.Name, f.Action)));

    /// <summary>Takes back the last <see cref="Undo"/>.</summary>
    /// <exception cref="EdgeSyncException">There is nothing to be taken back.</exception>
    public IReadOnlyList<CheckoutFile> Redo() => Do(
        c => c.Undo.Apply(c.Repository, isRedo: true).ConvertAll(f => new CheckoutFile(f.Name, f.Action)));

    /// <summary>Ends the checkout: its files stay.</summary>
    /// <param name="isForced">Although there are changes, which no command knows of afterwards.</param>
    /// <exception cref="EdgeSyncException">Conflict: there are changes.</exception>
    public void Close(bool isForced = false) => Do(checkout =>
    {
        CheckoutOpening.Close(checkout, isForced);
        return 0;
    });

    private static List<CheckoutFile> Files(List<EditedFile> files) =>
        files.ConvertAll(f => new CheckoutFile(f.NewName ?? f.Name, f.Action));

    internal List<string> Names(WorkingCheckout checkout, IReadOnlyList<string> paths) =>
        [.. paths.Select(p => checkout.NameOf(p, Folder))];

    private Repository OpenRepository(string path) =>
        Repository.Open(path, new RepositoryOptions { Clock = _clock });

    internal T Do<T>(Func<WorkingCheckout, T> work)
    {
        var place = CheckoutFinder.At(Folder) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{Folder} is not an open checkout any more", "Checkout.Create opens one");
        using var checkout = WorkingCheckout.Open(place, OpenRepository);
        return work(checkout);
    }
}
