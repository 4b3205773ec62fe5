using System.CommandLine;
using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.History;

/// <summary>The options of stock's <c>diff</c>: what counts as a difference, and how it is shown.</summary>
internal static class DiffOptionSet
{
    private static readonly Option<string?> Context = new("--context", "-c", "-U")
    {
        Description = "Unchanged lines around each change; below 0: all.",
        HelpName = "N",
        DefaultValueFactory = _ => null,
    };

    private static readonly Option<string?> Unified = new("--unified")
    {
        Description = "Unified diff (the default), with a number as --context.",
        HelpName = "N",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> SideBySide = new("--side-by-side", "-y")
    {
        Description = "Both texts in columns."
    };

    private static readonly Option<int> Width = Choices.Number(
        "--width", ["-W"], "Characters of a column side by side (0: what fits the terminal).", 0);

    private static readonly Option<bool> IgnoreAll = new("--ignore-all-space", "-w")
    {
        Description = "White space does not count."
    };

    private static readonly Option<bool> IgnoreTrailing = new("--ignore-trailing-space", "-Z")
    {
        Description = "White space at the end of lines does not count."
    };

    private static readonly Option<bool> StripCr = new("--strip-trailing-cr")
    {
        Description = "Carriage returns at the end of lines do not count."
    };

    private static readonly Option<bool> LineNumbers = new("--linenum", "-n") { Description = "Show line numbers." };

    private static readonly Option<bool> Invert = new("--invert") { Description = "From the newer to the older text." };

    private static readonly Option<bool> Unshifted = new("--noopt")
    {
        Description = "Leave changes where they are.",
        Hidden = true
    };

    private static readonly Option<bool> Raw = new("--raw") { Description = "Print the steps alone.", Hidden = true };

    private static readonly Option<bool> Internal = new("--internal", "-i")
    {
        Description = "Use no other program; none ever is.",
        Hidden = true
    };

    /// <summary>Counts alone, a line for each file.</summary>
    public static Option<bool> NumStat { get; } = new("--numstat", "-s")
    {
        Description = "Print only the numbers of inserted and deleted lines."
    };

    /// <summary>Names alone.</summary>
    public static Option<bool> Brief { get; } = new("--brief") { Description = "Print only the names of the files." };

    public static IReadOnlyList<Option> All { get; } =
    [
        Context, Unified, SideBySide, Width, IgnoreAll, IgnoreTrailing, StripCr, LineNumbers, NumStat, Brief, Invert,
        Unshifted, Raw, Internal,
    ];

    /// <exception cref="EdgeSyncException">The context is not a number.</exception>
    public static DiffFormat Read(CommandContext context)
    {
        var isTerminal = context.Output.IsTerminal;
        var width = context.Get(Width);
        return new DiffFormat
        {
            Layout = context.Get(NumStat) ? DiffLayout.Counts : context.Get(Raw) ? DiffLayout.Steps
                : context.Get(SideBySide) && !context.IsGiven(Unified) ? DiffLayout.SideBySide : DiffLayout.Unified,
            Options = new DiffOptions(
                context.Get(IgnoreTrailing), context.Get(IgnoreAll), context.Get(StripCr)),
            Context = ContextOf(context),
            Width = width > 0 ? width : DiffFormat.WidthOf(isTerminal ? Console.WindowWidth : 80),
            IsInverted = context.Get(Invert),
            HasLineNumbers = context.Get(LineNumbers),
            IsUnshifted = context.Get(Unshifted),
            IsColoured = context.Output.IsColoured,
            ShowsControls = isTerminal,
        };
    }

    private static int ContextOf(CommandContext context)
    {
        if ((context.Get(Unified) ?? context.Get(Context)) is not { } text) return DiffFormat.ContextDefault;
        if (int.TryParse(text, out var number))
            return number < 0 ? DiffFormat.ContextAll : Math.Min(number, DiffFormat.ContextAll);

        throw new EdgeSyncException(
            ErrorKind.Usage, $"--context: '{text}' is not a whole number", "edgesync repo diff --help");
    }
}
