using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Changes how a check-in is displayed. The check-in itself stays: a control artifact overrides it.</summary>
internal static class AmendCommand
{
    private static readonly Argument<string> Of = new("VERSION") { Description = "The check-in." };
    private static readonly Option<string?> Message = new("--message", "-m", "--comment")
    {
        Description = "New comment.",
        HelpName = "TEXT"
    };
    private static readonly Option<string?> MessageFile = new("--message-file", "-M")
    {
        Description = "File to read the new comment from.",
        HelpName = "FILE"
    };
    private static readonly Option<bool> Edit = new("--edit-comment", "-e")
    {
        Description = "Edit the comment; in a checkout."
    };
    private static readonly Option<string?> Author = new("--author")
    {
        Description = "New author.",
        HelpName = "LOGIN"
    };
    private static readonly Option<string?> Date = new("--date") { Description = "New time.", HelpName = "TIME" };
    private static readonly Option<string?> Color =
        new Option<string?>("--bgcolor")
        {
            Description = "Colour on the timeline; an empty one removes it.",
            HelpName = "COLOR"
        }.TakesEmpty();
    private static readonly Option<string?> BranchColor = new("--branchcolor")
    {
        Description = "Colour of this and its descendants.",
        HelpName = "COLOR"
    };
    private static readonly Option<string[]> Added =
        new("--tag") { Description = "Tag to add; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string[]> Cancelled =
        new("--cancel") { Description = "Tag to cancel; may be repeated.", HelpName = "NAME" };
    private static readonly Option<string?> BranchName = new("--branch")
    {
        Description = "Move this and its descendants to a new branch.",
        HelpName = "NAME"
    };
    private static readonly Option<bool> Close = new("--close") { Description = "Close the branch here." };
    private static readonly Option<bool> Hide = new("--hide") { Description = "Leave it out of timelines." };

    public static CommandSpec Create() =>
        new("amend", "Change how a check-in is shown: comment, author, time, colour, tags, branch.", Run)
        {
            Arguments = { Of },
            Options =
            {
                Message, MessageFile, Edit, Author, Date, Color, BranchColor, Added, Cancelled, BranchName, Close, Hide,
                AuthorOptions.User,
            },
            Notes = "The change is one control artifact, which syncs and survives a rebuild. "
                + "The check-in keeps its hash.",
            Examples =
            [
                "repo amend tip -m 'A better comment'",
                "repo amend 3f6c19d2 --tag v1.0 --bgcolor '#ffe0e0'",
                "repo amend tip --date 2024-01-31T12:00:00",
            ],
        };

    private static ExitCode Run(CommandContext context)
    {
        var name = context.Require(Of);
        if (name.Length == 0)
            throw new EdgeSyncException(ErrorKind.NotFound, "no such check-in: ", "edgesync repo timeline");

        using var repository = context.OpenToWrite();
        var target = repository.Names.ResolveCheckin(name);
        var made = new TagWriter(repository).Amend(new AmendOptions
        {
            Target = target,
            User = context.UserName,
            Comment = CommentOf(context, repository, target),
            Author = context.Get(Author),
            NewDate = DateOf(repository, context.Get(Date)),
            DateSeparator = context.Get(Date)?.Contains('T', StringComparison.Ordinal) == true ? 'T' : ' ',
            Color = context.Get(BranchColor) ?? context.Get(Color),
            ColorPropagates = context.Get(BranchColor) is not null,
            AddedTags = context.Get(Added) ?? [],
            CancelledTags = context.Get(Cancelled) ?? [],
            Branch = context.Get(BranchName),
            Closes = context.Get(Close),
            Hides = context.Get(Hide),
        });
        if (made is not null) context.RefreshManifestFiles();
        var hash = repository.Content.NameOf(target).ToString();
        context.Output.Write(new AmendReport(made is null ? "already_so" : "amended", hash, made?.Id.ToString())
        {
            Now = context.Output.IsStock ? CheckinDescription.Of(repository, target, withFamily: false) : null,
        });
        return ExitCode.Ok;
    }

    private static string? CommentOf(CommandContext context, Repository repository, RecordId target)
    {
        if (context.Get(Message) is { } text) return text;
        if (context.Get(MessageFile) is { } file) return CommentEditor.ReadFile(file);
        if (!context.Get(Edit)) return null;

        using var checkout = context.OpenCheckout();
        return CommentEditor.Ask(checkout, CheckinDescription.CommentOf(repository, target));
    }

    private static Instant? DateOf(Repository repository, string? text)
    {
        if (text is null) return null;

        return DateText.TryParse(text, repository.Now, out var date)
            ? date
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"invalid time '{text}': use YYYY-MM-DD HH:MM:SS",
                "an ISO 8601 time, such as 2024-01-31T12:00:00");
    }
}

/// <param name="Status"><c>amended</c>, or <c>already_so</c> when nothing differs.</param>
/// <param name="Control">The control artifact with the changes.</param>
internal sealed record AmendReport(string Status, string Hash, string? Control) : IReport
{
    internal CheckinDescription? Now { get; init; }

    public void Print(TextWriter output) => output.WriteLine(
        Status == "amended" ? $"amended {Hash[..10]}" : $"nothing to change in {Hash[..10]}");

    public void PrintAsStock(TextWriter output) => CheckinPrinting.Print(output, "hash:", Now!);
}
