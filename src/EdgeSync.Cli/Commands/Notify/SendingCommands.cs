using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary><c>notify send</c>, <c>ask</c>, <c>reply</c> and <c>act</c>.</summary>
internal static class SendingCommands
{
    private static readonly Option<string> InfoPriority = NotifyOptions.Priority("info");
    private static readonly Option<string> AskPriority = NotifyOptions.Priority("action_required");

    private static readonly Option<TimeSpan> Timeout = Choices.Duration(
        "--timeout", "Give up after this time; 0 waits for as long as it takes.", TimeSpan.Zero);

    private static readonly Argument<string> Action = new("ACTION") { Description = "Id or label of an action." };

    private static readonly TimeSpan DeliveryMax = TimeSpan.FromSeconds(10);

    // Spec: edgesync.md §1.1, §1.4, F-052: scripts of the original test for 2.
    private const ExitCode NoAnswer = ExitCode.Usage;

    public static CommandSpec Send() => new("send", "Send a message; prints its id.", SendAsync)
    {
        Arguments = { NotifyOptions.Body },
        Options =
        {
            NotifyOptions.Project, NotifyOptions.Thread, NotifyOptions.Actions, InfoPriority, NotifyOptions.From,
            NotifyOptions.Media, NotifyOptions.Nats,
        },
        Notes = "Without --thread it begins a thread, whose short id is printed on stderr. It is a check-in of the "
            + "repository of messages, and reaches other devices by sync: of a leaf with --notify, or of this command "
            + "with --nats. Exit code 7: no other node has answered there within 10 s; the message is kept, and goes "
            + "with the next sync.",
        Examples =
        [
            "notify send 'Backup done' --project ship7",
            "notify send 'Disk full' --priority urgent --actions 'Clean, Ignore' --media df.txt",
            "notify send 'Backup done' --nats nats://hub.example:4222",
        ],
    };

    public static CommandSpec Ask() => new("ask", "Send a question, wait for its answer, and print it.", AskAsync)
    {
        Arguments = { NotifyOptions.Body },
        Options =
        {
            NotifyOptions.Project, NotifyOptions.Thread, NotifyOptions.Actions, AskPriority, Timeout,
            NotifyOptions.From, NotifyOptions.Media, NotifyOptions.Nats,
        },
        Notes = "The answer is the message that replies to this question, not just any message of the thread. "
            + "Exit code 2: no answer within --timeout; the question stays.",
        Examples =
        [
            "notify ask 'Deploy now?' --project ship7 --actions 'Yes, No' --timeout 10m",
            "notify ask 'Which port?' --project ship7 --json",
        ],
    };

    public static CommandSpec Reply() => new("reply", "Answer a message, or the newest one of a thread.", RunReply)
    {
        Arguments = { NotifyOptions.Target, NotifyOptions.Body },
        Options = { NotifyOptions.Project, NotifyOptions.From, NotifyOptions.Media },
        Examples = ["notify reply a1b2c3d4 'also bump the version'", "notify reply msg-0123456789 yes --from ann"],
    };

    public static CommandSpec Act() => new("act", "Answer a message by one of the actions that it offers.", RunAct)
    {
        Arguments = { NotifyOptions.Target, Action },
        Options = { NotifyOptions.Project, NotifyOptions.From },
        Examples = ["notify act a1b2c3d4 retry", "notify act msg-0123456789 'Give up'"],
    };

    private static NotifySend SendOf(CommandContext context, Option<string>? priority) => new(
        NotifyOptions.BodyOf(context))
    {
        Project = priority is null ? context.Get(NotifyOptions.Project) : NotifyOptions.ProjectOf(context),
        Thread = priority is null ? null : context.Get(NotifyOptions.Thread),
        Actions = priority is null ? null : context.Get(NotifyOptions.Actions),
        Priority = priority is null ? null : context.Get(priority),
        FromName = context.Get(NotifyOptions.From),
        Media = NotifyOptions.MediaOf(context),
    };

    private static async Task<ExitCode> SendAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var repository = NotifyOptions.Open(context);
        await using var link = await NotifyOptions.JoinAsync(context, repository.Path, cancellationToken);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var sent = notify.Send(SendOf(context, InfoPriority));
        NotifyOptions.Announce(repository);
        Print(context, sent);
        if (link is null || await link.DeliverAsync(sent, DeliveryMax, cancellationToken)) return ExitCode.Ok;

        context.Output.Errors.WriteLine(
            $"no other node has answered within {Durations.Format(DeliveryMax)}: the message is kept here, and goes "
                + "with the next sync");
        return ExitCode.Unavailable;
    }

    private static ExitCode RunReply(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var sent = notify.Reply(context.Require(NotifyOptions.Target), SendOf(context, null));
        NotifyOptions.Announce(repository);
        Print(context, sent);
        return ExitCode.Ok;
    }

    private static ExitCode RunAct(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var sent = notify.Act(
            context.Require(NotifyOptions.Target), context.Require(Action), context.Get(NotifyOptions.Project),
            context.Get(NotifyOptions.From));
        NotifyOptions.Announce(repository);
        Print(context, sent);
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> AskAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var repository = NotifyOptions.Open(context);
        // Before the message is sent: no answer can come unseen.
        await using var link = await NotifyOptions.JoinAsync(context, repository.Path, cancellationToken);
        var timeout = context.Get(Timeout);
        NotifyItem? question = null;
        var answer = await NotifyAsk.RunAsync(
            repository, SendOf(context, AskPriority), timeout > TimeSpan.FromTicks(1) ? timeout : null,
            sent =>
            {
                question = sent;
                NotifyOptions.Announce(repository);
                context.Output.Errors.WriteLine($"thread:{sent.ThreadShort}");
            },
            (ack, item) => context.Output.Errors.WriteLine(WatchCommand.AckLine(ack, item)),
            context.Clock, cancellationToken);
        if (answer is not null)
        {
            NotifyOptions.Announce(repository);
            if (link is not null) await link.DeliverAsync(answer, DeliveryMax, cancellationToken);
        }

        context.Output.Write(new NotifyAskReport(
            answer is null ? "timed_out" : "answered", question!.Id, question.ThreadShort, answer));
        if (answer is not null) return ExitCode.Ok;

        context.Output.Errors.WriteLine($"no answer within {Durations.Format(timeout)}");
        return NoAnswer;
    }

    // As the original: scripts read the id from stdout.
    private static void Print(CommandContext context, NotifyItem sent)
    {
        if (!context.Output.IsJson) context.Output.Errors.WriteLine($"thread:{sent.ThreadShort}");
        context.Output.Write(new NotifySentReport("sent", sent));
    }
}

/// <param name="Status"><c>sent</c>.</param>
internal sealed record NotifySentReport(string Status, NotifyItem Message) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Message.Id);
}

/// <param name="Status"><c>answered</c> or <c>timed_out</c>.</param>
/// <param name="Question">Id of the message that was sent.</param>
internal sealed record NotifyAskReport(string Status, string Question, string Thread, NotifyItem? Answer) : IReport
{
    public void Print(TextWriter output)
    {
        if (Answer is not null) output.WriteLine(DisplayText.OneLine(Answer.Line));
    }
}
