using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Hosting;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>The whole command tree, and the one place where a failure becomes a message and an exit code.</summary>
internal static class CommandLine
{
    public static async Task<ExitCode> RunAsync(string[] args)
    {
        using var output = Output.OfProcess(IsJsonAsked(args));
        try
        {
            var exit = await RunAsync(args, output);
            output.Flush();
            return exit;
        }
        catch (EdgeSyncException e)
        {
            output.WriteFailure(e);
            return ExitCodes.Of(e.Kind);
        }
        catch (OperationCanceledException)
        {
            output.WriteFailure(new EdgeSyncException(ErrorKind.Unavailable, Stopping.Cause is null ? "timed out" : "interrupted"));
            return Stopping.Cause ?? ExitCode.Unavailable;
        }
        catch (IOException e) when (Output.IsBrokenPipe(e))
        {
            return ExitCode.Ok;   // whoever read our output has had enough
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            output.WriteFailure(new EdgeSyncException(ErrorKind.System, e.Message, inner: e));
            return ExitCode.Failed;
        }
        catch (OutOfMemoryException e)
        {
            output.WriteFailure(new EdgeSyncException(
                ErrorKind.System, "not enough memory for this: what was not finished was undone",
                "more memory (MemoryMax= of the service, --memory-limit), or less at once", e));
            return ExitCode.Failed;
        }
        catch (Exception e)
        {
            output.Errors.WriteLine($"edgesync: this is a bug of edgesync {BuildInfo.Version} ({BuildInfo.Commit}); please report it:\n{e}");
            return ExitCode.Bug;
        }
    }

    /// <summary>In the order of the help page.</summary>
    public static IReadOnlyList<string> Names { get; } = ["repo", "leaf", "hub", "bridge", "sync", "peers", "config", "doctor", "ready", "completion"];

    /// <summary>
    /// Documented and completed by the same tree that runs. A command line that begins with a command's name gets that branch
    /// alone: the whole tree takes a third of a short command's time.
    /// </summary>
    /// <param name="output">Where verbs write.</param>
    /// <param name="args">What is to be parsed.</param>
    public static Command Build(Output output, string[] args)
    {
        var root = CreateRoot(completes: args is [['[', ..], ..]);
        if (args.Length > 0 && Find(args) is { } named) root.Subcommands.Add(named);
        else foreach (var name in Names) root.Subcommands.Add(Find([name])!);
        root.Options.Clear();
        Globals.AddTo(root);

        // The library's own options look up their descriptions in resources, which takes a tenth of a short command's time.
        root.Options.Add(new Option<bool>("--version", "-V") { Description = "Show version, commit, framework and SQLite.", Arity = ArgumentArity.Zero, Action = new VersionAction(output) });
        root.Options.Add(new Option<bool>("--help", "-h") { Description = "Show this page.", Arity = ArgumentArity.Zero, Recursive = true, Action = new HelpWithExamples(new HelpAction()) });

        Verb.Attach(root, output);
        return root;
    }

    /// <summary>The branch that the command line begins with, or null.</summary>
    public static Verb? Find(string[] args) => args[0] switch
    {
        "repo" => RepoCommand.Create(only: args.Length > 1 ? args[1] : null),
        "leaf" => LeafCommand.Create(),
        "hub" => HubCommand.Create(),
        "bridge" => BridgeCommand.Create(),
        "sync" => SyncCommand.Create(),
        "peers" => PeersCommand.Create(),
        "config" => ConfigCommands.Create(),
        "doctor" => DoctorCommand.Create(),
        "ready" => ReadyCommand.Create(),
        "completion" => CompletionCommand.Create(),
        _ => null,
    };

    // Only the library's root answers completion, and only for that it is worth its price. It takes the name of the file,
    // which must not be that of a command as well: for a link named leaf there is no completion.
    private static Command CreateRoot(bool completes)
    {
        const string Summary = "Fossil repositories that keep in step: a repository engine and a sync node in one file.";
        return completes && RootCommand.ExecutableName is not ("leaf" or "bridge" or "hub" or "sync" or "repo" or "completion")
            ? new RootCommand(Summary)
            : new Command("edgesync", Summary);
    }

    private static async Task<ExitCode> RunAsync(string[] args, Output output)
    {
        var root = Build(output, args);
        var parse = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Action is ParseErrorAction)
        {
            // With a word that nobody knows, what is missing after it is no help.
            var unknown = parse.UnmatchedTokens;
            var message = unknown.Count > 0
                ? $"unknown command or argument: {string.Join(' ', unknown)}"
                : string.Join("; ", parse.Errors.Select(e => e.Message.TrimEnd('.')));
            throw new EdgeSyncException(ErrorKind.Usage, message, $"{Verb.PathOf(parse.CommandResult.Command)} --help");
        }

        MemoryLimit.Apply(parse.GetValue(Globals.MemoryLimit));
        return (ExitCode)await parse.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = output.Text,
            Error = output.Errors,
        });
    }

    // Needed before parsing: a wrong command line is to be answered in JSON too.
    private static bool IsJsonAsked(string[] args) => args.TakeWhile(a => a != "--").Contains("--json");

    private sealed class VersionAction(Output output) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            output.Write(VersionReport.Current());
            return (int)ExitCode.Ok;
        }
    }
}
