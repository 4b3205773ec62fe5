using System.CommandLine;
using System.Net;
using EdgeSync.Node.Iroh.Diagnostics;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Iroh;

/// <summary>
/// <c>iroh test</c>: a peer for the tests of connections, and for bug reports. One line for each event; exit codes of
/// their own: 0 ok, 1 failed, 2 usage, 3 timeout.
/// </summary>
internal static class IrohTestCommand
{
    private const int DefaultTimeout = 60;
    private const int HoldMargin = 30;

    private static readonly Argument<string> Ticket = new("TICKET") { Description = "Ticket of the listener." };

    private static readonly Argument<string> Bytes = new("BYTES") { Description = "How many bytes to transfer." };

    private static readonly Argument<string> Code = new("CODE") { Description = "Code to request." };

    private static readonly Argument<string?> Reason = new("REASON")
    {
        Description = "Text to request.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Option<string[]> Alpn { get; } = new("--alpn")
    {
        Description = "Protocol to accept or to dial (repeatable; default: those of the test).",
        HelpName = "ALPN"
    };

    private static readonly Option<string?> Bind = new("--bind")
    {
        Description = "Address of the socket (default: 127.0.0.1:0).",
        HelpName = "IP:PORT"
    };

    public static Option<string[]> Relay { get; } = new("--relay")
    {
        Description = "Relay to be reached through (repeatable; default: none).",
        HelpName = "URL"
    };

    public static Option<string?> RelayToken { get; } = new("--relay-token")
    {
        Description = "Token that the relays ask for.",
        HelpName = "TEXT"
    };

    public static Option<bool> RelayOnly { get; } = new("--relay-only")
    {
        Description = "Open no UDP socket: all goes through the relay.",
    };

    public static Option<bool> DirectOnly { get; } = new("--direct-only")
    {
        Description = "Use no relay, not even that of the ticket.",
    };

    private static readonly Option<bool> Retry = new("--retry")
    {
        Description = "Let every client prove its address first.",
    };

    private static readonly Option<string[]> Allow = new("--allow")
    {
        Description = "Turn away all endpoints but this one (repeatable).",
        HelpName = "ID"
    };

    private static readonly Option<bool> Once = new("--once") { Description = "End after one connection." };

    private static readonly Option<int> Count = Choices.Number("--count", [], "How many streams.", 1, min: 1);

    private static readonly Option<int> Datagrams = Choices.Number("--count", [], "How many datagrams.", 10, min: 1);

    private static readonly Option<int> Size = Choices.Number(
        "--size", [], "Bytes of each.", 100, max: TestDialer.MessageMax);

    private static readonly Option<int> Parallel = Choices.Number(
        "--parallel", [], "How many streams at the same time.", 1, min: 1);

    private static readonly Option<string?> Hold = new("--hold")
    {
        Description = "How long to stay (default: 30s).",
        HelpName = "TIME"
    };

    public static Option<string?> Timeout { get; } = new("--timeout")
    {
        Description = "Give up after this time (default: 60s; a listener never).",
        HelpName = "TIME"
    };

    public static Option<string?> Secret { get; } = new("--secret")
    {
        Description = "Secret key of this endpoint, 64 hex digits (default: a new one).",
        HelpName = "HEX"
    };

    public static Option<string?> KeyFile { get; } = new("--key-file")
    {
        Description = "File of the secret key, created when absent.",
        HelpName = "FILE"
    };

    public static CommandSpec Create() => new("test", "Test connections to iroh endpoints (diagnostics).")
    {
        Notes = "Prints a line for each event. Exits with 0 when all was right, 1 when not, 2 for a wrong command line "
            + "or ticket, 3 after the time of --timeout.",
        Subcommands =
        {
            new CommandSpec("listen", "Listen for the other commands, or for another iroh endpoint.", ListenAsync)
            {
                Options =
                {
                    Alpn, Bind, Secret, KeyFile, Relay, RelayToken, RelayOnly, DirectOnly, Retry, Allow, Once, Timeout,
                },
                Examples =
                [
                    "iroh test listen", "iroh test listen --bind 0.0.0.0:7777 --once --json",
                    "iroh test listen --relay http://127.0.0.1:3340 --relay-only",
                ],
            },
            Dialling("dial", "Connect, and close again.", (d, _, _, stop) => d.DialAsync(stop)),
            Dialling(
                "echo", "Send streams that come back.",
                (d, c, _, stop) => d.EchoAsync(c.Get(Count), c.Get(Size), c.Get(Parallel), stop),
                [Count, Size, Parallel]),
            Dialling(
                "uni", "Send unidirectional streams that come back by others.",
                (d, c, _, stop) => d.UniAsync(c.Get(Count), c.Get(Size), c.Get(Parallel), stop),
                [Count, Size, Parallel]),
            Dialling(
                "datagram", "Send datagrams that come back.",
                (d, c, _, stop) => d.DatagramAsync(c.Get(Datagrams), c.Get(Size), stop), [Datagrams, Size]),
            Dialling(
                "hold", "Stay connected, with an echo each second.",
                (d, c, _, stop) => d.HoldAsync(HoldTime(c), stop), [Hold]),
            Dialling(
                "sink", "Send bytes, and compare the listener's hash.",
                (d, c, _, stop) => d.SinkAsync((long)Number(c, Bytes), stop), [], Bytes),
            Dialling(
                "source", "Receive bytes, and compare them.",
                (d, c, _, stop) => d.SourceAsync((long)Number(c, Bytes), stop), [], Bytes),
            Dialling(
                "close", "Ask the listener to close with a code and a text.",
                (d, c, _, stop) => d.CloseAsync(Number(c, Code), c.Get(Reason) ?? "", stop), [], Code, Reason),
            Dialling(
                "reset", "Ask the listener to reset a stream with a code.",
                (d, c, _, stop) => d.ResetAsync(Number(c, Code), stop), [], Code),
            Dialling(
                "pipe", "Join stdin and stdout with a stream; lines go to stderr.",
                (d, c, _, stop) => d.PipeAsync(Console.OpenStandardInput(), c.Output.Raw, stop)),
        },
    };

    private static CommandSpec Dialling(
        string verb, string summary,
        Func<TestDialer, CommandContext, Action<IrohTestLine>, CancellationToken, Task<IrohTestLine>> run,
        Option[]? options = null, params Argument[] arguments)
    {
        var command = new CommandSpec(
            verb, summary, (context, stop) => DialAsync(context, verb, run, stop))
        {
            Arguments = { Ticket },
            Examples = [$"iroh test {verb} TICKET{string.Concat(arguments.Select(a => $" {ExampleOf(a)}"))}"],
        };
        foreach (var argument in arguments) command.Arguments.Add(argument);
        Option[] common = [Alpn, Bind, Secret, KeyFile, Relay, RelayToken, RelayOnly, DirectOnly, Timeout];
        foreach (var option in (Option[])[.. options ?? [], .. common]) command.Options.Add(option);
        return command;
    }

    private static string ExampleOf(Argument argument) =>
        argument == Bytes ? "1048576" : argument == Code ? "42" : "bye";

    private static async Task<ExitCode> ListenAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var time = context.Get(Timeout) is { } text ? TimeOf(text) : (TimeSpan?)null;
        return await GuardAsync(context, "listen", time, async stop =>
        {
            var options = OptionsOf(context) with
            {
                Retry = context.Get(Retry),
                Once = context.Get(Once),
                Allow = context.Get(Allow) ?? [],
            };
            await using var listener = new TestListener(options, line => Write(context, line));
            try
            {
                await listener.ServeAsync(stop);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Stopped by a signal, as a listener is.
            }

            return ExitCode.Ok;
        }, cancellationToken);
    }

