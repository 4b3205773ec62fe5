namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Everything that works on one repository file.</summary>
internal static class RepoCommand
{
    public static Verb Create() => new("repo", "Work with a Fossil repository file.")
    {
        NewCommand.Create(),
        CloneCommand.Create(),
        CheckinCommand.Create(),
        CheckoutCommand.Create(),
        LsCommand.Create(),
        InfoCommand.Create(),
        TimelineCommand.Create(),
        CatCommand.Create(),
        ExtractCommand.Create(),
        ResolveCommand.Create(),
        TagCommand.Create(),
        BranchCommand.Create(),
        AmendCommand.Create(),
        WikiCommand.Create(),
        UnversionedCommand.Create(),
        UserCommand.Create(),
        InviteCommand.Create(),
        ShunCommand.CreateShun(),
        ShunCommand.CreateUnshun(),
        PurgeCommand.Create(),
        VerifyCommand.Create(),
        RebuildCommand.Create(),
        ServeCommand.Create(),
        SyncCommands.CreatePull(),
        SyncCommands.CreatePush(),
        SyncCommands.CreateSync(),
        ConfigCommand.Create(),
        QueryCommand.Create(),
        BackupCommand.Create(),
        HashCommand.Create(),
        DeltaCommand.Create(),
    };
}
