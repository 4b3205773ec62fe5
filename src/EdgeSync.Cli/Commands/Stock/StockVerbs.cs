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
        ("redo", UndoCommand.CreateRedo),
        ("rename", RenameCommand.CreateRename),
        ("revert", RevertCommand.Create),
        ("rm", RemoveCommand.Create),
        ("status", ChangesCommand.CreateStatus),
        ("undo", UndoCommand.CreateUndo),
        ("update", UpdateCommand.Create),
        ("amend", AmendCommand.Create),
        ("backup", BackupCommand.Create),
        ("annotate", AnnotateCommand.CreateAnnotate),
        ("artifact", StockArtifactCommands.CreateArtifact),
        ("blame", AnnotateCommand.CreateBlame),
        ("branch", StockBranchCommand.Create),
        ("cat", StockArtifactCommands.CreateCat),
        ("descendants", DescendantsCommand.CreateDescendants),
        ("finfo", FinfoCommand.Create),
        ("leaves", DescendantsCommand.CreateLeaves),
        ("praise", AnnotateCommand.CreateBlame),
        ("whatis", StockArtifactCommands.CreateWhatis),
        ("clone", CloneCommand.Create),
        ("diff", DiffCommand.Create),
        ("init", NewCommand.Create),
        ("new", NewCommand.Create),
        ("ls", LsCommand.Create),
        ("pull", SyncCommands.CreatePull),
        ("push", SyncCommands.CreatePush),
        ("sync", SyncCommands.CreateSync),
        ("rebuild", RebuildCommand.Create),
        ("server", ServeCommand.Create),
        ("settings", ConfigCommand.CreateSettings),
        ("sha1sum", HashCommand.Create),
        ("sha3sum", HashCommand.CreateSha3),
        ("tag", StockTagCommand.Create),
        ("test-diff", XdiffCommand.Create),
        ("timeline", StockTimelineCommand.Create),
        ("unversioned", UnversionedCommand.Create),
        ("uv", UnversionedCommand.Create),
        ("user", UserCommand.Create),
        ("version", VersionReport.CreateCommand),
        ("wiki", WikiCommand.Create),
        ("xdiff", XdiffCommand.Create),
    ];

    /// <summary>Names of stock 2.28 (and 2.21) that have no command here yet.</summary>
    private static readonly string[] Missing =
    [
        "3-way-merge", "alerts", "all", "attachment", "backoffice", "bisect", "bundle", "cache", "cgi", "chat",
        "cherry-pick", "configuration", "dbstat", "deconstruct", "describe", "detach", "export", "fts-config",
        "fusefs", "gdiff", "git", "grep", "hash-policy", "help", "hook", "http", "import", "info", "interwiki",
        "json", "login-group", "md5sum", "merge", "merge-base", "merge-info", "patch", "pikchr", "publish",
        "purge", "reconstruct", "remote", "remote-url", "repack", "reparent", "rss", "scrub", "search",
        "shell", "shun", "sql", "sqlar", "sqlite3", "ssl-config", "stash", "synchronize", "system", "tarball",
        "ticket", "tls-config", "touch", "ui", "unpublished", "unset", "xsystem", "zip",
    ];

    /// <summary>The command of that name, or that alone begins with it.</summary>
    /// <exception cref="EdgeSyncException">None, several, or one that is not here.</exception>
    public static CommandSpec Find(string word)
    {
        var name = Here.Any(h => h.Name == word) || Missing.Contains(word) ? word : Only(word);
        var at = Array.FindIndex(Here, h => h.Name == name);
        if (at < 0) throw new EdgeSyncException(ErrorKind.Usage, $"fossil: {name} is not part of edgesync yet");

        var made = Here[at].Create();
        return made.Name == name ? made : made.Also(name);
    }

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
