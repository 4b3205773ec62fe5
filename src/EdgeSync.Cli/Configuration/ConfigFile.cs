using System.CommandLine;

namespace EdgeSync.Cli.Configuration;

/// <summary>How commands are told which file to read.</summary>
internal static class ConfigFile
{
    public const string Variable = "EDGESYNC_CONFIG";

    public static Option<string?> Option { get; } = new("--config")
    {
        Description = "Settings file (default: ~/.config/edgesync/edgesync.json or /etc/edgesync/edgesync.json). [EDGESYNC_CONFIG]",
        HelpName = "FILE",
    };
}
