using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>The shared configuration of a project: as a file, and with a peer.</summary>
internal static class ConfigurationCommand
{
    private static readonly string[] AreaNames = [.. ConfigAreaNames.Names];

    private static readonly Argument<string> Area = new("AREA")
    {
        Description = $"One of {string.Join(", ", AreaNames)}.",
        CompletionSources = { static _ => AreaNames.Select(n => new System.CommandLine.Completions.CompletionItem(n)) },
    };

    private static readonly Argument<string> File = new("FILE") { Description = "The file; - is standard output." };
    private static readonly Argument<string> Source = new("FILE") { Description = "The file; - is standard input." };
    private static readonly Argument<string?> Url = new("URL")
    {
        Description = "Peer, or the name of a remote (default: the last one that was synced with).",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Option<bool> Overwrite = new("--overwrite")
    {
        Description = "Replace what is here, whatever is newer."
    };

    private static readonly Option<string?> Since = new("--since")
    {
        Description = "Only what was changed at this time or later.",
        HelpName = "TIME"
    };

    public static CommandSpec Create() => new("configuration", "Export, import and exchange the configuration.")
    {
        new CommandSpec("export", "Write the configuration of an area to a file.", RunExport)
        {
            Arguments = { Area, File },
            Options = { Since },
            Examples = ["repo configuration export ticket tickets.cfg", "repo configuration export all -"],
        },
        new CommandSpec("import", "Replace the configuration by that of a file.", c => RunImport(c, overwrite: true))
        {
            Arguments = { Source },
            Examples = ["repo configuration import tickets.cfg"],
        },
        new CommandSpec("merge", "Take from a file what is newer than here.", c => RunImport(c, overwrite: false))
        {
            Arguments = { Source },
            Examples = ["repo configuration merge tickets.cfg"],
        },
        Exchange("pull", "Receive the configuration of an area from a peer.", isPull: true, isPush: false),
        Exchange("push", "Send the configuration of an area to a peer; it requires an administrator.", false, true),
        Exchange("sync", "Exchange the configuration of an area with a peer.", isPull: true, isPush: true),
        new CommandSpec("reset", "Make an area what it is in a new repository; a backup is kept.", RunReset)
        {
            Arguments = { Area },
            Examples = ["repo configuration reset ticket"],
        },
    };

    private static CommandSpec Exchange(string name, string summary, bool isPull, bool isPush)
    {
        var verb = new CommandSpec(name, summary, (context, cancellationToken) =>
            RunExchangeAsync(context, name, isPull, isPush, cancellationToken))
        {
            Arguments = { Area, Url },
            Examples = [$"repo configuration {name} project", $"repo configuration {name} all https://alice@host/x"],
        };
        if (isPull) verb.Options.Add(Overwrite);
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static ExitCode RunExport(CommandContext context)
    {
        var area = context.Require(Area);
        ConfigurationFile.AreaOf(area);
        using var repository = context.OpenToRead();
        var text = ConfigurationFile.Export(repository, area, DateOption.Read(context.Get(Since)));
        var file = context.Require(File);
        if (file == "-" && context.Output.IsJson)
            throw new EdgeSyncException(ErrorKind.Usage, "--json needs a file to write to", "FILE in place of -");

        InputFile.WriteAll(file, text, context.Output);
        if (file != "-" && !context.Output.IsStock)
            context.Output.Write(new ConfigurationReport("exported", area, file, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunImport(CommandContext context, bool overwrite)
    {
        var file = context.Require(Source);
        var text = InputFile.ReadAll(file);
        using var repository = context.OpenToWrite();
        var changed = ConfigurationFile.Import(repository, text, overwrite);
        if (!context.Output.IsStock)
            context.Output.Write(new ConfigurationReport(overwrite ? "imported" : "merged", null, file, changed));
        return ExitCode.Ok;
    }

    private static ExitCode RunReset(CommandContext context)
    {
        var area = context.Require(Area);
        ConfigurationFile.AreaOf(area);
        using var repository = context.OpenToWrite();
        var backup = $"config-backup-{repository.Now.ToDateTime():yyyyMMddHHmmss.fff}";
        InputFile.WriteAll(backup, ConfigurationFile.Export(repository, area, since: null), context.Output);
        ConfigurationFile.Reset(repository, area);
        context.Output.Write(new ConfigurationReport("reset", area, backup, null));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> RunExchangeAsync(
        CommandContext context, string name, bool isPull, bool isPush, CancellationToken cancellationToken)
    {
        var areas = ConfigurationFile.AreaOf(context.Require(Area));
        using var repository = context.OpenToWrite();
        var text = context.Get(Url) ?? SavedPeer.Default;
        var (saved, savedPassword) = SavedPeer.Read(repository, text);
        if (saved is null && text == SavedPeer.Default)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{repository.Path} has no peer yet", "edgesync repo remote use URL");
        }

        var (url, login) = PeerOptions.ReadLogin(context, PeerAddress.Parse(saved ?? text), savedPassword);
        var options = new ClientOptions
        {
            Actions = SyncActions.None,
            Login = login,
            ConfigPull = isPull ? areas : ConfigAreas.None,
            ConfigPush = isPush ? areas : ConfigAreas.None,
            ConfigOverwrite = isPull && context.Get(Overwrite),
        };
        var outcome = await SyncRun.RunAsync(context, repository, url, options, cancellationToken);
        context.Output.Write(SyncRun.ReportOf($"configuration {name}", outcome));
        SyncRun.PrintMessages(context, outcome.Report);
        SyncRun.ThrowOnFault(outcome);
        return ExitCode.Ok;
    }
}

/// <param name="Status"><c>exported</c>, <c>imported</c>, <c>merged</c> or <c>reset</c>.</param>
/// <param name="File">The file; for <c>reset</c> the backup.</param>
/// <param name="Changed">Rows that have changed something.</param>
internal sealed record ConfigurationReport(string Status, string? Area, string File, int? Changed) : IReport
{
    public void Print(TextWriter output)
    {
        if (Status == "reset") output.WriteLine($"reset; the configuration before is in {DisplayText.Name(File)}");
        else
            output.WriteLine(
                $"{Status} {DisplayText.Name(File)}{(Changed is { } rows ? $": {rows} rows changed" : "")}");
    }

    public void PrintAsStock(TextWriter output)
    {
        output.WriteLine("Configuration reset to factory defaults.");
        output.WriteLine($"To recover, use:  fossil configuration import {File}");
    }
}
