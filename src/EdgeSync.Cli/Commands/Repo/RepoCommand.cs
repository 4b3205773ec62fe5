namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Everything that works on one repository file.</summary>
internal static class RepoCommand
{
    /// <summary>In the order of the help page.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "new", "clone", "ci", "co", "ls", "info", "timeline", "cat", "extract", "resolve", "tag", "branch", "amend",
        "wiki", "uv", "user", "invite", "shun", "unshun", "purge", "verify", "rebuild", "serve", "pull", "push",
        "sync", "config", "query", "backup", "hash", "delta",
    ];

    /// <param name="only">The command that was named: the others need not be made. Unknown or null makes all.</param>
    public static Verb Create(string? only)
    {
        var repo = new Verb("repo", "Work with a Fossil repository file.");
        if (only is not null && Find(only) is { } named)
        {
            repo.Subcommands.Add(named);
            return repo;
        }

        foreach (var name in Names) repo.Subcommands.Add(Find(name)!);
        return repo;
    }

    /// <summary>One command, or null.</summary>
    public static Verb? Find(string name) => name switch
    {
        "new" => NewCommand.Create(),
        "clone" => CloneCommand.Create(),
        "ci" => CheckinCommand.Create(),
        "co" => CheckoutCommand.Create(),
        "ls" => LsCommand.Create(),
        "info" => InfoCommand.Create(),
        "timeline" => TimelineCommand.Create(),
        "cat" => CatCommand.Create(),
        "extract" => ExtractCommand.Create(),
        "resolve" => ResolveCommand.Create(),
        "tag" => TagCommand.Create(),
        "branch" => BranchCommand.Create(),
        "amend" => AmendCommand.Create(),
        "wiki" => WikiCommand.Create(),
        "uv" => UnversionedCommand.Create(),
        "user" => UserCommand.Create(),
        "invite" => InviteCommand.Create(),
        "shun" => ShunCommand.CreateShun(),
        "unshun" => ShunCommand.CreateUnshun(),
        "purge" => PurgeCommand.Create(),
        "verify" => VerifyCommand.Create(),
        "rebuild" => RebuildCommand.Create(),
        "serve" => ServeCommand.Create(),
        "pull" => SyncCommands.CreatePull(),
        "push" => SyncCommands.CreatePush(),
        "sync" => SyncCommands.CreateSync(),
        "config" => ConfigCommand.Create(),
        "query" => QueryCommand.Create(),
        "backup" => BackupCommand.Create(),
        "hash" => HashCommand.Create(),
        "delta" => DeltaCommand.Create(),
        _ => null,
    };
}
