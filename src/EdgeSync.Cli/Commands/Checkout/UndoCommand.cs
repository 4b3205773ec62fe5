using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class UndoCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files to restore (default: everything that the command changed).",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static CommandSpec CreateUndo() =>
        new("undo", "Take back what the last update, merge, revert or clean did.", c => Run(c, isRedo: false))
        {
            Arguments = { Files },
            Options = { FileOptions.DryRun },
            Notes = "One command can be undone, until a commit or checkout.",
            Examples = ["undo", "undo --dry-run", "undo src/main.c"],
        };

    public static CommandSpec CreateRedo() =>
        new("redo", "Take back the last undo.", c => Run(c, isRedo: true))
        {
            Arguments = { Files },
            Options = { FileOptions.DryRun },
            Examples = ["redo", "redo --dry-run"],
        };

    /// <summary>Reports that the command can be undone, in stock's words.</summary>
    public static string Notice(CommandContext context) => context.Output.IsStock
        ? " \"fossil undo\" is available to undo changes to the working checkout."
        : "\"edgesync undo\" is available to undo changes to the working checkout.";

    private static ExitCode Run(CommandContext context, bool isRedo)
    {
        using var checkout = context.OpenCheckout();
        var (undo, before) = (checkout.Undo, checkout.Version);
        var commandLine = undo.State == 0 ? null : undo.CommandLine;
        var isDryRun = context.Get(FileOptions.DryRun);
        var names = context.NamesOf(checkout, context.Get(Files));
        var state = undo.State;
        var done = isDryRun ? undo.Preview()
            : names.Count > 0 ? undo.Apply(names, isRedo)
            : undo.Apply(checkout.Repository, isRedo);
        var after = checkout.Version;
        context.Output.Write(new UndoReport(
            state switch { 1 => "undo", 2 => "redo", _ => "none" }, commandLine, isDryRun,
            [.. done.Select(f => new FileAction(f.Action, f.Name))],
            after == before || after.IsNone ? null
                : CheckinDescription.Of(checkout.Repository, after, withFamily: false)));
        return ExitCode.Ok;
    }
}

/// <summary>What a command did to a file.</summary>
/// <param name="Action">Stock's word, such as <c>ADDED</c>.</param>
/// <param name="NewName">Of a renamed file.</param>
/// <param name="Note">What is worth knowing about it.</param>
internal sealed record FileAction(string Action, string Name, string? NewName = null, string? Note = null);

/// <param name="Available">undo, redo or none, before the command ran.</param>
/// <param name="CommandLine">The command that is taken back.</param>
internal sealed record UndoReport(
    string Available, string? CommandLine, bool IsDryRun, IReadOnlyList<FileAction> Files,
    CheckinDescription? Checkout) : IReport
{
    public void Print(TextWriter output)
    {
        if (IsDryRun)
        {
            PrintPreview(output);
            return;
        }

        foreach (var file in Files) output.WriteLine($"{file.Action,-6} {DisplayText.Name(file.Name)}");
        if (Checkout is not { } checkin) return;

        output.WriteLine("--------------------");
        CheckinPrinting.Print(output, "updated-to:", checkin);
    }

    public void PrintAsStock(TextWriter output)
    {
        if (IsDryRun) PrintPreview(output, "fossil");
        else Print(output);
    }

    private void PrintPreview(TextWriter output, string program = "edgesync")
    {
        if (Available == "none")
        {
            output.WriteLine("No undo or redo is available");
            return;
        }

        output.WriteLine(
            $"{(Available == "undo" ? "An" : "A")} {Available} is available for the following command:\n\n"
            + $"   {program} {CommandLine}\n");
        output.WriteLine(
            Files.Count == 0 ? $"No file changes would occur with this {Available}."
                : $"The following file changes would occur if the command above is {Available}ne:\n");
        foreach (var file in Files) output.WriteLine($"{file.Action} {DisplayText.Name(file.Name)}");
    }
}
