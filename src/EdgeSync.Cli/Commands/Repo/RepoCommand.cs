namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Everything that works on one repository file.</summary>
internal static class RepoCommand
{
    public static Verb Create() => new("repo", "Work with a Fossil repository file.")
    {
        NewCommand.Create(),
        InfoCommand.Create(),
        TimelineCommand.Create(),
        ConfigCommand.Create(),
        QueryCommand.Create(),
        BackupCommand.Create(),
        HashCommand.Create(),
        DeltaCommand.Create(),
    };
}
