using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class CloseCommand
{
    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Close even if there are changes or a stash."
    };

    public static CommandSpec Create() => new("close", "Close the checkout; its files stay.", Run)
    {
        Options = { Force },
        Examples = ["close", "close --force"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var checkout = context.OpenCheckoutToWrite();
        CheckoutOpening.Close(checkout, context.Get(Force));
        context.Output.Write(new CloseReport(checkout.LocalRoot));
        return ExitCode.Ok;
    }
}

internal sealed record CloseReport(string Closed) : IReport
{
    public void Print(TextWriter output)
    {
    }
}
