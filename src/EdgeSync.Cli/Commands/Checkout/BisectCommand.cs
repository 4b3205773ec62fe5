using System.CommandLine;
using System.Diagnostics;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Finds the check-in that broke something. Spec: bisect_cmd in bisect.c.</summary>
internal static class BisectCommand
{
    private const int SkipCode = 125;

    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in (default: the one that is checked out).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Name = new("NAME")
    {
        Description = "Option (default: list all).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Value = new("VALUE")
    {
        Description = "New value (default: print it).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string> Program = new("COMMAND")
    {
        Description = "Command of the shell: it ends with 0 for good, 125 for skip, another code for bad.",
    };

    private static readonly Option<bool> All = new("--all", "-a") { Description = "Leave no check-in out." };

    private static readonly Option<bool> Interactive = new("--interactive", "-i")
    {
        Description = "Ask for the verdict after each run."
    };

    public static CommandSpec Create() => new("bisect", "Find the check-in that broke something.")
    {
        Verdict("good", "The check-in works.", (b, rid) => b.MarkGood(rid)),
        Verdict("bad", "The check-in does not work.", (b, rid) => b.MarkBad(rid)),
        Verdict("skip", "The check-in cannot be judged.", (b, rid) => b.Skip(rid)),
        new CommandSpec("next", "Go to the check-in to try next.", c => WithBisect(c, Next))
        {
            Examples = ["bisect next"],
        },
        new CommandSpec("undo", "Take the last verdict back.", c => WithBisect(c, Undo))
        {
            Examples = ["bisect undo"],
        },
        new CommandSpec("reset", "Forget the search.", c => WithBisect(c, Reset)) { Examples = ["bisect reset"] },
        new CommandSpec("run", "Try check-ins by a command until the one is found.", c => WithBisect(c, Run))
        {
            Arguments = { Program },
            Options = { Interactive },
            Examples = ["bisect run 'make test'"],
        },
        new CommandSpec("ls", "List the check-ins between good and bad.", c => WithBisect(c, List))
        {
            Options = { All },
            Examples = ["bisect ls", "bisect ls --all"],
        }.Also("vlist", "status", "list"),
        new CommandSpec("chart", "List the verdicts by the time of the check-ins.", c => WithBisect(c, Chart))
        {
            Examples = ["bisect chart"],
        },
        new CommandSpec("log", "List the verdicts as they were given.", c => WithBisect(c, Log))
        {
            Examples = ["bisect log"],
        },
        new CommandSpec("options", "Show or set how the search works.", c => WithBisect(c, ShowOptions))
        {
            Arguments = { Name, Value },
            Examples = ["bisect options", "bisect options direct-only off"],
        },
    };

    private static CommandSpec Verdict(string name, string summary, Action<CheckoutBisect, RecordId> mark) =>
        new(name, summary, context => WithBisect(context, (c, checkout, bisect) =>
        {
            var rid = c.Get(Version) is { } version ? checkout.Repository.Names.ResolveCheckin(version)
                : checkout.Version;
            if (rid.IsNone)
                throw new EdgeSyncException(ErrorKind.NotFound, "nothing is checked out", "name a check-in");

            mark(bisect, rid);
            c.Output.Write(Marked(checkout, bisect));
        }))
        {
            Arguments = { Version },
            Notes = "When a good and a bad check-in are known, the checkout goes to the next one to try.",
            Examples = [$"bisect {name}", $"bisect {name} v1.0"],
        };

    private static ExitCode WithBisect(
        CommandContext context, Action<CommandContext, WorkingCheckout, CheckoutBisect> run)
    {
        using var checkout = context.OpenCheckout();
        run(context, checkout, new CheckoutBisect(checkout));
        return ExitCode.Ok;
    }

    private static void Next(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect) =>
        context.Output.Write(Advanced(checkout, bisect));

    private static void Undo(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect)
    {
        bisect.Undo();
        context.Output.Write(bisect.IsBounded ? Advanced(checkout, bisect) : BisectReport.Of(checkout, bisect));
    }

    private static void Reset(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect)
    {
        bisect.Reset();
        context.Output.Write(BisectReport.Of(checkout, bisect));
    }

    private static void List(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect) =>
        context.Output.Write(BisectReport.Of(checkout, bisect) with
        {
            Path = BisectReport.PathOf(bisect, context.Get(All) || context.Output.IsJson),
        });

    private static void Chart(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect) =>
        context.Output.Write(
            BisectReport.Of(checkout, bisect) with { Steps = BisectReport.StepsOf(bisect, byCheckinTime: true) });

    private static void Log(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect) =>
        context.Output.Write(
            BisectReport.Of(checkout, bisect) with { Steps = BisectReport.StepsOf(bisect, byCheckinTime: false) });

    private static void ShowOptions(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect)
    {
        if (context.Get(Name) is not { } word)
        {
            context.Output.Write(new BisectOptionsReport([
                .. CheckoutBisect.Options.Select(o => new BisectOption(o.Name, bisect[o.Name], o.Description)),
            ]));
            return;
        }

        var option = CheckoutBisect.Options.FirstOrDefault(
            o => o.Name.StartsWith(word, StringComparison.Ordinal));
        if (option.Name is null)
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"no such bisect option: {word}", "edgesync bisect options");

        if (context.Get(Value) is { } value) bisect[option.Name] = value;
        context.Output.Write(
            new BisectOptionsReport([new BisectOption(option.Name, bisect[option.Name], option.Description)])
            {
                IsOne = true
            });
    }

    private static BisectReport Marked(WorkingCheckout checkout, CheckoutBisect bisect) =>
        bisect.IsOn("auto-next") && bisect.IsBounded ? Advanced(checkout, bisect) : BisectReport.Of(checkout, bisect);

    // Spec: the verb "next"; the update is none of the user's, so nothing is synced.
    private static BisectReport Advanced(WorkingCheckout checkout, CheckoutBisect bisect)
    {
        var path = bisect.Path();
        var next = bisect.NextOf(path);
        UpdateReport? update = null;
        if (next.IsNone)
        {
            bisect.Complete();
        }
        else
        {
            var before = checkout.Version;
            var outcome = CheckoutUpdate.Run(checkout, new CheckoutUpdateOptions
            {
                CommandLine = CheckoutContext.CommandLineText,
                Target = next,
            });
            update = UpdateCommand.ReportOf(checkout, before, next, outcome);
        }

        var report = BisectReport.Of(checkout, bisect) with
        {
            Update = update,
            Span = next.IsNone ? null : path.Span,
            StepsRemaining = next.IsNone ? null : path.StepsRemaining,
            HasAdvanced = true,
        };
        var display = bisect["display"];
        return "chart".StartsWith(display, StringComparison.Ordinal)
            ? report with { Steps = BisectReport.StepsOf(bisect, byCheckinTime: true) }
            : "log".StartsWith(display, StringComparison.Ordinal)
                ? report with { Steps = BisectReport.StepsOf(bisect, byCheckinTime: false) }
                : "status".StartsWith(display, StringComparison.Ordinal)
                    ? report with { Path = BisectReport.PathOf(bisect, isWhole: false) } : report;
    }

    private static void Run(CommandContext context, WorkingCheckout checkout, CheckoutBisect bisect)
    {
        if (!bisect.IsBounded)
            throw new EdgeSyncException(
                ErrorKind.Usage, "need good/bad boundaries to use \"bisect run\"", "edgesync bisect good VERSION");

        var isAsked = context.Get(Interactive);
        BisectReport? report = null;
        while (!bisect.IsComplete)
        {
            var code = RunShell(context.Require(Program));
            if (isAsked && !Asks(context.Output, ref code, ref isAsked)) break;

            if (code == 0) bisect.MarkGood(checkout.Version);
            else if (code == SkipCode) bisect.Skip(checkout.Version);
            else bisect.MarkBad(checkout.Version);
            report = Advanced(checkout, bisect);
            if (context.Output.IsJson) continue;

            context.Output.Text.WriteLine(
                $"bisect {code switch { 0 => "good", SkipCode => "skip", _ => "bad" }}");
            context.Output.Write(report);
            context.Output.Flush();
        }

        if (context.Output.IsJson) context.Output.Write(report ?? BisectReport.Of(checkout, bisect));
    }

    // False: halt.
    private static bool Asks(Output output, ref int code, ref bool isAsked)
    {
        output.Flush();
        output.Errors.WriteLine($"test-command result: {code}");
        while (true)
        {
            output.Errors.Write("Enter (g)ood, (b)ad, (s)kip, (a)uto, (h)alt: ");
            output.Errors.Flush();
            if (Console.In.ReadLine() is not { } line) return false;

            switch (line.TrimStart().FirstOrDefault())
            {
                case 'g' or 'G':
                    code = 0;
                    return true;
                case 'b' or 'B':
                    code = 1;
                    return true;
                case 's' or 'S':
                    code = SkipCode;
                    return true;
                case 'a' or 'A':
                    isAsked = false;
                    return true;
                case 'h' or 'H':
                    return false;
                default:
                    break;
            }
        }
    }

    private static int RunShell(string command)
    {
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe") { ArgumentList = { "/c", command } }
            : new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", command } };
        start.UseShellExecute = false;
        using var process = Process.Start(start)
            ?? throw new EdgeSyncException(ErrorKind.System, "the shell does not start", "edgesync bisect next");
        process.WaitForExit();
        return process.ExitCode;
    }
}

/// <param name="Result"><c>GOOD</c>, <c>BAD</c>, <c>SKIP</c> or <c>CURRENT</c>.</param>
internal sealed record BisectVerdict(int Number, string Result, string Hash, string Date, bool IsCurrent);

/// <param name="Marks">Of <c>GOOD</c>, <c>BAD</c>, <c>CURRENT</c> and <c>NEXT</c>.</param>
internal sealed record BisectPlace(string Hash, string Date, IReadOnlyList<string> Marks, int Omitted);

/// <summary>A search, and what a command did to it.</summary>
/// <param name="Status"><c>running</c>, <c>complete</c>, or <c>idle</c> before both ends are known.</param>
internal sealed record BisectReport(string Status, string? Good, string? Bad) : IReport
{
    /// <summary>How the checkout went to the next check-in.</summary>
    public UpdateReport? Update { get; init; }

