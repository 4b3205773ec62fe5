using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Node.Control;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

internal static class CheckinCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files and folders to check in; others are unchanged.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string> Message = new("--message", "-m")
    {
        Description = "Comment.",
        HelpName = "TEXT",
        Required = true
    };
    private static readonly Option<string?> Parent = new("--parent")
    {
        Description = "Check-in to build on (default: the newest of the branch).",
        HelpName = "VERSION"
    };
    private static readonly Option<string[]> Merge =
        new("--merge") { Description = "Another parent; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string?> BranchName = new("--branch")
    {
        Description = "Branch to continue, or to start when it does not exist.",
        HelpName = "NAME"
    };
    private static readonly Option<string[]> Remove =
        new("--rm") { Description = "File to remove; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string[]> Renames =
        new("--mv") { Description = "File to rename; may be repeated.", HelpName = "OLD=NEW" };
    private static readonly Option<string[]> Integrate = new("--integrate")
    {
        Description = "Another parent, whose branch is closed.",
        HelpName = "VERSION"
    };
    private static readonly Option<string[]> Cherrypick = new(
        "--cherrypick")
    { Description = "Check-in whose change is applied; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string[]> Backout =
        new("--backout") { Description = "Check-in whose change is reverted; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string?> Color = new("--bgcolor")
    {
        Description = "Colour on the timeline: of a new branch, or of this check-in.",
        HelpName = "COLOR"
    };
    private static readonly Option<bool> Close = new("--close")
    {
        Description = "Close the branch with this check-in."
    };
    private static readonly Option<bool> Delta = new("--delta")
    {
        Description = "Write a delta manifest (default: when it is smaller)."
    };
    private static readonly Option<bool> AllowOlder = new("--allow-older")
    {
        Description = "Commit even if the parent is not older."
    };
    private static readonly Option<string[]> TagNames =
        new("--tag") { Description = "Tag for this check-in; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string?> Date = new("--date")
    {
        Description = "Time of the check-in, ISO 8601 (default: now).",
        HelpName = "TIME"
    };
    private static readonly Option<string> BaseFolder = new("--base", "-C")
    {
        Description = "Folder that the names start from.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => "."
    };
    private static readonly Option<bool> AllowFork = new("--allow-fork")
    {
        Description = "Commit even if this creates a fork."
    };
    private static readonly Option<bool> AllowEmpty = new("--allow-empty")
    {
        Description = "Commit even if nothing changed."
    };
    private static readonly Option<bool> NoSync = new("--nosync")
    {
        Description = "Do not sync with the stored peer, regardless of the setting autosync."
    };
    private static readonly Option<bool> OverrideLock = new("--override-lock")
    {
        Description = "Commit even if another user has locked the parent."
    };
    private static readonly Option<bool> Private = new("--private")
    {
        Description = "Send it only to peers that request private artifacts."
    };

    public static CommandSpec Create() => new("ci", "Check in files.", RunAsync)
    {
        Arguments = { Files },
        Options =
        {
            Message, AuthorOptions.User, Parent, Merge, Integrate, Cherrypick, Backout, BranchName, Color, Remove,
                Renames, TagNames, Date, BaseFolder,
            Close, Delta, AllowFork, AllowEmpty, AllowOlder, Private, NoSync, OverrideLock,
        },
        Notes =
            "Executable bits and symbolic links are recorded; links are never followed. Files that are not named are "
                + "carried forward. "
            + "A folder stands for its files, without the repository itself, checkout databases, .git, .hg and .svn, "
                + "and what "
            + "'ignore-glob' names or (unless 'dotfiles' is on) begins with a dot and is not in the repository yet. "
            + "Without --parent the check-in follows the newest one of the branch at the time of the commit. "
            + "The setting 'autosync' decides whether the remembered peer is pulled from before, and synced with "
                + "after: on (default), pullonly, all (every remote) or off.",
        Examples =
        [
            "repo ci -R project.fossil -m 'Better words' README.md src",
            "repo ci -m 'Try it' --branch experiment main.c",
            "repo ci -m 'Remove and rename' --rm old.c --mv util.c=src/util.c",
        ],
    };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(context.Require(Message)))
            throw new EdgeSyncException(ErrorKind.Usage, "the comment is blank", "describe the change: --message TEXT");

        var path = context.RepositoryPath;
        var root = Path.GetFullPath(context.Require(BaseFolder));
        var renames = RenamesOf(context);
        var named = NamesIn(root, context.Get(Files) ?? []);
        var removed = context.Get(Remove) ?? [];
        var mayBeEmpty = context.Get(AllowEmpty) || context.Get(Merge) is { Length: > 0 }
            || context.Get(Integrate) is { Length: > 0 };
        if (renames.Count + named.Count + removed.Length == 0 && !mayBeEmpty)
            throw new EdgeSyncException(
                ErrorKind.Usage, "nothing to check in: no file is named",
                "name files or folders, or --rm NAME to remove one");

        using var repository = context.OpenToWrite(path);
        using var spool = new ContentSpool(repository.Path);
        var branch = context.Get(BranchName);
        var parent = context.Get(Parent) is { } version ? repository.Names.ResolveCheckin(version) : RecordId.None;
        var start = Branches.Target(repository, branch, isOpenOnly: true);
        var sync = CommitSync.Open(repository, new CommitSyncOptions
        {
            IsOff = context.Get(NoSync) || context.Get(Private),
            MayFork = context.Get(AllowFork) || (parent.IsNone ? start.NewBranch : branch) is not null,
            OverrideLock = context.Get(OverrideLock),
            Warn = text => context.Output.Errors.WriteLine($"warning: {DisplayText.OneLine(text)}"),
            Clock = context.Clock,
        });
        await sync.PullAsync(NameOf(repository, parent.IsNone ? start.Parent : parent), cancellationToken);
        var put = named.Count == 0 ? new CheckinFiles([], []) : Read(repository, root, named, parent, branch, spool);
        foreach (var skipped in put.Skipped)
            context.Output.Errors.WriteLine($"warning: {skipped.Name} {skipped.Reason}; skipped");
        if (renames.Count + put.Changes.Count + removed.Length == 0 && !mayBeEmpty)
            throw new EdgeSyncException(ErrorKind.Usage, "nothing to check in", "name files, or --rm NAME");

        var made = repository.Commit(new CommitOptions
        {
            Parent = parent,
            FollowsBranch = parent.IsNone,
            MergedParents = [.. (context.Get(Merge) ?? []).Select(name => repository.Names.ResolveCheckin(name))],
            IntegratedParents = [
                .. (context.Get(Integrate) ?? []).Select(name => repository.Names.ResolveCheckin(name))],
            Cherrypicks = [
                .. Picks(repository, context.Get(Cherrypick), isBackout: false),
                .. Picks(repository, context.Get(Backout), isBackout: true)],
            User = context.UserName,
            Comment = context.Require(Message),
            Date = DateOption.Read(context.Get(Date)),
            Changes = [.. renames, .. put.Changes, .. removed.Select(FileChange.Remove)],
            Branch = !parent.IsNone && branch is not null && Exists(repository, branch) ? null : branch,
            BranchColor = branch is null ? null : context.Get(Color),
            Color = context.Get(Color),
            Closes = context.Get(Close),
            Form = context.Get(Delta) ? ManifestForm.Delta : ManifestForm.Automatic,
            Tags = context.Get(TagNames) ?? [],
            AllowsFork = context.Get(AllowFork),
            AllowsEmpty = context.Get(AllowEmpty),
            AllowsOlder = context.Get(AllowOlder),
            IsPrivate = context.Get(Private),
        });
        ControlClient.NotifyChanged(repository.Path);
        await sync.PushAsync(cancellationToken);
        context.Output.Write(
            new CheckinReport(
                made.Id.ToString(), made.Rid.Value, put.Skipped.Count > 0 ? put.Skipped : null, sync.Result));
        return ExitCode.Ok;
    }

    private static ArtifactId NameOf(Repository repository, RecordId parent) =>
        parent.IsNone ? default : repository.Content.NameOf(parent);

    // Before the repository is locked. The later parent may differ: files that it has already need not be read into
    // memory, nothing more.
    private static CheckinFiles Read(
        Repository repository, string root, IReadOnlyList<string> named, RecordId parent, string? branch,
        ContentSpool spool)
    {
        if (parent.IsNone) parent = Branches.Target(repository, branch, isOpenOnly: true).Parent;
        var tree = parent.IsNone ? [] : TreeFile.AllOf(CheckInTree.Load(repository, parent));
        using var disk = DiskFolder.Open(root);
        return CheckinFiles.Read(repository, disk, named, tree, spool);
    }

    private static IEnumerable<CherrypickCard> Picks(Repository repository, string[]? names, bool isBackout) =>
        (names ?? []).Select(
            name => new CherrypickCard(repository.Content.NameOf(repository.Names.ResolveCheckin(name)), isBackout));

    private static bool Exists(Repository repository, string branch) =>
        Branches.List(repository).Any(b => b.Name == branch && !b.IsClosed);

    private static List<FileChange> RenamesOf(CommandContext context)
    {
        var changes = new List<FileChange>();
        foreach (var rename in context.Get(Renames) ?? [])
        {
            var names = rename.Split('=', 2);
            if (names.Length != 2)
                throw new EdgeSyncException(ErrorKind.Usage, $"'{rename}' names one file", "--mv OLD=NEW");
            changes.Add(FileChange.Rename(names[0], names[1]));
        }

        return changes;
    }

    private static List<string> NamesIn(string root, string[] files) => [.. files.Select(file =>
    {
        var path = Path.GetFullPath(file, root);
        var name = Path.GetRelativePath(root, path);
        if (OperatingSystem.IsWindows()) name = name.Replace('\\', '/');
        return name == ".." || name.StartsWith("../", StringComparison.Ordinal) || Path.IsPathRooted(name)
            ? throw new EdgeSyncException(
                ErrorKind.Usage, $"{path} is not inside {root}", "-C FOLDER sets the folder of the names")
            : name == "." ? "" : name.TrimEnd('/');
    })];
}

/// <param name="Autosync"><c>done</c> or <c>failed</c>; null when nothing was synced.</param>
internal sealed record CheckinReport(
    string Hash, long Rid, IReadOnlyList<SkippedFile>? Skipped, string? Autosync) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"checkin {Hash}");
}
