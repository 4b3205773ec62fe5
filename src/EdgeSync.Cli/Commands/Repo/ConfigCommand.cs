using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ConfigCommand
{
    private static readonly Argument<string> Key = new("KEY") { Description = "Name of the setting." };
    private static readonly Argument<string> Value =
        new Argument<string>("VALUE") { Description = "Its new value; empty removes the setting." }.TakesEmpty();
    private static readonly Argument<string?> SomeKey = new("KEY")
    {
        Description = "Setting to print (default: all).",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Argument<string?> SomeValue =
        new Argument<string?>("VALUE")
        {
            Description = "New value; empty removes the setting.",
            Arity = ArgumentArity.ZeroOrOne
        }.TakesEmpty();

    private static readonly Option<bool> Global = new("--global", "-g")
    {
        Description = "The setting of this user, for every repository without its own."
    };

    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Accept unknown names and values."
    };

    public static CommandSpec Create() => new("config", "Read and change the settings of a repository.")
    {
        new CommandSpec("ls", "List all settings.", RunList) { Examples = ["repo config ls"] }.Also("list"),
        new CommandSpec("get", "Print one setting.", context => RunGet(context, context.Require(Key)))
        {
            Arguments = { Key },
            Examples = ["repo config get project-name"]
        },
        new CommandSpec(
            "set", "Change one setting.", context => RunSet(context, context.Require(Key), context.Require(Value)))
        {
            Arguments = { Key, Value }, Options = { Force },
                Examples = ["repo config set project-name 'Our project'", "repo config set ignore-glob ''"],
        },
        new CommandSpec(
            "unset", "Remove one setting; its default applies again.",
            context => RunSet(context, context.Require(Key), ""))
        {
            Arguments = { Key }, Examples = ["repo config unset ignore-glob"],
        },
    };

    /// <summary>As in Fossil: without arguments all settings, with one that setting, with two it is changed.</summary>
    public static CommandSpec CreateSettings() =>
        new(
            "settings", "List, print or change settings, as 'fossil settings' does.", context =>
                (context.Get(SomeKey), context.Get(SomeValue)) switch
    {
        (null, _) => RunList(context),
        ({ } key, null) => RunGet(context, key),
        ({ } key, { } value) => RunSet(context, key, value),
    })
        {
            Arguments = { SomeKey, SomeValue },
            Options = { Force, Global },
            Examples =
            [
                "repo settings", "repo settings autosync", "repo settings autosync off",
                "repo settings --global editor vi",
            ],
        };

    /// <summary>As in Fossil.</summary>
    public static CommandSpec CreateUnset() => new(
        "unset", "Remove one setting; its default applies again.",
        context => RunSet(context, context.Require(Key), ""))
    {
        Arguments = { Key },
        Options = { Global },
        Examples = ["repo unset ignore-glob", "repo unset --global editor"],
    };

    private static ExitCode RunList(CommandContext context)
    {
        if (context.Get(Global))
        {
            var known = StockSettings.Names.Select(n => (Name: n, Value: GlobalConfig.Get(n)))
                .Where(s => s.Value is not null).Select(s => new ConfigEntry(s.Name, s.Value!));
            context.Output.Write(new ConfigReport([.. known]));
            return ExitCode.Ok;
        }

        using var repository = context.OpenToRead();
        var settings = repository.Settings.List()
            .Select(s => new ConfigEntry(s.Name, IsSecret(s.Name) ? "(secret)" : s.Value));
        context.Output.Write(new ConfigReport([.. settings]));
        return ExitCode.Ok;
    }

    private static ExitCode RunGet(CommandContext context, string key)
    {
        if (context.Get(Global))
        {
            var global = GlobalConfig.Get(key) ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"this user has no setting '{key}'", "edgesync repo settings --global");
            context.Output.Write(new ConfigValueReport(key, global));
            return ExitCode.Ok;
        }

        using var repository = context.OpenToRead();
        var value = repository.Settings[key] ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no setting '{key}'", "edgesync repo config ls");
        context.Output.Write(new ConfigValueReport(key, value));
        return ExitCode.Ok;
    }

    private static ExitCode RunSet(CommandContext context, string key, string value)
    {
        // Any stored row may be removed, also an unknown one.
        KnownSettings.Require(key, value, isForced: value.Length == 0 || context.Get(Force));
        if (context.Get(Global))
        {
            if (key == "manifest")
                throw new EdgeSyncException(ErrorKind.Usage, "manifest is a setting of each repository",
                    "edgesync repo settings manifest VALUE");

            var isSo = IsSo(GlobalConfig.Get(key), value);
            if (!isSo) GlobalConfig.Set(key, value.Length == 0 ? null : value);
            context.Output.Write(ConfigSetReport.Of(key, value, isSo));
            return ExitCode.Ok;
        }

        using var repository = context.OpenToWrite();
        var isSet = IsSo(repository.Settings[key], value);
        if (!isSet)
        {
            using var transaction = repository.Begin();
            repository.Settings[key] = value.Length == 0 ? null : value;
            transaction.Commit();
        }

        context.Output.Write(ConfigSetReport.Of(key, value, isSet));
        return ExitCode.Ok;
    }

    // A row that holds nothing is a row, which an empty value removes.
    private static bool IsSo(string? stored, string value) => value.Length == 0 ? stored is null : stored == value;

    /// <summary>Passwords of peers are not printed.</summary>
    private static bool IsSecret(string name) =>
        name is "last-sync-pw" or "captcha-secret" || name.StartsWith("sync-pw:", StringComparison.Ordinal)
        || name.StartsWith("email-receive", StringComparison.Ordinal);
}

internal sealed record ConfigEntry(string Name, string Value);

internal sealed record ConfigReport(IReadOnlyList<ConfigEntry> Settings) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Settings.Count == 0 ? 0 : Math.Min(30, Settings.Max(s => s.Name.Length));
        foreach (var setting in Settings)
            output.WriteLine($"{setting.Name.PadRight(width)}  {DisplayText.OneLine(setting.Value)}");
    }
}

internal sealed record ConfigValueReport(string Name, string Value) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Value);
}

/// <param name="Status"><c>set</c>, <c>removed</c>, or with <c>already_</c> in front.</param>
/// <param name="Value">Null when the setting was removed.</param>
internal sealed record ConfigSetReport(string Status, string Name, string? Value) : IReport
{
    public static ConfigSetReport Of(string name, string value, bool isSo)
    {
        var status = value.Length == 0 ? "removed" : "set";
        return new ConfigSetReport(isSo ? "already_" + status : status, name, value.Length == 0 ? null : value);
    }

    public void Print(TextWriter output) => output.WriteLine(Value is null ? $"{Name} removed" : $"{Name} = {Value}");
}