    /// <summary>Check-ins between the ends.</summary>
    public int? Span { get; init; }

    public int? StepsRemaining { get; init; }

    public IReadOnlyList<BisectVerdict>? Steps { get; init; }

    public IReadOnlyList<BisectPlace>? Path { get; init; }

    internal bool HasAdvanced { get; init; }

    public static BisectReport Of(WorkingCheckout checkout, CheckoutBisect bisect)
    {
        return new BisectReport(
            bisect.IsComplete ? "complete" : bisect.IsBounded ? "running" : "idle", NameOf(bisect.Good),
            NameOf(bisect.Bad));

        string? NameOf(RecordId rid) => rid.IsNone ? null : checkout.Repository.Content.NameOf(rid).ToString();
    }

    public static IReadOnlyList<BisectVerdict> StepsOf(CheckoutBisect bisect, bool byCheckinTime) =>
    [
        .. bisect.Steps(byCheckinTime).Select(
            s => new BisectVerdict(s.Number, s.Verdict, s.Hash, s.Date, s.IsCurrent)),
    ];

    public static IReadOnlyList<BisectPlace> PathOf(CheckoutBisect bisect, bool isWhole) =>
        [.. bisect.Lines(isWhole).Select(l => new BisectPlace(l.Hash, l.Date, l.Marks, l.Omitted))];

