using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class ExtrasCommand
{
    private static readonly Option<bool> Header = new("--header") { Description = "Name the project above the list." };

    public static CommandSpec Create() => new("extras", "List files that are not tracked.", Run)
    {
        Arguments = { FileOptions.Paths },
        Options = { FileOptions.Absolute, FileOptions.Relative, FileOptions.DotFiles, FileOptions.Ignore, Header },
        Examples = ["extras", "extras --dotfiles src"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var checkout = context.OpenCheckout();
        var names = CheckoutChanges.Extras(
            checkout, checkout.Tables.Files(checkout.Version),
            context.NamesOf(checkout, context.Get(FileOptions.Paths)), FileOptions.Filter(context));
        var folder = FileOptions.CurrentFolder(context, checkout);
        context.Output.Write(new ExtrasReport(checkout.LocalRoot, names)
        {
            Header = context.Get(Header) ? checkout.Repository.Settings["project-name"] ?? "<unnamed>" : null,
            Show = name => checkout.Display(name, folder),
        });
        return ExitCode.Ok;
    }
}

internal sealed record ExtrasReport(string LocalRoot, IReadOnlyList<string> Files) : IReport
{
    internal string? Header { get; init; }

    internal Func<string, string> Show { get; init; } = name => name;

    public void Print(TextWriter output)
    {
        if (Header is { } project && Files.Count > 0) output.WriteLine($"Extras for {project} at {LocalRoot}:");
        foreach (var name in Files) output.WriteLine(DisplayText.Name(Show(name)));
    }
}
