using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary><c>notify threads</c>, <c>log</c>, <c>media</c> and <c>trace</c>.</summary>
internal static class ReadingCommands
{
    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Threads at most.", 50, min: 1, max: 100_000);

    private static readonly Option<bool> ByPriority = new("--inbox")
    {
        Description = "Urgent ones first (default: the newest first)."
    };

    private static readonly Option<bool> Keep = new("--keep-unread") { Description = "Do not mark them as read." };

    private static readonly Argument<string> ThreadArgument = new("THREAD")
    {
        Description = "A thread, by the first digits of its id."
    };

    private static readonly Argument<string> Message = new("MESSAGE")
    {
        Description = "A message id, or its beginning."
    };

    private static readonly Argument<string?> FileArgument = new("NAME")
    {
        Description = "One of its files; not needed if it has one.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    public static CommandSpec Threads() => new("threads", "List threads, with what is unread.", RunThreads)
    {
        Options = { NotifyOptions.Project, ByPriority, Limit },
        IsPaged = true,
        Examples = ["notify threads --project ship7", "notify threads --inbox --json"],
    };

    public static CommandSpec Log() => new("log", "Print the messages of a thread, and mark them as read.", RunLog)
    {
        Arguments = { ThreadArgument },
        Options = { NotifyOptions.Project, Keep },
        IsPaged = true,
        Examples = ["notify log a1b2c3d4", "notify log a1b2c3d4 --project ship7 --json"],
    };

    public static CommandSpec Media() => new("media", "Print or write a file that goes with a message.", RunMedia)
    {
        Arguments = { Message, FileArgument },
        Options = { To },
        Examples = ["notify media msg-0123456789 -o df.txt"],
    };

    public static CommandSpec Trace() => new("trace", "Show how far a message has come.", RunTrace)
    {
        Arguments = { Message },
        Notes = "Acknowledgements arrive while a node with --notify runs here and there, connected by NATS.",
        Examples = ["notify trace msg-0123456789"],
    };

    private static ExitCode RunThreads(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        context.Output.Write(new NotifyThreadsReport(
            notify.Threads(context.Get(NotifyOptions.Project), context.Get(ByPriority), context.Get(Limit))));
        return ExitCode.Ok;
    }

    private static ExitCode RunLog(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var messages = notify.Log(
            notify.FindThread(context.Get(NotifyOptions.Project), context.Require(ThreadArgument)));
        context.Output.Write(new NotifyLogReport(messages));
        if (!context.Get(Keep) && notify.Queries.MarkRead(messages.Where(m => !m.IsRead).Select(m => m.Id)) > 0)
            NotifyOptions.Announce(repository);
        return ExitCode.Ok;
    }

    private static ExitCode RunMedia(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var message = notify.Read(notify.FindMessage(context.Require(Message)));
        var names = message?.Media ?? [];
        var name = context.Get(FileArgument) ?? (names is [var only] ? only : null);
        if (name is null || !names.Contains(name))
            throw new EdgeSyncException(
                names.Count > 1 && name is null ? ErrorKind.Ambiguous : ErrorKind.NotFound,
                names.Count == 0 ? $"{context.Require(Message)} has no files"
                : name is null ? $"{context.Require(Message)} has {names.Count} files"
                : $"{context.Require(Message)} has no file '{name}'",
                "edgesync notify media MESSAGE NAME")
            {
                Candidates = [.. names],
            };

        var content = notify.ReadMedia(message!.Project, name);
        var file = context.Get(To);
        if (file is not null || !context.Output.IsJson) InputFile.WriteAll(file, content, context.Output);
        if (file is not null || context.Output.IsJson)
            context.Output.Write(new NotifyMediaReport(
                name, content.Length, file, file is null ? Convert.ToBase64String(content) : null));
        return ExitCode.Ok;
    }

    private static ExitCode RunTrace(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var indexed = notify.FindMessage(context.Require(Message));
        var item = notify.Read(indexed)
            ?? throw new EdgeSyncException(ErrorKind.Unavailable, $"the content of {indexed.Id} is not here");
        context.Output.Write(new NotifyTraceReport(item, NotifyTrace.Of(notify, indexed)));
        return ExitCode.Ok;
    }
}

internal sealed record NotifyThreadsReport(IReadOnlyList<NotifyThreadItem> Threads) : IReport
{
    private const int LastCharsMax = 60;

    public void Print(TextWriter output)
    {
        if (Threads.Count == 0) output.WriteLine("no threads");
        foreach (var thread in Threads)
        {
            var last = DisplayText.OneLine(thread.LastMessage);
            output.WriteLine(
                $"{thread.ThreadShort}  {thread.LastActivity}  msgs:{thread.MessageCount}  "
                + $"priority:{thread.Priority}  last:{(last.Length > LastCharsMax ? last[..LastCharsMax] : last)}"
                + (thread.Unread > 0 ? $"  unread:{thread.Unread}" : ""));
        }
    }
}

internal sealed record NotifyLogReport(IReadOnlyList<NotifyItem> Messages) : IReport
{
    public void Print(TextWriter output)
    {
        if (Messages.Count == 0) output.WriteLine("no messages");
        foreach (var message in Messages) output.WriteLine(DisplayText.OneLine(message.Line));
    }
}

/// <param name="File">Where it was written; null: to stdout.</param>
internal sealed record NotifyMediaReport(string Name, long Size, string? File, string? Base64) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"wrote {DisplayText.Name(File!)} ({DisplayText.Bytes(Size)})");
}

internal sealed record NotifyTraceReport(NotifyItem Message, IReadOnlyList<NotifyStep> Steps) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"Message: {Message.Id}");
        output.WriteLine($"Thread:  {Message.Thread}");
        output.WriteLine($"Project: {DisplayText.Name(Message.Project)}");
        output.WriteLine();
        foreach (var step in Steps)
        {
            var time = step.At ?? (step.IsDone ? "" : "(not yet)");
            output.WriteLine($"  {(step.IsDone ? '✓' : '✗')} {DisplayText.Name(step.Name),-32} {time}".TrimEnd());
        }
    }
}