    private static Task<ExitCode> DialAsync(
        CommandContext context, string verb,
        Func<TestDialer, CommandContext, Action<IrohTestLine>, CancellationToken, Task<IrohTestLine>> run,
        CancellationToken cancellationToken)
    {
        var isPipe = verb == "pipe";
        void Say(IrohTestLine line)
        {
            if (isPipe) new IrohTestReport(line).Print(context.Output.Errors);
            else Write(context, line);
        }

        return GuardAsync(context, verb, TimeoutOf(context, verb), async stop =>
        {
            var dialer = new TestDialer(OptionsOf(context), context.Require(Ticket), Say)
            {
                Alpn = context.Get(Alpn) is [var first, ..] ? first : null,
            };
            var result = await run(dialer, context, Say, stop);
            Say(result);
            return result.Ok == true ? ExitCode.Ok : ExitCode.Failed;
        }, cancellationToken);
    }

    /// <summary>The prescribed exit codes, and the line with the reason.</summary>
    internal static async Task<ExitCode> GuardAsync(
        CommandContext context, string verb, TimeSpan? time, Func<CancellationToken, Task<ExitCode>> work,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (time is { } span) limit.CancelAfter(span);
        try
        {
            return await work(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = new EdgeSyncException(
                ErrorKind.Unavailable, $"timeout after {time!.Value.TotalSeconds} s", "edgesync iroh test --help");
            WriteError(context, verb, failure);
            return ExitCode.NotFound;   // 3, as for all test peers
        }
        catch (EdgeSyncException e)
        {
            WriteError(context, verb, e);
            return e.Kind == ErrorKind.Usage ? ExitCode.Usage : ExitCode.Failed;
        }
    }

    private static void WriteError(CommandContext context, string verb, EdgeSyncException failure)
    {
        if (context.Output.IsJson && verb != "pipe")
            Write(context, new IrohTestLine { Event = "error", Verb = verb, Error = failure.Message });
        else
            context.Output.WriteFailure(new EdgeSyncException(
                failure.Kind, failure.Message, failure.Hint ?? "edgesync iroh test --help", failure));
    }

    internal static void Write(CommandContext context, IrohTestLine line)
    {
        context.Output.Write(new IrohTestReport(line));
        context.Output.Flush();
    }

    private static IrohTestOptions OptionsOf(CommandContext context)
    {
        var options = new IrohTestOptions
        {
            Secret = context.Get(Secret),
            KeyFile = context.Get(KeyFile),
            Relays = context.Get(Relay) ?? [],
            RelayToken = context.Get(RelayToken),
            RelayOnly = context.Get(RelayOnly),
            DirectOnly = context.Get(DirectOnly),
        };
        if (context.Get(Bind) is { } bind)
            options = options with
            {
                Bind = IPEndPoint.TryParse(bind, out var address)
                    ? [address]
                    : throw new EdgeSyncException(ErrorKind.Usage, $"'{bind}' is not an address with a port"),
            };
        return context.Get(Alpn) is { Length: > 0 } alpns ? options with { Alpns = alpns } : options;
    }

    /// <summary>As large as a code of QUIC may be (RFC 9000 §16).</summary>
    private static ulong Number(CommandContext context, Argument<string> argument) =>
        ulong.TryParse(
            context.Require(argument), System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out var number) && number < 1UL << 62
            ? number
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"{argument.Name} is a whole number, not '{context.Require(argument)}'");

    private static TimeSpan HoldTime(CommandContext context) =>
        context.Get(Hold) is { } text ? TimeOf(text) : TimeSpan.FromSeconds(HoldMargin);

    private static TimeSpan TimeoutOf(CommandContext context, string verb) =>
        context.Get(Timeout) is { } text ? TimeOf(text)
        : verb == "hold" ? HoldTime(context) + TimeSpan.FromSeconds(HoldMargin)
        : TimeSpan.FromSeconds(DefaultTimeout);

    /// <summary>A duration; a number alone is seconds.</summary>
    internal static TimeSpan TimeOf(string text) =>
        Durations.TryParse(char.IsAsciiDigit(text[^1]) ? text + "s" : text, out var span) && span > TimeSpan.Zero
            ? span
            : throw new EdgeSyncException(ErrorKind.Usage, Durations.FaultOf(text));
}
