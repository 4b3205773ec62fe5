using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>attachment</c>: it adds.</summary>
// Spec: attachment_cmd in attach.c.
internal static class StockAttachmentCommand
{
    private static readonly Argument<string[]> Words = new("?PAGENAME? FILENAME") { Arity = new ArgumentArity(1, 2) };
    private static readonly Option<string?> Technote = new("--technote", "-t") { HelpName = "DATETIME|TECHNOTE-ID" };

    public static CommandSpec Create() => new("attachment", "Attach files to wiki pages and technotes.")
    {
        new CommandSpec("add", "Attach a file.", Add)
        {
            Arguments = { Words },
            Options = { Technote, AuthorOptions.User },
        },
    };

    private static ExitCode Add(CommandContext context)
    {
        var words = context.Require(Words);
        using var repository = context.OpenToWrite();
        string target, said;
        if (context.Get(Technote) is { } note)
        {
            target = new Technotes(repository).Locate(note)?.TechnoteId
                ?? throw new EdgeSyncException(ErrorKind.NotFound, $"technote [{note}] not found");
            said = $"tech note {note}";
        }
        else
        {
            if (words.Length != 2) throw new EdgeSyncException(ErrorKind.Usage, "Usage: add PAGENAME FILENAME");

            target = words[0];
            if (new WikiPages(repository).Find(target) is null)
                throw new EdgeSyncException(ErrorKind.NotFound, $"wiki page [{target}] not found");

            said = $"wiki page {target}";
        }

        new Attachments(repository).Add(context.UserName, target, words[^1], InputFile.ReadAll(words[^1]));
        context.Output.Text.Write($"Attached {words[^1]} to {said}.\n");
        return ExitCode.Ok;
    }
}
