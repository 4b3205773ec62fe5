using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>The option for the settings file.</summary>
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
