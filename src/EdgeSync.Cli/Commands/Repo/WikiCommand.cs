using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class WikiCommand
{
    private static readonly Argument<string> Page = new("PAGE") { Description = "Name of the page." };
    private static readonly Option<string?> To = new("--output", "-o") { Description = "File to write; otherwise stdout.", HelpName = "FILE" };

    public static Verb Create() => new("wiki", "Wiki pages.")
    {
        new Verb("ls", "List pages.", RunList) { Examples = ["repo wiki ls"] },
        new Verb("export", "Print or write the text of a page.", RunExport)
        {
            Arguments = { Page }, Options = { To }, Examples = ["repo wiki export Home -o home.md"],
        },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var pages = WikiPages.List(repository).Where(p => !p.IsDeleted).Select(p => new WikiEntry(p.Name, p.Id.ToString(), p.Date.ToString()));
        context.Output.Write(new WikiReport([.. pages]), CliJson.Default.WikiReport);
        return ExitCode.Ok;
    }

    private static ExitCode RunExport(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var page = WikiPages.Get(repository, context.Require(Page));
        using var content = repository.Content.Get(page.Rid);
        if (!ArtifactParser.TryParse(content.Memory, out var artifact, out var fault))
            throw new EdgeSyncException(ErrorKind.Corrupt, $"wiki page '{page.Name}' ({page.Id.ToShortString()}) cannot be read: {fault}", "edgesync repo verify");

        var file = context.Get(To);
        if (context.Output.IsJson)
        {
            if (file is not null) InputFile.WriteAll(file, artifact.Body, context.Output);
            var text = Encoding.UTF8.GetString(artifact.Body);
            context.Output.Write(new WikiPageReport(page.Name, page.Id.ToString(), page.Date.ToString(), text), CliJson.Default.WikiPageReport);
            return ExitCode.Ok;
        }

        InputFile.WriteAll(file, artifact.Body, context.Output);
        return ExitCode.Ok;
    }
}

internal sealed record WikiEntry(string Page, string Hash, string Date);

internal sealed record WikiReport(IReadOnlyList<WikiEntry> Pages) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Pages.Count == 0 ? 0 : Pages.Max(p => p.Page.Length);
        foreach (var page in Pages) output.WriteLine($"{page.Page.PadRight(width)}  {page.Hash[..10]}");
    }
}

internal sealed record WikiPageReport(string Page, string Hash, string Date, string Text) : IReport
{
    public void Print(TextWriter output) => output.Write(Text);
}
