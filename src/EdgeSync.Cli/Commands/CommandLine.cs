using System.CommandLine;
using System.CommandLine.Invocation;
using EdgeSync.Cli.Commands.Can;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.Iroh;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Notify;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Node;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>The whole command tree, and the one place where a failure becomes a message and an exit code.</summary>
internal static class CommandLine
{
    /// <param name="args">The words behind the program's name.</param>
    /// <param name="isStock">The program was called <c>fossil</c>.</param>
    public static async Task<ExitCode> RunAsync(string[] args, bool isStock)
    {
        using var output = Output.OfProcess(IsJsonAsked(args), isStock);
        var exit = await RunAsync(args, output, stop: null);

        // Stock has one exit code for all failures.
        return isStock && exit is not (ExitCode.Ok or ExitCode.Bug or ExitCode.Interrupted or ExitCode.Terminated)
            ? ExitCode.Failed : exit;
    }

    /// <param name="args">The words after the program's name.</param>
    /// <param name="output">The output of the command.</param>
    /// <param name="stop">In place of the signals of the process, for a program inside another one.</param>
    public static async Task<ExitCode> RunAsync(string[] args, Output output, CancellationToken? stop)
    {
        var command = "edgesync";
        try
        {
            if (Completion.IsAsked(args))
            {
                foreach (var word in Completion.Offer(args, Build(output, []))) output.Text.WriteLine(word);
                output.Flush();
                return ExitCode.Ok;
            }

            var parse = output.IsStock ? StockCommandLine.Parse(args, output, stop) : Parse(args, output, stop);
            command = CommandSpec.PathOf(parse.CommandResult.Command);
            if (parse.CommandResult.Command is CommandSpec { IsPaged: true } || parse.Action is HelpAction)
                output.BeginPaging();
            var exit = await RunAsync(parse, output);
            output.Finish();
            return exit;
        }
        catch (EdgeSyncException e)
        {
            output.WriteFailure(WithHint(e, command));
            return ExitCodes.Of(e.Kind);
        }
        catch (OperationCanceledException)
        {
            output.WriteFailure(new EdgeSyncException(ErrorKind.Unavailable, Stopping.Cause is null ? "timed out"
                : "interrupted", "run it again"));
            return Stopping.Cause ?? ExitCode.Unavailable;
        }
        catch (IOException e) when (Output.IsBrokenPipe(e))
        {
            return ExitCode.Ok;   // the reader of our output has closed it
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            output.WriteFailure(WithHint(SystemErrors.Of(e), command));
            return ExitCode.Failed;
        }
        catch (OutOfMemoryException e)
        {
            output.WriteFailure(new EdgeSyncException(
                ErrorKind.System, "out of memory; unfinished work was rolled back",
                "more memory (MemoryMax= of the service, --memory-limit), or less at once", e));
            return ExitCode.Failed;
        }
        catch (Exception e)
        {
            output.Errors.WriteLine($"edgesync: this is a bug of edgesync {BuildInfo.Version} ({BuildInfo.Commit}); "
                + $"please report it:\n{e}");
            return ExitCode.Bug;
        }
    }

    /// <summary>
    /// In the order of the help page. As in Fossil, an unambiguous prefix of a name stands for it.
    /// </summary>
    /// <remarks>Where none of them fits, the commands of <c>repo</c> are meant: <c>edgesync timeline</c>.</remarks>
    public static IReadOnlyList<(string Name, string[] Aliases)> Names { get; } =
    [
        ("up", []), ("join", []), ("pair", []),
        ("status", []), ("repo", []), ("leaf", []), ("hub", []), ("bridge", []), ("sync", []),
            ("peers", []), ("iroh", []), ("can", []), ("notify", []), ("config", []),
            ("doctor", []), ("ready", []),
        .. CheckoutCommands.Table.Where(c => c.Name != "status").Select(c => (c.Name, c.Aliases)),
        ("version", []), ("completion", []), ("man", []),
    ];

