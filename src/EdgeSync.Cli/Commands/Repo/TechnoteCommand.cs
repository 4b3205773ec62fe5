using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Texts about a moment, shown on the timeline.</summary>
internal static class TechnoteCommand
{
    private static readonly Argument<string> Note = new("TECHNOTE")
    {
        Description = "Id or its beginning, time, or tag of a technote."
    };

    private static readonly Argument<string> Comment = new("COMMENT") { Description = "Its line on the timeline." };
    private static readonly Argument<string> File = new("FILE") { Description = "Its text; - is standard input." };
    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    private static readonly Option<string?> About = new("--date")
    {
        Description = "Time that it is about (default: now, or as before).",
        HelpName = "TIME"
    };

    private static readonly Option<string?> NewComment = new("--comment", "-m")
    {
        Description = "A new line on the timeline.",
        HelpName = "TEXT"
    };

    private static readonly Option<string?> Mimetype = new("--mimetype", "-M")
    {
        Description = "text/x-markdown, text/x-fossil-wiki or text/plain; (default: as before).",
        HelpName = "TYPE"
    };

    private static readonly Option<string?> Color = new("--bgcolor")
    {
        Description = "Background on the timeline.",
        HelpName = "COLOR"
    };

    private static readonly Option<string[]> TagNames = new("--tag") { Description = "A tag.", HelpName = "TAG" };

    public static CommandSpec Create() => new("technote", "List, print and write technotes.")
    {
        new CommandSpec("ls", "List technotes, the newest moment first.", RunList)
        {
            Examples = ["repo technote ls"],
        }.Also("list"),
        new CommandSpec("export", "Print or write the text of a technote.", RunExport)
        {
            Arguments = { Note },
            Options = { To },
            Examples = ["repo technote export 2024-01-31T12:00:00", "repo technote export 4f1d0c5a -o note.md"],
        },
        new CommandSpec("create", "Write a new technote.", RunCreate)
        {
            Arguments = { Comment, File },
            Options = { About, Mimetype, Color, TagNames, AuthorOptions.User },
            Examples = ["repo technote create 'Release 1.0' notes.md --mimetype text/x-markdown --tag release"],
        },
        new CommandSpec("commit", "Write a new version of a technote.", RunCommit)
        {
            Arguments = { Note, File },
            Options = { NewComment, About, Mimetype, Color, TagNames, AuthorOptions.User },
            Examples = ["repo technote commit 4f1d0c5a notes.md"],
        },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var notes = new Technotes(repository).List().Select(n => new TechnoteLine(
            n.TechnoteId, n.About.ToString(), n.Comment, n.User, n.Id.ToString()));
        context.Output.Write(new TechnoteListReport([.. notes]));
        return ExitCode.Ok;
    }

    private static ExitCode RunExport(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var note = Locate(repository, context.Require(Note));
        var file = context.Get(To);
        if (!context.Output.IsJson || file is not null) InputFile.WriteAll(file, note.Body, context.Output);
        if (context.Output.IsJson)
        {
            context.Output.Write(new TechnoteReport(
                note.TechnoteId, note.About.ToString(), note.Comment, note.User, note.Id.ToString(), note.Mimetype,
                Encoding.UTF8.GetString(note.Body)));
        }

        return ExitCode.Ok;
    }

    private static ExitCode RunCreate(CommandContext context) => Put(context, isNew: true);

    private static ExitCode RunCommit(CommandContext context) => Put(context, isNew: false);

    private static ExitCode Put(CommandContext context, bool isNew)
    {
        var body = InputFile.ReadAll(context.Require(File));
        using var repository = context.OpenToWrite();
        var before = isNew ? null : Locate(repository, context.Require(Note));
        if (before is not null && IsSo(context, before, body))
        {
            context.Output.Write(new TechnotePutReport(
                "already_committed", before.TechnoteId, before.About.ToString(), before.Id.ToString()));
            return ExitCode.Ok;
        }

        var made = new Technotes(repository).Put(new TechnoteOptions
        {
            User = context.UserName,
            About = DateOption.Read(context.Get(About)) ?? before?.About ?? repository.Now,
            Comment = before is null ? context.Require(Comment) : context.Get(NewComment) ?? before.Comment,
            Body = body,
            TechnoteId = before?.TechnoteId,
            Mimetype = context.Get(Mimetype),
            Color = context.Get(Color),
            Tags = context.Get(TagNames) ?? [],
        });
        var note = new Technotes(repository).Read(made.Rid);
        context.Output.Write(new TechnotePutReport(
            isNew ? "created" : "committed", note.TechnoteId, note.About.ToString(), made.Id.ToString()));
        return ExitCode.Ok;
    }

    // Tags and a colour may be others than the note has; they are written.
    private static bool IsSo(CommandContext context, Technote note, ReadOnlySpan<byte> body) =>
        note.Body.AsSpan().SequenceEqual(body)
        && (context.Get(NewComment) ?? note.Comment) == note.Comment
        && (context.Get(Mimetype) ?? note.Mimetype) == note.Mimetype
        && (DateOption.Read(context.Get(About)) ?? note.About) == note.About
        && context.Get(Color) is null && (context.Get(TagNames) ?? []).Length == 0;

    private static Technote Locate(Repository repository, string text) => new Technotes(repository).Locate(text)
        ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no technote '{text}'", "edgesync repo technote ls");
}

internal sealed record TechnoteLine(string Technote, string About, string Comment, string User, string Hash);

internal sealed record TechnoteListReport(IReadOnlyList<TechnoteLine> Technotes) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var note in Technotes)
            output.WriteLine(
                $"{DisplayText.Second(note.About)}  {note.Technote[..10]}  {DisplayText.OneLine(note.Comment)}");
    }
}

internal sealed record TechnoteReport(
    string Technote, string About, string Comment, string User, string Hash, string? Mimetype, string Text) : IReport
{
    public void Print(TextWriter output) => output.Write(Text);
}

/// <param name="Status"><c>created</c>, <c>committed</c> or <c>already_committed</c>.</param>
internal sealed record TechnotePutReport(string Status, string Technote, string About, string Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        Status == "already_committed" ? $"technote {Technote[..10]} has this text already"
            : $"{Status} technote {Technote[..10]} about {DisplayText.Second(About)}");
}
