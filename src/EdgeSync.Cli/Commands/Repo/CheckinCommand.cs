using System.CommandLine;
using System.Text;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class CheckinCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files and folders to check in; all others stay as they are.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string> Message = new("--message", "-m") { Description = "Comment.", HelpName = "TEXT", Required = true };
    private static readonly Option<string?> Parent = new("--parent") { Description = "Check-in to build on; otherwise the newest of the branch.", HelpName = "VERSION" };
    private static readonly Option<string[]> Merge = new("--merge") { Description = "Another parent; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string?> BranchName = new("--branch") { Description = "Branch to continue, or to start when there is none.", HelpName = "NAME" };
    private static readonly Option<string[]> Remove = new("--rm") { Description = "File to remove; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string[]> Renames = new("--mv") { Description = "File to rename; may be repeated.", HelpName = "OLD=NEW" };
    private static readonly Option<string[]> Integrate = new("--integrate") { Description = "As --merge, and closes that branch.", HelpName = "VERSION" };
    private static readonly Option<string[]> Cherrypick = new("--cherrypick") { Description = "Check-in whose change is taken; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string[]> Backout = new("--backout") { Description = "Check-in whose change is taken back; may be repeated.", HelpName = "VERSION" };
    private static readonly Option<string?> Color = new("--bgcolor") { Description = "Colour on the timeline: of a new branch, or of this check-in.", HelpName = "COLOR" };
    private static readonly Option<bool> Close = new("--close") { Description = "Closes the branch with this check-in." };
    private static readonly Option<bool> Delta = new("--delta") { Description = "Writes only differences to a baseline; otherwise when it pays." };
    private static readonly Option<bool> AllowOlder = new("--allow-older") { Description = "Though the parent is not older." };
    private static readonly Option<string[]> TagNames = new("--tag") { Description = "Tag for this check-in; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string?> Date = new("--date") { Description = "Time of the check-in, ISO 8601; otherwise now.", HelpName = "TIME" };
    private static readonly Option<string> BaseFolder = new("--base", "-C") { Description = "Folder that the names start from.", HelpName = "FOLDER", DefaultValueFactory = _ => "." };
    private static readonly Option<bool> AllowFork = new("--allow-fork") { Description = "Though the parent has a child on the branch." };
    private static readonly Option<bool> AllowEmpty = new("--allow-empty") { Description = "Though nothing changes." };
    private static readonly Option<bool> Private = new("--private") { Description = "Never leaves this repository unless asked for." };

    public static Verb Create() => new("ci", "Check in files.", Run)
    {
        Arguments = { Files },
        Options =
        {
            Message, AuthorOptions.User, Parent, Merge, Integrate, Cherrypick, Backout, BranchName, Color, Remove, Renames, TagNames, Date, BaseFolder,
            Close, Delta, AllowFork, AllowEmpty, AllowOlder, Private,
        },
        Notes = "Executable bits and symbolic links are recorded. Files that are not named are carried forward.",
        Examples =
        [
            "repo ci -R project.fossil -m 'Better words' README.md src",
            "repo ci -m 'Try it' --branch experiment main.c",
            "repo ci -m 'Gone, and moved' --rm old.c --mv util.c=src/util.c",
        ],
    };

    private static ExitCode Run(CommandContext context)
    {
        var changes = Collect(context);
        if (changes.Count == 0 && !context.Get(AllowEmpty) && context.Get(Merge) is not { Length: > 0 } && context.Get(Integrate) is not { Length: > 0 })
            throw new EdgeSyncException(ErrorKind.Usage, "nothing to check in", "name files, or --rm NAME");

        using var repository = context.OpenToWrite();
        var branch = context.Get(BranchName);
        var continues = branch is not null && Exists(repository, branch);
        var parentName = context.Get(Parent);
        var startsBranch = branch is not null && !continues;
        var made = repository.Commit(new CommitOptions
        {
            Parent = parentName is null
                ? EndOf(repository, continues ? branch! : repository.Settings["main-branch"] ?? "trunk")
                : repository.Names.ResolveCheckin(parentName),
            MergedParents = [.. (context.Get(Merge) ?? []).Select(name => repository.Names.ResolveCheckin(name))],
            IntegratedParents = [.. (context.Get(Integrate) ?? []).Select(name => repository.Names.ResolveCheckin(name))],
            Cherrypicks = [.. Picks(repository, context.Get(Cherrypick), isBackout: false), .. Picks(repository, context.Get(Backout), isBackout: true)],
            User = context.UserName,
            Comment = context.Require(Message),
            Date = DateOf(context.Get(Date)),
            Changes = changes,
            Branch = startsBranch ? branch : null,
            BranchColor = startsBranch ? context.Get(Color) : null,
            Color = startsBranch ? null : context.Get(Color),
            Closes = context.Get(Close),
            Form = context.Get(Delta) ? ManifestForm.Delta : ManifestForm.Automatic,
            Tags = context.Get(TagNames) ?? [],
            AllowsFork = context.Get(AllowFork),
            AllowsEmpty = context.Get(AllowEmpty),
            AllowsOlder = context.Get(AllowOlder),
            IsPrivate = context.Get(Private),
        });
        Hosting.Control.ControlClient.TellChanged(repository.Path);
        context.Output.Write(new CheckinReport(made.Id.ToString(), made.Rid.Value));
        return ExitCode.Ok;
    }

    private static IEnumerable<CherrypickCard> Picks(Repository repository, string[]? names, bool isBackout) =>
        (names ?? []).Select(name => new CherrypickCard(repository.Content.NameOf(repository.Names.ResolveCheckin(name)), isBackout));

    private static bool Exists(Repository repository, string branch) =>
        Branches.List(repository).Any(b => b.Name == branch && !b.IsClosed);

    // A repository whose main line has another name, and one without any check-in, are served by default too.
    private static RecordId EndOf(Repository repository, string branch)
    {
        var end = Branches.EndOf(repository, branch);
        if (!end.IsNone) return end;

        return repository.Names.TryResolve("tip", EventType.Checkin, out var tip) == NameFault.None ? tip : RecordId.None;
    }

    private static Instant? DateOf(string? text)
    {
        if (text is null) return null;

        return DateTimeOffset.TryParse(
            text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var date)
            ? Instant.FromDateTime(date)
            : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is no time", "such as 2024-01-31T12:00:00Z");
    }

    private static List<FileChange> Collect(CommandContext context)
    {
        var root = Path.GetFullPath(context.Require(BaseFolder));
        var changes = new List<FileChange>();
        foreach (var rename in context.Get(Renames) ?? [])
        {
            var names = rename.Split('=', 2);
            if (names.Length != 2) throw new EdgeSyncException(ErrorKind.Usage, $"'{rename}' names one file", "--mv OLD=NEW");
            changes.Add(FileChange.Rename(names[0], names[1]));
        }

        foreach (var named in context.Get(Files) ?? [])
        {
            var path = Path.GetFullPath(named, root);
            if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null)
            {
                foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                    changes.Add(ChangeOf(root, file));
            }
            else
            {
                changes.Add(ChangeOf(root, path));
            }
        }

        foreach (var name in context.Get(Remove) ?? []) changes.Add(FileChange.Remove(name));
        return changes;
    }

    private static FileChange ChangeOf(string root, string path)
    {
        var name = Path.GetRelativePath(root, path).Replace('\\', '/');
        if (name.StartsWith("../", StringComparison.Ordinal) || Path.IsPathRooted(name) || !PathName.IsSimple(Encoding.UTF8.GetBytes(name)))
            throw new EdgeSyncException(ErrorKind.Usage, $"{path} is not inside {root}", "-C FOLDER says where names start from");

        var info = new FileInfo(path);
        if (info.LinkTarget is { } target) return FileChange.Link(name, target);
        if (!info.Exists) throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "--rm NAME removes a file");

        var isExecutable = !OperatingSystem.IsWindows() && (info.UnixFileMode & UnixFileMode.UserExecute) != 0;
        FilePermission? permission = OperatingSystem.IsWindows() ? null : isExecutable ? FilePermission.Executable : FilePermission.Regular;
        return FileChange.Put(name, () => InputFile.ReadAll(path), permission);
    }
}

internal sealed record CheckinReport(string Hash, long Rid) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"checkin {Hash[..10]} (rid={Rid})");

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("hash"u8, Hash);
        json.Put("rid"u8, Rid);
    }
}
