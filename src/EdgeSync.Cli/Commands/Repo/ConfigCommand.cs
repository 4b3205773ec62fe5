using System.CommandLine;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ConfigCommand
{
    private static readonly Argument<string> Key = new("KEY") { Description = "Name of the setting." };
    private static readonly Argument<string> Value = new("VALUE") { Description = "Its new value." };

    /// <summary>Changing these by hand breaks the bond with other clones, or the file.</summary>
    private static readonly string[] Fixed = ["project-code", "server-code", "content-schema", "aux-schema"];

    public static Verb Create() => new("config", "Read and change the settings of a repository.")
    {
        new Verb("ls", "List all settings.", RunList) { Examples = ["repo config ls"] },
        new Verb("get", "Print one setting.", RunGet) { Arguments = { Key }, Examples = ["repo config get project-name"] },
        new Verb("set", "Change one setting.", RunSet) { Arguments = { Key, Value }, Examples = ["repo config set project-name 'Our project'"] },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var settings = repository.Settings.List().Select(s => new ConfigEntry(s.Name, IsSecret(s.Name) ? "(secret)" : s.Value));
        context.Output.Write(new ConfigReport([.. settings]));
        return ExitCode.Ok;
    }

    private static ExitCode RunGet(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var key = context.Require(Key);
        var value = repository.Settings[key] ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no setting '{key}'", "edgesync repo config ls");
        context.Output.Write(new ConfigValueReport(key, value));
        return ExitCode.Ok;
    }

    private static ExitCode RunSet(CommandContext context)
    {
        var key = context.Require(Key);
        var value = context.Require(Value);
        if (Fixed.Contains(key)) throw new EdgeSyncException(ErrorKind.Denied, $"'{key}' is what the repository is, not a setting");

        using var repository = context.OpenToWrite();
        using (var transaction = repository.Begin())
        {
            repository.Settings.Set(key, value);
            transaction.Commit();
        }

        context.Output.Write(new ConfigSetReport(key, value));
        return ExitCode.Ok;
    }

    /// <summary>Passwords of peers do not belong on a screen.</summary>
    private static bool IsSecret(string name) =>
        name is "last-sync-pw" or "captcha-secret" || name.StartsWith("sync-pw:", StringComparison.Ordinal)
        || name.StartsWith("email-receive", StringComparison.Ordinal);
}

internal sealed record ConfigEntry(string Name, string Value) : IJsonObject
{
    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("name"u8, Name);
        json.Put("value"u8, Value);
    }
}

internal sealed record ConfigReport(IReadOnlyList<ConfigEntry> Settings) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Settings.Count == 0 ? 0 : Math.Min(30, Settings.Max(s => s.Name.Length));
        foreach (var setting in Settings) output.WriteLine($"{setting.Name.PadRight(width)}  {Text.OneLine(setting.Value)}");
    }

    public void WriteFields(Utf8JsonWriter json) => json.Put("settings"u8, Settings);
}

internal sealed record ConfigValueReport(string Name, string Value) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Value);

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("name"u8, Name);
        json.Put("value"u8, Value);
    }
}

internal sealed record ConfigSetReport(string Name, string Value) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Name} = {Value}");

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("name"u8, Name);
        json.Put("value"u8, Value);
    }
}
