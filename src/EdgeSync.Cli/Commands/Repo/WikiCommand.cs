using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Repo;

internal static class WikiCommand
{
    private static readonly Argument<string> Page = new("PAGE") { Description = "Name of the page." };
    private static readonly Argument<string> File =
        new("FILE") { Description = "Text of the page; - is standard input." };
    private static readonly Option<string?> Mimetype = new(
        "--mimetype", "-M")
    {
        Description = "text/x-markdown, text/x-fossil-wiki or text/plain; (default: as before).",
        HelpName = "TYPE"
    };
    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    public static CommandSpec Create() => new("wiki", "List, print and write wiki pages.")
    {
        new CommandSpec("ls", "List pages.", RunList) { Examples = ["repo wiki ls"] }.Also("list"),
        new CommandSpec("export", "Print or write the text of a page.", RunExport)
        {
            Arguments = { Page }, Options = { To }, Examples = ["repo wiki export Home -o home.md"],
        },
        new CommandSpec("create", "Write a new page.", context => RunPut(context, isNew: true))
        {
            Arguments = { Page, File }, Options = { Mimetype, AuthorOptions.User },
            Examples = ["repo wiki create Home home.md --mimetype text/x-markdown"],
        },
        new CommandSpec(
            "commit", "Write a new version of a page; an empty one deletes it.",
            context => RunPut(context, isNew: false))
        {
            Arguments = { Page, File }, Options = { Mimetype, AuthorOptions.User },
            Examples = ["repo wiki commit Home home.md"],
        },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var pages = new WikiPages(repository).List()
            .Select(p => new WikiLine(p.Title, p.Id.ToString(), p.Date.ToString(), p.Size));
        context.Output.Write(new WikiReport([.. pages]));
        return ExitCode.Ok;
    }

    private static ExitCode RunExport(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var name = context.Require(Page);
        var page = new WikiPages(repository).Find(name) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no wiki page '{name}'", "edgesync repo wiki ls");
        var file = context.Get(To);
        if (!context.Output.IsJson || file is not null) InputFile.WriteAll(file, page.Body, context.Output);
        if (context.Output.IsJson)
        {
            var report = new WikiPageReport(
                page.Title, page.Id.ToString(), page.Date.ToString(), page.User, page.Mimetype,
                Encoding.UTF8.GetString(page.Body));
            context.Output.Write(report);
        }

        return ExitCode.Ok;
    }

    private static ExitCode RunPut(CommandContext context, bool isNew)
    {
        var name = context.Require(Page);
        var body = InputFile.ReadAll(context.Require(File));
        using var repository = context.OpenToWrite();
        var type = context.Get(Mimetype);
        if (!isNew && new WikiPages(repository).Find(name) is { } before && before.Body.AsSpan().SequenceEqual(body)
            && (type is null || type == before.Mimetype))
        {
            context.Output.Write(new WikiPutReport("already_committed", name, before.Id.ToString()));
            return ExitCode.Ok;
        }

        var made = new WikiPages(repository).Put(new WikiOptions
        {
            Title = name,
            User = context.UserName,
            Body = body,
            Mimetype = type,
            MustBeNew = isNew,
        });
        context.Output.Write(new WikiPutReport(isNew ? "created" : "committed", name, made.Id.ToString()));
        return ExitCode.Ok;
    }
}

internal sealed record WikiLine(string Page, string Hash, string Date, long Bytes);

internal sealed record WikiReport(IReadOnlyList<WikiLine> Pages) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Pages.Count == 0 ? 0 : Pages.Max(p => p.Page.Length);
        foreach (var page in Pages)
            output.WriteLine($"{DisplayText.Name(page.Page).PadRight(width)}  {page.Hash[..10]}");
    }
}

internal sealed record WikiPageReport(
    string Page, string Hash, string Date, string User, string? Mimetype, string Text) : IReport
{
    public void Print(TextWriter output) => output.Write(Text);
}

/// <param name="Status"><c>created</c>, <c>committed</c> or <c>already_committed</c>.</param>
internal sealed record WikiPutReport(string Status, string Page, string Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Status == "already_committed"
        ? $"{Page} has this text already {Hash[..10]}" : $"{Status} {Page} {Hash[..10]}");
}
