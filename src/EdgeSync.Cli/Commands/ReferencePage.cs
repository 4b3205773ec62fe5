using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.Stock;

namespace EdgeSync.Cli.Commands;

/// <summary>The reference of all commands, docs/commands.md, made from the tree that runs.</summary>
internal static class ReferencePage
{
    private const int Width = 100;

    /// <param name="root">The whole tree.</param>
    public static string Of(Command root)
    {
        var page = new StringBuilder();
        page.Append("# Commands\n\n");
        Paragraph(page, "The command `man --format markdown` makes this page, and a test compares both. What scripts "
            + "may rely on is in [cli.md](cli.md); `help COMMAND` prints the page of a command.");
        Options(page, "Options of every command", new HelpPage(root).Groups.SelectMany(g => g.Options));
        foreach (var command in root.Subcommands.Where(c => !c.Hidden)) Append(page, command, isNested: false);
        AppendStock(page);
        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static void Append(StringBuilder page, Command command, bool isNested)
    {
        var help = new HelpPage(command);
        if (help.Commands.Count > 0)
        {
            if (!isNested) page.Append("## ").Append(help.Path).Append("\n\n");
            if (!isNested) Paragraph(page, HelpPage.Summary(command));
            foreach (var child in help.Commands.Where(c => !StandsAtTheTop(command, c)))
                Append(page, child, isNested: true);
            return;
        }

        page.Append(isNested ? "### " : "## ").Append(help.Path).Append("\n\n");
        Paragraph(page, HelpPage.Summary(command));
        page.Append("```\n").Append(help.Usage).Append("\n```\n\n");
        if (command.Aliases.Count > 0)
            Paragraph(page, $"Other names: {string.Join(", ", command.Aliases.Order(StringComparer.Ordinal))}.");
        foreach (var argument in help.Arguments)
            Item(page, argument.HelpName ?? argument.Name, argument.Description ?? "");
        if (help.Arguments.Count > 0) page.Append('\n');
        foreach (var (heading, options) in help.Groups)
        {
            List<Option> own = [.. options.Where(o => !o.Recursive)];
            if (own.Count > 0) Options(page, heading == "Options" ? null : heading, own);
        }

        if (help.Notes is { } notes) Paragraph(page, notes.ReplaceLineEndings(" "));
        page.Append("```\n").Append(string.Join('\n', help.Examples)).Append("\n```\n\n");
    }

    // The commands on checkouts have one page each, although they stand under 'repo' too.
    private static bool StandsAtTheTop(Command parent, Command child) => parent.Name == "repo"
        && child.Name != "status" && CheckoutCommands.OfRepository.Any(c => c.Name == child.Name);

    private static void AppendStock(StringBuilder page)
    {
        page.Append("## Called fossil\n\n");
        Paragraph(page, "Through a link of that name the program takes the command lines of stock Fossil: "
            + string.Join(", ", StockVerbs.Names.Select(n => $"`{n}`")) + ".");
        Paragraph(page, "Not implemented; each prints one line: "
            + string.Join(", ", StockVerbs.MissingNames.Select(n => $"`{n}`")) + ".");
    }

    private static void Options(StringBuilder page, string? heading, IEnumerable<Option> options)
    {
        if (heading is not null) page.Append(heading).Append(":\n\n");
        foreach (var option in options) Item(page, HelpPage.NamesOf(option), HelpPage.DescriptionOf(option));
        page.Append('\n');
    }

    private static void Item(StringBuilder page, string term, string text) =>
        Wrapped(page, $"- `{term}`: {text}", "  ");

    private static void Paragraph(StringBuilder page, string text)
    {
        Wrapped(page, text, "");
        page.Append('\n');
    }

    private static void Wrapped(StringBuilder page, string text, string indent)
    {
        var column = 0;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (column > 0 && column + 1 + word.Length > Width)
            {
                page.Append('\n').Append(indent);
                column = indent.Length;
            }
            else if (column > 0)
            {
                page.Append(' ');
                column++;
            }

            page.Append(word);
            column += word.Length;
        }

        page.Append('\n');
    }
}
