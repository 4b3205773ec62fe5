using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class RevertCommand
{
    private static readonly Option<string?> Version = new("--revision", "-r")
    {
        Description = "Check-in to take named files from (default: the one that is checked out).",
        HelpName = "VERSION",
    };

    public static CommandSpec Create() => new("revert", "Bring files back to what the check-in has.", Run)
    {
        Arguments = { FileOptions.Paths },
        Options = { Version },
        Notes = "'edgesync undo' takes it back: no edit is lost.",
        Examples = ["revert", "revert src/main.c", "revert -r v1.0 README.md"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var version = context.Get(Version) is { } name ? checkout.Repository.Names.ResolveCheckin(name)
            : RecordId.None;
        var done = CheckoutRevert.Run(
            checkout, context.NamesOf(checkout, context.Get(FileOptions.Paths)), version,
            CheckoutContext.CommandLineText);
        context.Output.Write(FileActionsReport.Of(isDryRun: false, done) with
        {
            Width = 8,
            Summary = done.Any(f => f.Action != "UNMANAGE") ? [UndoCommand.Notice(context)] : [],
        });
        return ExitCode.Ok;
    }
}
