using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.History;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's commands by name: those that are here, and the names of those that are not.</summary>
internal static class StockVerbs
{
    /// <summary>Under stock's names; a second name makes the same command.</summary>
    private static readonly (string Name, Func<CommandSpec> Create)[] Here =
    [
        ("add", AddCommand.Create),
        ("addremove", AddCommand.CreateAddRemove),
        ("bisect", BisectCommand.Create),
        ("changes", ChangesCommand.Create),
        ("checkout", UpdateCommand.CreateCheckout),
        ("ci", CommitCommand.Create),
        ("clean", CleanCommand.Create),
        ("close", CloseCommand.Create),
        ("co", UpdateCommand.CreateCheckout),
        ("commit", CommitCommand.Create),
        ("delete", RemoveCommand.Create),
        ("extras", ExtrasCommand.Create),
        ("forget", RemoveCommand.CreateForget),
        ("mv", RenameCommand.Create),
        ("open", OpenCommand.Create),
        ("patch", PatchCommand.Create),
        ("redo", UndoCommand.CreateRedo),
        ("rename", RenameCommand.CreateRename),
        ("revert", RevertCommand.Create),
        ("rm", RemoveCommand.Create),
        ("stash", StashCommand.CreateForStock),
        ("status", ChangesCommand.CreateStatus),
        ("touch", TouchCommand.Create),
        ("undo", UndoCommand.CreateUndo),
        ("update", UpdateCommand.Create),
        ("3-way-merge", StockMergeCommands.CreateThreeWay),
        ("cherry-pick", MergeCommand.CreateCherrypick),
        ("merge", MergeCommand.Create),
        ("merge-base", StockMergeCommands.CreateBase),
        ("amend", AmendCommand.Create),
        ("backup", BackupCommand.Create),
        ("annotate", AnnotateCommand.CreateAnnotate),
        ("artifact", StockArtifactCommands.CreateArtifact),
        ("blame", AnnotateCommand.CreateBlame),
        ("branch", StockBranchCommand.Create),
        ("cat", StockArtifactCommands.CreateCat),
        ("describe", DescribeCommand.Create),
        ("descendants", DescendantsCommand.CreateDescendants),
        ("finfo", FinfoCommand.Create),
        ("leaves", DescendantsCommand.CreateLeaves),
        ("praise", AnnotateCommand.CreateBlame),
        ("whatis", StockArtifactCommands.CreateWhatis),
        ("clone", CloneCommand.Create),
        ("diff", DiffCommand.Create),
        ("init", NewCommand.Create),
        ("info", StockInfoCommand.Create),
        ("new", NewCommand.Create),
        ("ls", LsCommand.Create),
        ("pull", SyncCommands.CreatePull),
        ("push", SyncCommands.CreatePush),
        ("sync", SyncCommands.CreateSync),
        ("reparent", ReparentCommand.CreateForStock),
        ("rebuild", RebuildCommand.Create),
        ("search", StockSearchCommand.Create),
        ("fts-config", StockSearchCommand.CreateConfig),
        ("server", StockServerCommand.Create),
        ("ui", StockServerCommand.CreateUi),
        ("http", StockHttpCommand.Create),
        ("help", StockHelpCommand.Create),
        ("test-http", StockHttpCommand.CreateTest),
        ("settings", StockSettingsCommand.Create),
        ("unset", StockSettingsCommand.CreateUnset),
        ("configuration", ConfigurationCommand.Create),
        ("remote", StockRemoteCommand.Create),
        ("remote-url", StockRemoteCommand.Create),
        ("all", AllCommand.Create),
        ("sha1sum", HashCommand.Create),
        ("sha3sum", HashCommand.CreateSha3),
        ("tag", StockTagCommand.Create),
        ("test-commit-warning", StockTestCommands.CreateCommitWarning),
        ("test-contains-selector", StockTestCommands.CreateContainsSelector),
        ("test-delta", StockTestCommands.CreateDelta),
        ("test-diff", XdiffCommand.Create),
        ("test-glob", StockTestCommands.CreateGlob),
        ("test-is-reserved-name", StockTestCommands.CreateReservedName),
        ("test-looks-like-utf", StockTestCommands.CreateLooksLikeUtf),
        ("test-relative-name", StockTestCommands.CreateRelativeName),
        ("test-simplify-name", StockTestCommands.CreateSimplifyName),
        ("test-th-eval", StockTestCommands.CreateThEval),
        ("test-tree-name", StockTestCommands.CreateTreeName),
        ("timeline", StockTimelineCommand.Create),
        ("unversioned", StockUnversionedCommand.Create),
        ("uv", StockUnversionedCommand.Create),
        ("user", StockUserCommand.Create),
        ("version", VersionReport.CreateCommand),
        ("wiki", StockWikiCommand.Create),
        ("ticket", StockTicketCommand.Create),
        ("attachment", StockAttachmentCommand.Create),
        ("bundle", BundleCommand.Create),
        ("import", ImportCommand.CreateStock),
        ("export", ExportCommand.Create),
        ("deconstruct", ArtifactFolderCommand.CreateDeconstruct),
        ("reconstruct", ArtifactFolderCommand.CreateReconstruct),
        ("zip", ArchiveCommand.CreateZip),
        ("tarball", ArchiveCommand.CreateTarball),
        ("sqlar", ArchiveCommand.CreateSqlar),
        ("dbstat", StockDbstatCommand.Create),
        ("scrub", ScrubCommand.Create),
        ("md5sum", HashCommand.CreateMd5),
        ("hash-policy", StockHashPolicyCommand.Create),
        ("sql", StockSqlCommand.Create),
        ("sqlite3", StockSqlCommand.Create),
        ("shun", ShunCommand.CreateShun),
        ("test-integrity", VerifyCommand.Create),
        ("xdiff", XdiffCommand.Create),
    ];

