using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Node;

namespace EdgeSync.Cli.Commands;

/// <summary>The manual page <c>edgesync.1</c>, made from the command tree; packages install this output.</summary>
internal static class ManCommand
{
    private static readonly Option<string> Format = new Option<string>("--format")
    {
        Description = "roff, or markdown for the reference of all commands (docs/commands.md).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "roff",
    }.Among("roff", "markdown");

    public static CommandSpec Create(Output output) =>
        new("man", "Print the manual page edgesync(1), in roff.", context =>
    {
        var root = CommandLine.Build(output, []);
        context.Output.Write(context.Get(Format) == "markdown"
            ? new ManReport("commands.md", ReferencePage.Of(root))
            : new ManReport("edgesync.1", PageOf(root)));
        return ExitCode.Ok;
    })
        {
            Options = { Format },
            Examples = ["man > edgesync.1", "man | man -l -", "man --format markdown > docs/commands.md"],
        };

    private static string PageOf(Command root)
    {
        var page = new StringBuilder();
        page.Append(".TH EDGESYNC 1 \"\" \"edgesync ").Append(BuildInfo.Version).Append("\" \"User Commands\"\n");
        page.Append(".SH NAME\nedgesync \\- keep Fossil repositories in sync\n");
        page.Append(".SH SYNOPSIS\n.B edgesync\n.I COMMAND\n[OPTIONS]\n");
        page.Append(".SH DESCRIPTION\n").Append(Escaped(HelpPage.Summary(root))).Append('\n');
        page.Append("An unambiguous prefix of a command's name stands for it.\n");
        var global = new HelpPage(root);
        page.Append(".SH OPTIONS\n");
        foreach (var (_, options) in global.Groups) AppendOptions(page, options);
        page.Append(".SH COMMANDS\n");
        foreach (var child in global.Commands) AppendCommand(page, child);
        page.Append(".SH EXIT STATUS\n.nf\n").Append(Escaped(ExitCodes.Help)).Append("\n.fi\n");
        page.Append(".SH SEE ALSO\n.BR fossil (1)\n");
        return page.ToString();
    }

    private static void AppendCommand(StringBuilder page, Command command)
    {
        var help = new HelpPage(command);
        if (help.Commands.Count == 0)
        {
            page.Append(".SS ").Append(Escaped(help.Usage)).Append('\n').Append(Escaped(HelpPage.Summary(command)))
                .Append('\n');
            if (command.Aliases.Count > 0) page.Append(".br\nOther names: ")
                .Append(Escaped(string.Join(", ", command.Aliases.Order(StringComparer.Ordinal)))).Append('\n');
            foreach (var argument in help.Arguments) AppendTerm(page, argument.HelpName
                ?? argument.Name, argument.Description ?? "");
            AppendOptions(page, [.. help.Groups.SelectMany(g => g.Options).Where(o => !o.Recursive)]);
            if (help.Notes is { } notes) page.Append(".PP\n").Append(Escaped(notes)).Append('\n');
            page.Append(".PP\nExamples:\n.nf\n").Append(Escaped(string.Join('\n', help.Examples))).Append("\n.fi\n");
        }

        foreach (var child in help.Commands) AppendCommand(page, child);
    }

    private static void AppendOptions(StringBuilder page, IReadOnlyList<Option> options)
    {
        foreach (var option in options) AppendTerm(page, HelpPage.NamesOf(option), HelpPage.DescriptionOf(option));
    }

    private static void AppendTerm(StringBuilder page, string term, string text) =>
        page.Append(".TP\n.B ").Append(Escaped(term)).Append('\n').Append(Escaped(text)).Append('\n');

    // A dash is a minus sign in roff unless it is escaped, and a line must not begin with a dot.
    private static string Escaped(string text) => string.Join(
        '\n', text.Replace("\\", "\\e", StringComparison.Ordinal)
            .Replace("-", "\\-", StringComparison.Ordinal).Split('\n')
            .Select(line => line is ['.' or '\'', ..] ? "\\&" + line : line));
}

internal sealed record ManReport(string File, string Page) : IReport
{
    public void Print(TextWriter output) => output.Write(Page);
}
