using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class RemoveCommand
{
    private static readonly Argument<string[]> Files = new("FILES")
    {
        Description = "Files and folders.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> ResetRemoved = new("--reset")
    {
        Description = "Take back all that was removed and is not committed."
    };

    /// <summary>Whether files follow what the checkout notes of them.</summary>
    internal static Option<bool> Hard { get; } = new("--hard") { Description = "Change the files on the disk too." };

    internal static Option<bool> Soft { get; } = new("--soft")
    {
        Description = "Leave the files on the disk (default, unless 'mv-rm-files' is on)."
    };

    public static CommandSpec Create() =>
        new("rm", "Stop tracking files: the next commit removes them.", c => Run(c, canRemove: true))
        {
            Arguments = { Files },
            Options = { Hard, Soft, ResetRemoved, FileOptions.DryRun },
            Notes = "Files with changes that no check-in has are not removed from the disk.",
            Examples = ["rm old.c", "rm --hard src/old", "rm --reset"],
        };

    public static CommandSpec CreateForget() =>
        new("forget", "Stop tracking files, and leave them on the disk.", c => Run(c, canRemove: false))
        {
            Arguments = { Files },
            Options = { ResetRemoved, FileOptions.DryRun },
            Examples = ["forget secret.txt"],
        };

    internal static bool IsHard(CommandContext context, WorkingCheckout checkout) =>
        !context.Get(Soft) && (context.Get(Hard) || checkout.Settings.Boolean("mv-rm-files"));

    private static ExitCode Run(CommandContext context, bool canRemove)
    {
        using var checkout = context.OpenCheckout();
        var isDryRun = context.Get(FileOptions.DryRun);
        if (context.Get(ResetRemoved))
        {
            context.Output.Write(
                AddCommand.ResetReport(
                    context, checkout, CheckoutEditing.Reset(checkout, isOfAdded: false, isDryRun)));
            return ExitCode.Ok;
        }

        if (context.Get(Files) is not { Length: > 0 } files)
            throw new EdgeSyncException(ErrorKind.Usage, "FILES is missing", "edgesync rm --help");

        var done = CheckoutEditing.Remove(
            checkout, context.NamesOf(checkout, files), canRemove && IsHard(context, checkout), isDryRun,
            ignoresOthers: context.Output.IsStock);
        context.Output.Write(FileActionsReport.Of(isDryRun, done) with { LocalRoot = checkout.LocalRoot });
        return ExitCode.Ok;
    }
}