    /// <summary>Names of stock 2.28 (and 2.21) that have no command here yet.</summary>
    private static readonly string[] Missing =
    [
        "alerts", "backoffice", "cache", "cgi", "chat", "detach", "fusefs", "gdiff", "git", "grep", "hook",
        "interwiki", "json", "login-group", "merge-info", "pikchr", "publish", "purge", "repack",
        "rss", "shell", "ssl-config", "synchronize", "system", "tls-config", "unpublished", "xsystem",
    ];

    /// <summary>What is here, sorted.</summary>
    public static IEnumerable<string> Names => Here.Select(h => h.Name).Order(StringComparer.Ordinal);

    /// <summary>What is not, sorted.</summary>
    public static IEnumerable<string> MissingNames => Missing.Order(StringComparer.Ordinal);

    /// <summary>The command of that name, or that alone begins with it.</summary>
    /// <exception cref="EdgeSyncException">None, several, or one that is not here.</exception>
    public static CommandSpec Find(string word)
    {
        var name = Here.Any(h => h.Name == word) || Missing.Contains(word) ? word : Only(word);
        var at = Array.FindIndex(Here, h => h.Name == name);
        if (at < 0) throw new EdgeSyncException(ErrorKind.Usage, $"fossil: {name} is not part of edgesync{Why(name)}");

        var made = Here[at].Create();
        return made.Name == name ? made : made.Also(name);
    }

    // In one line, and what there is in its place.
    private static string Why(string name) => name switch
    {
        "cgi" or "json" or "pikchr" or "cache" or "fusefs" =>
            "; \"fossil server\" and \"fossil ui\" have pages, and \"fossil http\" serves Fossil clients",
        "ssl-config" or "tls-config" => "; certificates are settings of its daemons",
        "git" => "; \"fossil export --git\" and \"fossil import --git\" are",
        "gdiff" => "; \"fossil diff\" is",
        "purge" => "; \"fossil scrub\" and \"fossil shun\" are",
        _ => " yet",
    };

    /// <summary>A command below one, by its beginning.</summary>
    /// <exception cref="EdgeSyncException">None or several.</exception>
    public static Command FindChild(Command command, string word)
    {
        var known = CommandWords.NamesOf(command);
        var name = CommandWords.Expand(word, known);
        return command.Subcommands.FirstOrDefault(c => c.Name == name) ?? throw new EdgeSyncException(
            ErrorKind.Usage,
            $"{command.Name} subcommand should be one of: "
                + string.Join(' ', known.SelectMany(k => k.Aliases.Prepend(k.Name)).Order(StringComparer.Ordinal)));
    }

    private static string Only(string word)
    {
        string[] fitting =
        [
            .. Here.Select(h => h.Name).Concat(Missing).Where(n => n.StartsWith(word, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
        return fitting switch
        {
            [var only] => only,
            [] => throw new EdgeSyncException(
                ErrorKind.Usage, $"fossil: unknown command: {word}\nfossil: use \"help\" for more information"),
            _ => throw new EdgeSyncException(
                ErrorKind.Usage,
                $"fossil: ambiguous command prefix: {word}\nfossil: could be any of: {string.Join(' ', fitting)}\n"
                    + "fossil: use \"help\" for more information"),
        };
    }
}