    /// <summary>
    /// The same tree runs, documents and completes the commands. A command line that starts with a command's name gets
    /// only that branch: the whole tree takes a third of a short command's time.</summary>
    /// <param name="output">The output of commands.</param>
    /// <param name="args">The arguments to parse.</param>
    /// <param name="stop">In place of the signals of the process.</param>
    public static Command Build(Output output, string[] args, CancellationToken? stop = null)
    {
        var root = new CommandSpec("edgesync", "Keep Fossil repositories in sync across machines.")
        {
            Notes =
                "'edgesync help COMMAND' shows the page of a command. A command can be abbreviated to any unique "
                    + "prefix; the commands of 'repo' also work without that word: 'edgesync timeline'.",
            Examples = [
                "up project.fossil", "join CODE", "status", "repo clone https://host/project project.fossil", "doctor"],
        };
        var named = CommandWords.First(args) is { } word
            ? Find(CommandWords.Expand(word, Names), CommandWords.Second(args), output) : null;
        if (named is not null) root.Subcommands.Add(named);
        else foreach (var (name, _) in Names) root.Subcommands.Add(Find(name, null, output)!);
        root.Options.Clear();
        Globals.AddTo(root);

        // The library's own options look up their descriptions in resources, which takes a tenth of a short command's
        // time.
        root.Options.Add(new Option<bool>("--version",
            "-V")
        {
            Description = "Print version, commit, framework and SQLite.",
            Arity = ArgumentArity.Zero,
            Action = new VersionAction(output)
        });
        root.Options.Add(new Option<bool>("--help", "-h")
        {
            Description = "Print this page.",
            Arity = ArgumentArity.Zero,
            Recursive = true,
            Action = new HelpAction(output)
        });

        CommandSpec.Attach(root, output, stop);
        return root;
    }

    /// <summary>Parses the command line with its command words expanded.</summary>
    /// <exception cref="EdgeSyncException">It is invalid.</exception>
    public static ParseResult Parse(string[] args, Output output, CancellationToken? stop = null)
    {
        args = CommandWords.WithGroup(args);
        var root = Build(output, args, stop);
        var words = CommandWords.Expand(args, root);
        var parse = root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        CommandLineFaults.Require(parse, words);
        return parse;
    }

    /// <summary>The branch of that name, or null.</summary>
    /// <param name="name">In full.</param>
    /// <param name="child">The next word: of a large branch only that command is made.</param>
    /// <param name="output">The output of the command.</param>
    public static CommandSpec? Find(string name, string? child, Output output) => name switch
    {
        "repo" => RepoCommand.Create(only: child),
        "leaf" => LeafCommand.Create(),
        "hub" => HubCommand.Create(),
        "bridge" => BridgeCommand.Create(),
        "sync" => SyncCommand.Create(),
        "up" => UpCommand.Create(),
        "join" => JoinCommand.Create(),
        "status" => StatusCommand.Create(),
        "pair" => PairCommand.Create(),
        "peers" => PeersCommand.Create(),
        "iroh" => IrohCommand.Create(),
        "can" => CanCommand.Create(),
        "notify" => NotifyCommand.Create(),
        "config" => ConfigCommands.Create(),
        "doctor" => DoctorCommand.Create(),
        "ready" => ReadyCommand.Create(),
        "version" => VersionReport.CreateCommand(),
        "completion" => CompletionCommand.Create(),
        "man" => ManCommand.Create(output),
        _ => CheckoutCommands.Create(name),
    };

    private static async Task<ExitCode> RunAsync(ParseResult parse, Output output)
    {
        MemoryLimit.Apply(parse.GetValue(Globals.MemoryLimit));
        return (ExitCode)await parse.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = output.Text,
            Error = output.Errors,
        });
    }

    // Every error names a next step.
    private static EdgeSyncException WithHint(EdgeSyncException failure, string command) => failure.Hint is not null
        ? failure
        : new EdgeSyncException(
            failure.Kind, failure.Message,
                failure.Kind is ErrorKind.System or ErrorKind.Unavailable or ErrorKind.Corrupt ? "edgesync doctor"
                : $"{command} --help", failure)
        {
            Candidates = failure.Candidates,
        };

    // Needed before parsing: errors of the command line are also printed as JSON.
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
