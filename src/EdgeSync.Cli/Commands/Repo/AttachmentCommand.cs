using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Files attached to wiki pages, tickets and technotes.</summary>
internal static class AttachmentCommand
{
    private static readonly Argument<string> Owner = new("PAGE-OR-ID")
    {
        Description = "Name of a wiki page, or id of a ticket or technote."
    };

    private static readonly Argument<string> File = new("FILE") { Description = "File to attach." };
    private static readonly Argument<string> Name = new("ATTACHED") { Description = "Name of the attached file." };
    private static readonly Option<string?> Comment = new("--comment", "-m")
    {
        Description = "A comment on the file.",
        HelpName = "TEXT"
    };

    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    public static CommandSpec Create() => new("attachment", "List, read, attach and remove files of pages and tickets.")
    {
        new CommandSpec("ls", "List what is attached.", RunList)
        {
            Arguments = { Owner },
            Examples = ["repo attachment ls Home"],
        }.Also("list"),
        new CommandSpec("add", "Attach a file.", RunAdd)
        {
            Arguments = { Owner, File },
            Options = { Comment, AuthorOptions.User },
            Examples = ["repo attachment add Home picture.png -m 'the new front page'"],
        },
        new CommandSpec("get", "Print or write an attached file.", RunGet)
        {
            Arguments = { Owner, Name },
            Options = { To },
            Examples = ["repo attachment get Home picture.png -o picture.png"],
        },
        new CommandSpec("rm", "Remove an attached file; its content stays in the history.", RunRemove)
        {
            Arguments = { Owner, Name },
            Options = { AuthorOptions.User },
            Examples = ["repo attachment rm Home picture.png"],
        }.Also("delete", "remove"),
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var target = Resolve(repository, context.Require(Owner));
        var files = new Attachments(repository).List(target).Select(a => new AttachmentLine(
            a.Name, a.Content.ToString(), a.Date.ToString(), a.User, a.Comment.Length > 0 ? a.Comment : null));
        context.Output.Write(new AttachmentListReport(target, [.. files]));
        return ExitCode.Ok;
    }

    private static ExitCode RunAdd(CommandContext context)
    {
        var file = context.Require(File);
        var content = InputFile.ReadAll(file);
        using var repository = context.OpenToWrite();
        var target = Resolve(repository, context.Require(Owner));
        var (attachments, name, comment) = (new Attachments(repository), Path.GetFileName(file), context.Get(Comment));
        if (attachments.List(target).FirstOrDefault(a => a.Name == name) is { } there
            && (comment ?? there.Comment) == there.Comment && HasContent(repository, there, content))
        {
            context.Output.Write(new AttachmentReport("already_attached", target, name, there.Content.ToString()));
            return ExitCode.Ok;
        }

        var made = attachments.Add(context.UserName, target, file, content, comment);
        context.Output.Write(new AttachmentReport("attached", target, Path.GetFileName(file), made.Id.ToString()));
        return ExitCode.Ok;
    }

    private static bool HasContent(Repository repository, AttachmentEntry entry, ReadOnlySpan<byte> content)
    {
        using var there = repository.Content.Get(entry.Content);
        return there.Span.SequenceEqual(content);
    }

    private static ExitCode RunGet(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var target = Resolve(repository, context.Require(Owner));
        var name = context.Require(Name);
        var entry = new Attachments(repository).List(target).FirstOrDefault(a => a.Name == name)
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"no file {name} is attached to {target}",
                "edgesync repo attachment ls PAGE-OR-ID");
        using var content = repository.Content.Get(entry.Content);
        var file = context.Get(To);
        if (!context.Output.IsJson || file is not null) InputFile.WriteAll(file, content.Span, context.Output);
        if (context.Output.IsJson)
            context.Output.Write(new AttachmentReport("read", target, name, entry.Content.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunRemove(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var target = Resolve(repository, context.Require(Owner));
        var name = context.Require(Name);
        var made = new Attachments(repository).Remove(context.UserName, target, name);
        context.Output.Write(new AttachmentReport("removed", target, name, made.Id.ToString()));
        return ExitCode.Ok;
    }

    // A page of that name, else a ticket or technote whose id begins so.
    private static string Resolve(Repository repository, string name) =>
        new WikiPages(repository).Find(name) is not null
            ? name
            : new Tickets(repository).Find(name) ?? new Technotes(repository).Find(name)?.TechnoteId ?? name;
}

internal sealed record AttachmentLine(string Name, string Hash, string Date, string User, string? Comment);

internal sealed record AttachmentListReport(string Target, IReadOnlyList<AttachmentLine> Files) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Files.Count == 0 ? 0 : Files.Max(f => f.Name.Length);
        foreach (var file in Files)
        {
            output.WriteLine(
                $"{DisplayText.Name(file.Name).PadRight(width)}  {file.Hash[..10]}  {DisplayText.Minute(file.Date)}  "
                    + DisplayText.OneLine($"{file.User}  {file.Comment}").TrimEnd());
        }
    }
}

/// <param name="Status"><c>attached</c>, <c>already_attached</c>, <c>removed</c> or <c>read</c>.</param>
/// <param name="Hash">Of the artifact that attaches or removes; otherwise of the content.</param>
internal sealed record AttachmentReport(string Status, string Target, string Name, string Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        Status == "already_attached" ? $"{DisplayText.Name(Name)} is attached with this content already"
            : $"{Status} {DisplayText.Name(Name)} {Hash[..10]}");
}