    public void Print(TextWriter output)
    {
        Update?.Print(output);
        PrintRest(output);
    }

    public void PrintAsStock(TextWriter output)
    {
        Update?.PrintAsStock(output);
        PrintRest(output);
    }

    private void PrintRest(TextWriter output)
    {
        if (Span is { } span) output.WriteLine($"span: {span}  steps-remaining: {StepsRemaining}");
        else if (HasAdvanced) output.WriteLine("bisect complete");
        foreach (var step in Steps ?? [])
            output.WriteLine(
                $"{step.Number,3} {step.Result,-7} {step.Date} {step.Hash[..16]}"
                    + (step.IsCurrent && step.Result != "CURRENT" ? " CURRENT" : ""));
        foreach (var place in Path ?? [])
        {
            if (place.Omitted > 0) output.WriteLine($"  ... {place.Omitted} other check-ins omitted");
            output.WriteLine(string.Join(' ', [place.Date, place.Hash[..10], .. place.Marks]));
        }
    }
}

internal sealed record BisectOption(string Name, string Value, string Description);

internal sealed record BisectOptionsReport(IReadOnlyList<BisectOption> Options) : IReport
{
    internal bool IsOne { get; init; }

    public void Print(TextWriter output)
    {
        foreach (var option in Options)
            output.WriteLine(IsOne ? option.Value : $"  {option.Name,-15}  {option.Value,-6}  {option.Description}");
    }
}
