using System.CommandLine;
using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>wiki</c>, which writes technotes too.</summary>
// Spec: wiki_cmd in wiki.c.
internal static class StockWikiCommand
{
    private static readonly Argument<string?> Page = new("PAGENAME") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> NewPage = new("PAGENAME");
    private static readonly Argument<string?> File = new("FILE") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Technote = new("--technote", "-t")
    {
        HelpName = "DATETIME|TECHNOTE-ID|TAG"
    };

    private static readonly Option<bool> IsTechnote = new("--technote", "-t");
    private static readonly Option<string?> Mimetype = new Option<string?>("--mimetype", "-M")
    {
        HelpName = "TEXT-FORMAT"
    }.TakesEmpty();

    private static readonly Option<string?> TagsOf = new Option<string?>("--technote-tags")
    {
        HelpName = "TAGS"
    }.TakesEmpty();

    private static readonly Option<string?> Color = new Option<string?>("--technote-bgcolor")
    {
        HelpName = "COLOR"
    }.TakesEmpty();

    private static readonly Option<bool> All = new("--all");
    private static readonly Option<bool> Associated = new("--show-associated", "-a");
    private static readonly Option<bool> ShowsIds = new("--show-technote-ids", "-s");

    public static CommandSpec Create() => new("wiki", "List, print and write wiki pages and technotes.")
    {
        new CommandSpec("export", "Print a page or technote.", Export)
        {
            Arguments = { Page, File },
            Options = { Technote },
        },
        new CommandSpec("create", "Write a new page or technote.", context => Put(context, isNew: true))
        {
            Arguments = { NewPage, File },
            Options = { Mimetype, Technote, TagsOf, Color, AuthorOptions.User },
        },
        new CommandSpec("commit", "Write a new version of a page or technote.", context => Put(context, isNew: false))
        {
            Arguments = { NewPage, File },
            Options = { Mimetype, Technote, TagsOf, Color, AuthorOptions.User },
        },
        new CommandSpec("list", "List pages or technotes.", List)
        {
            Options = { All, IsTechnote, Associated, ShowsIds },
        }.Also("ls"),
    };

    private static ExitCode Export(CommandContext context)
    {
        using var repository = context.OpenToRead();
        byte[] body;
        string? file;
        if (context.Get(Technote) is { } note)
        {
            file = context.Get(Page);
            body = Locate(repository, note)?.Body
                ?? throw new EdgeSyncException(ErrorKind.NotFound, $"technote [{note}] not found");
        }
        else
        {
            var page = context.Get(Page) ?? throw new EdgeSyncException(
                ErrorKind.Usage, "Usage: fossil wiki export ?-html? PAGENAME ?FILE?");
            file = context.Get(File);
            body = (IsSandbox(page) ? SandboxOf(repository) : new WikiPages(repository).Find(page)?.Body)
                ?? throw new EdgeSyncException(ErrorKind.NotFound, $"wiki page [{page}] not found");
        }

        var end = body.Length;
        while (end > 0 && body[end - 1] is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r')) end--;
        if (file is not (null or "-") && Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder)
            Directory.CreateDirectory(folder);
        InputFile.WriteAll(file, [.. body[..end], (byte)'\n'], context.Output);
        return ExitCode.Ok;
    }

    private static ExitCode Put(CommandContext context, bool isNew)
    {
        var page = context.Require(NewPage);
        var body = InputFile.ReadAll(context.Get(File) ?? "-");
        using var repository = context.OpenToWrite();
        if (context.Get(Technote) is { } note) PutNote(context, repository, note, page, body, isNew);
        else if (IsSandbox(page)) PutSandbox(context, repository, body);
        else PutPage(context, repository, page, body, isNew);
        return ExitCode.Ok;
    }

    private static void PutPage(CommandContext context, Repository repository, string page, byte[] body, bool isNew)
    {
        var pages = new WikiPages(repository);
        var before = pages.Find(page);
        if (isNew && before is not null)
            throw new EdgeSyncException(ErrorKind.Conflict, $"wiki page {page} already exists");
        if (!isNew && before is null) throw new EdgeSyncException(ErrorKind.NotFound, $"no such wiki page: {page}");

        pages.Put(new WikiOptions
        {
            Title = page,
            User = context.UserName,
            Body = body,
            Mimetype = TypeOf(context),
            MustBeNew = isNew,
        });
        context.Output.Text.Write($"{(isNew ? "Created new" : "Updated")} wiki page {page}.\n");
    }

    private static void PutNote(
        CommandContext context, Repository repository, string note, string comment, byte[] body, bool isNew)
    {
        var notes = new Technotes(repository);
        var before = Locate(repository, note);
        if (!isNew && before is null) throw new EdgeSyncException(ErrorKind.NotFound, $"no such tech note: {note}");

        var about = notes.MomentOf(note);
        notes.Put(new TechnoteOptions
        {
            User = context.UserName,
            About = about,
            Comment = comment.Trim(),
            Body = body,
            TechnoteId = isNew ? null : before!.TechnoteId,
            Mimetype = TypeOf(context) ?? before?.Mimetype,
            Color = context.Get(Color),
            Tags = context.Get(TagsOf)?.Split(
                [',', ' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries) ?? [],
        });
        context.Output.Text.Write(
            $"{(isNew ? "Created new" : "Updated")} tech note {DisplayText.Second(about.ToString())}.\n");
    }

    private static Technote? Locate(Repository repository, string note)
    {
        try
        {
            return new Technotes(repository).Locate(note);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Ambiguous)
        {
            throw new EdgeSyncException(ErrorKind.Ambiguous, $"ambiguous tech note id: {note}");
        }
    }

    private static ExitCode List(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var output = context.Output.Text;
        var showsIds = context.Get(ShowsIds);
        if (context.Get(IsTechnote))
        {
            foreach (var note in new Technotes(repository).List())
                output.Write($"{(showsIds ? note.TechnoteId + " " : "")}{DisplayText.Second(note.About.ToString())}\n");
            return ExitCode.Ok;
        }

        foreach (var page in new WikiPages(repository).List(includesDeleted: context.Get(All)))
        {
            var isAssociated = page.Title.StartsWith("checkin/", StringComparison.Ordinal)
                || page.Title.StartsWith("branch/", StringComparison.Ordinal);
            if (!isAssociated || context.Get(Associated)) output.Write(page.Title + "\n");
        }

        return ExitCode.Ok;
    }

    private static bool IsSandbox(string page) =>
        page.Equals("sandbox", StringComparison.OrdinalIgnoreCase)
        || page.Equals("sand box", StringComparison.OrdinalIgnoreCase);

    private static byte[]? SandboxOf(Repository repository) =>
        repository.Settings["sandbox"] is { } text ? Encoding.UTF8.GetBytes(text) : null;

    private static void PutSandbox(CommandContext context, Repository repository, byte[] body)
    {
        using var transaction = repository.Begin();
        repository.Settings.Set("sandbox", Encoding.UTF8.GetString(body));
        repository.Settings.Set(
            "sandbox-mimetype",
            TypeOf(context) ?? repository.Settings["sandbox-mimetype"] ?? "text/x-fossil-wiki");
        transaction.Commit();
        context.Output.Text.Write("Updated sandbox pseudo-page.\n");
    }

    // Spec: wiki_filter_mimetypes in wiki.c.
    private static string? TypeOf(CommandContext context) => context.Get(Mimetype) switch
    {
        null or "" => null,
        "markdown" or "text/x-markdown" => "text/x-markdown",
        "plain" or "text/plain" => "text/plain",
        _ => "text/x-fossil-wiki",
    };
}
