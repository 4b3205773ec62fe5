using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class RenameCommand
{
    private static readonly Argument<string[]> Names = new("NAMES")
    {
        Description = "A file or folder and its new name, or several and a folder to move into.",
        HelpName = "OLD... NEW",
        Arity = ArgumentArity.OneOrMore,
    };

    public static CommandSpec Create() =>
        new("mv", "Rename files: the next commit holds the new names.", c => Run(c, canMove: true))
        {
            Arguments = { Names },
            Options = { RemoveCommand.Hard, RemoveCommand.Soft, FileOptions.DryRun },
            Examples = ["mv --hard util.c src/util.c", "mv --hard a.c b.c src"],
        };

    public static CommandSpec CreateRename() =>
        new("rename", "Note other names of files, which are not moved.", c => Run(c, canMove: false))
        {
            Arguments = { Names },
            Options = { FileOptions.DryRun },
            Examples = ["rename util.c src/util.c"],
        };

    private static ExitCode Run(CommandContext context, bool canMove)
    {
        var words = context.Require(Names);
        if (words.Length < 2)
            throw new EdgeSyncException(ErrorKind.Usage, "the new name is missing", "edgesync mv --help");

        using var checkout = context.OpenCheckout();
        var names = context.NamesOf(checkout, words);
        var isDryRun = context.Get(FileOptions.DryRun);
        var done = CheckoutEditing.Rename(
            checkout, names[..^1], names[^1], canMove && RemoveCommand.IsHard(context, checkout), isDryRun);
        context.Output.Write(FileActionsReport.Of(isDryRun, done) with { LocalRoot = checkout.LocalRoot });
        return ExitCode.Ok;
    }
}
