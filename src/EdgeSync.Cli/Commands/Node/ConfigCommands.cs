using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>The settings of the daemons: their values and origins, and checks of a file.</summary>
internal static class ConfigCommands
{
    private static readonly Option<bool> Effective = new("--effective")
    {
        Description = "List defaults too, each with its origin."
    };

    public static CommandSpec Create() => new("config", "Show and check the settings of the daemons (edgesync.json).")
    {
        Subcommands =
        {
            new CommandSpec("show", "Print the settings that a leaf started here would use, without secrets.", Show)
            {
                Options = { ConfigFile.Option, Effective },
                Notes = "A flag overrules a variable, which overrules the file, which overrules the default.",
                Examples = ["config show", "config show --effective --config /etc/edgesync/edgesync.json"],
            },
            new CommandSpec("validate", "Check a settings file and list every error.", Validate)
            {
                Options = { ConfigFile.Option },
                Examples = ["config validate", "config validate --config edgesync.json --json"],
            },
            new CommandSpec("paths", "Print the folders of settings, state and sockets.", Paths)
            {
                Examples = ["config paths", "config paths --json"]
            },
        },
    };

    private static ExitCode Show(CommandContext context)
    {
        var loaded = Load(context);
        var values = loaded.Values.Where(v => context.Get(Effective) || v.Origin != "default").ToList();
        context.Output.Write(new SettingsReport(loaded.File, values));
        return ExitCode.Ok;
    }

    private static ExitCode Validate(CommandContext context)
    {
        var file = context.Get(ConfigFile.Option) ?? Environment.GetEnvironmentVariable(NodePaths.FileVariable)
            ?? NodePaths.SettingsFile
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, "there is no settings file", "edgesync config show --config FILE");
        var layers = new SettingLayers();
        layers.AddFile(file, InputFile.ReadAll(file));
        var settings = layers.Bind();
        var faults = SettingsCheck.Faults(settings).Concat(SettingsCheck.SecretFaults(settings))
            .Concat(SettingsCheck.MissingFaults(settings))
            .Select(f => new SettingFault(f.Path, f.Text)).ToList();
        context.Output.Write(
            new SettingsCheckReport(file, faults.Count == 0 ? "valid" : "refused", faults, layers.IsEmpty));
        return faults.Count == 0 ? ExitCode.Ok : ExitCode.Usage;
    }

    private static ExitCode Paths(CommandContext context)
    {
        context.Output.Write(
            new PathsReport(
                [.. NodePaths.SettingsFiles], NodePaths.SettingsFile, NodePaths.StateFolder, NodePaths.RuntimeFolder));
        return ExitCode.Ok;
    }

    private static LoadedSettings Load(CommandContext context) =>
        new SettingsLoader(context, NodeFlags.Leaf)
        {
            Repository = context.Get(Globals.Repo),
            Preset = HubCommand.SectionPreset,
        }.Load();
}

/// <summary>Settings and their origins. Secrets are redacted before.</summary>
internal sealed record SettingsReport(string? File, IReadOnlyList<SettingValue> Settings) : IReport
{
    public void Print(TextWriter output)
    {
        if (Settings.Count == 0)
        {
            output.WriteLine("No settings changed. Use --effective to list the defaults.");
            return;
        }

        var width = Settings.Max(s => s.Path.Length);
        var valueWidth = Math.Min(40, Settings.Max(s => s.Value.Length));
        foreach (var setting in Settings)
            output.WriteLine(
                $"{setting.Path.PadRight(width)}  {setting.Value.PadRight(valueWidth)}  ({setting.Origin})");
    }
}

internal sealed record SettingFault(string Path, string Message);

/// <param name="Status"><c>valid</c> or <c>refused</c>.</param>
/// <param name="SetsNothing">The file is valid, and sets nothing.</param>
internal sealed record SettingsCheckReport(
    string File, string Status, IReadOnlyList<SettingFault> Faults, bool SetsNothing) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var fault in Faults) output.WriteLine($"{File}: {fault.Path}: {fault.Message}");
        if (Faults.Count == 0) output.WriteLine(SetsNothing ? $"{File} is valid and sets nothing" : $"{File} is valid");
    }
}

internal sealed record PathsReport(
    IReadOnlyList<string> SettingsFiles, string? SettingsFile, string StateFolder, string RuntimeFolder) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var file in SettingsFiles)
            output.WriteLine($"settings  {file}{(file == SettingsFile ? "  (in use)" : "")}");
        output.WriteLine($"state     {StateFolder}");
        output.WriteLine($"sockets   {RuntimeFolder}");
    }
}
