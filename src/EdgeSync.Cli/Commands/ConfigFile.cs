using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>How commands are told which file to read.</summary>
internal static class ConfigFile
{
    public static Option<string?> Option { get; } = new("--config")
    {
        Description =
            "Settings file (default: ~/.config/edgesync/edgesync.json or /etc/edgesync/edgesync.json). "
                + "[EDGESYNC_CONFIG]",
        HelpName = "FILE",
    };
}
