using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.History;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>
/// The commands on one repository file. Where Fossil has such a command, its names work too.
/// </summary>
internal static class RepoCommand
{
    /// <summary>In the order of the help page.</summary>
    private static readonly (string Name, string[] Aliases, Func<CommandSpec> Create)[] Table =
    [
        ("new", ["init"], NewCommand.Create),
        ("clone", [], CloneCommand.Create),
        ("ci", ["commit", "checkin"], CheckinCommand.Create),
        ("co", ["checkout"], CheckoutCommand.Create),
        ("ls", ["list"], LsCommand.Create),
        ("info", ["dbstat"], InfoCommand.Create),
        ("timeline", ["ti"], TimelineCommand.Create),
        ("diff", [], DiffCommand.Create),
        ("xdiff", ["test-diff"], XdiffCommand.Create),
        ("annotate", [], AnnotateCommand.CreateAnnotate),
        ("blame", ["praise"], AnnotateCommand.CreateBlame),
        ("finfo", [], FinfoCommand.Create),
        ("descendants", [], DescendantsCommand.CreateDescendants),
        ("ancestors", [], DescendantsCommand.CreateAncestors),
        ("leaves", [], DescendantsCommand.CreateLeaves),
        ("search", [], SearchCommand.Create),
        ("cat", ["artifact"], CatCommand.Create),
        ("extract", [], ExtractCommand.Create),
        ("resolve", ["whatis"], ResolveCommand.Create),
        ("describe", [], DescribeCommand.Create),
        ("tag", [], TagCommand.Create),
        ("branch", ["br"], BranchCommand.Create),
        ("amend", [], AmendCommand.Create),
        ("reparent", [], ReparentCommand.Create),
        ("wiki", [], WikiCommand.Create),
        ("technote", [], TechnoteCommand.Create),
        ("ticket", [], TicketCommand.Create),
        ("attachment", [], AttachmentCommand.Create),
        ("uv", ["unversioned"], UnversionedCommand.Create),
        ("user", [], UserCommand.Create),
        ("invite", [], InviteCommand.Create),
        ("shun", [], ShunCommand.CreateShun),
        ("unshun", [], ShunCommand.CreateUnshun),
        ("purge", [], PurgeCommand.Create),
        ("verify", ["test-integrity"], VerifyCommand.Create),
        ("rebuild", [], RebuildCommand.Create),
        ("serve", ["server"], ServeCommand.Create),
        ("ui", [], UiCommand.Create),
        ("pull", [], SyncCommands.CreatePull),
        ("push", [], SyncCommands.CreatePush),
        ("sync", [], SyncCommands.CreateSync),
        ("config", [], ConfigCommand.Create),
        ("settings", [], ConfigCommand.CreateSettings),
        ("unset", [], ConfigCommand.CreateUnset),
        ("configuration", [], ConfigurationCommand.Create),
        ("remote", ["remote-url"], RemoteCommand.Create),
        ("all", [], AllCommand.Create),
        ("query", ["sql"], QueryCommand.Create),
        ("backup", [], BackupCommand.Create),
        ("scrub", [], ScrubCommand.Create),
        ("schema", [], SchemaCommand.Create),
        ("row", [], RowCommand.Create),
        ("bundle", [], BundleCommand.Create),
        ("import", [], ImportCommand.Create),
        ("export", [], ExportCommand.Create),
        ("deconstruct", [], ArtifactFolderCommand.CreateDeconstruct),
        ("reconstruct", [], ArtifactFolderCommand.CreateReconstruct),
        ("zip", [], ArchiveCommand.CreateZip),
        ("tarball", [], ArchiveCommand.CreateTarball),
        ("sqlar", [], ArchiveCommand.CreateSqlar),
        ("hash", ["sha1sum"], HashCommand.Create),
        ("sha3sum", [], HashCommand.CreateSha3),
        ("md5sum", [], HashCommand.CreateMd5),
        ("delta", [], DeltaCommand.Create),
        .. CheckoutCommands.OfRepository,
    ];

    /// <summary>Names and other names, in the order of the help page.</summary>
    public static IReadOnlyList<(string Name, string[] Aliases)> Names { get; } = [
        .. Table.Select(c => (c.Name, c.Aliases))];

    /// <summary>True for a command here, under any of its names.</summary>
    public static bool IsName(string word) => Table.Any(c => c.Name == word || c.Aliases.Contains(word));

    /// <param name="only">The named command: the others need not be made. Unknown or null makes all.</param>
    public static CommandSpec Create(string? only)
    {
        var repo = new CommandSpec("repo", "Work with a Fossil repository file.")
        {
            Examples = [
                "repo new project.fossil", "repo ci -R project.fossil -m 'first' README.md",
                "repo timeline project.fossil", "repo sync -R project.fossil"],
        };
        var name = only is null ? null : CommandWords.Expand(only, Names);
        var named = Array.FindIndex(Table, c => c.Name == name);
        foreach (var entry in named >= 0 ? [Table[named]] : Table)
            repo.Subcommands.Add(entry.Create().Also(entry.Aliases));
        return repo;
    }
}
