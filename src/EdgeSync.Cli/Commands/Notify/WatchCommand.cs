using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary><c>notify watch</c>: messages as they arrive, for people and scripts.</summary>
internal static class WatchCommand
{
    private static readonly Option<string?> Exec = new("--exec")
    {
        Description = "Run this for each message: one JSON object on its stdin, exit status 0 takes the message.",
        HelpName = "CMD"
    };

    private static readonly Option<string> Name = new("--name")
    {
        Description = "Name of this watch: its place is kept over restarts.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "watch",
    };

    private static readonly Option<bool> All = new("--all")
    {
        Description = "A new watch begins with the oldest message (default: with the next one)."
    };

    private static readonly Option<int> Attempts = Choices.Number(
        "--attempts", [], "How often CMD is run for a message that it refuses.", 5, min: 1, max: 1000);

    private static readonly Option<int> Count = Choices.Number(
        "--count", ["-n"], "End after so many messages; 0 never does.", 0);

    public static CommandSpec Create() => new("watch", "Print messages as they arrive, each once.", RunAsync)
    {
        Options =
        {
            NotifyOptions.Project, NotifyOptions.Thread, Exec, Name, All, Attempts, Count, NotifyOptions.From,
            NotifyOptions.Nats,
        },
        Notes = """
            Runs until stopped. The place of a watch is kept in the repository: after a restart it goes on with the first
            message that was not taken, so that each message is printed once. With --json each message is a line of JSON.
            CMD also has EDGESYNC_NOTIFY_ID, _THREAD and _PROJECT; another exit status than 0 refuses the message, which
            is then offered again, later each time, before the next one. Messages that this device sent under the name of
            --from are left out for CMD, so that it may answer.
            """,
        Examples =
        [
            "notify watch --project ship7", "notify watch --thread a1b2c3d4 --json",
            "notify watch --project ship7 --exec ./on-message.sh --name bot",
        ],
    };

    /// <summary>As the original prints an acknowledgement.</summary>
    public static string AckLine(IndexedAck ack, NotifyItem item) => DisplayText.OneLine(
        $"[{ack.At.ToDateTime():yyyy-MM-dd'T'HH:mm:ss'Z'}] thread:{item.ThreadShort} from:{ack.Device} "
        + $"{(ack.IsRead ? "read" : "delivered")}");

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var command = context.Get(Exec);
        var left = context.Get(Count);
        var repository = NotifyOptions.Open(context);
        using var watch = Start(context, repository);
        await using var link = await NotifyOptions.JoinAsync(context, repository.Path, cancellationToken);
        try
        {
            await watch.RunAsync(TakeAsync, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped, which is how a watch ends.
        }

        return ExitCode.Ok;

        async Task<bool?> TakeAsync(NotifyItem item, CancellationToken token)
        {
            var isTaken = true;
            if (command is null)
            {
                context.Output.Write(new NotifyMessageReport(item));
                context.Output.Flush();
            }
            else
            {
                var status = await NotifyExec.RunAsync(command, item, token);
                isTaken = status == 0;
                if (!isTaken)
                    context.Output.Errors.WriteLine($"exit status {status} for {item.Id}: it is offered again");
            }

            return isTaken && left > 0 && --left == 0 ? null : isTaken;
        }
    }

    private static NotifyWatch Start(CommandContext context, Storage.Repository repository)
    {
        try
        {
            var from = context.Get(NotifyOptions.From);
            return new NotifyWatch(
                repository,
                new NotifyWatchOptions
                {
                    Project = context.Get(NotifyOptions.Project),
                    Thread = context.Get(NotifyOptions.Thread),
                    Name = context.Require(Name),
                    IsFromStart = context.Get(All),
                    Without = context.Get(Exec) is null ? null : from ?? new NotifyRepository(repository).Device,
                    AttemptsMax = context.Get(Attempts),
                },
                context.Clock)
            {
                Acknowledged = (ack, item) =>
                {
                    if (context.Output.IsJson || context.Get(Exec) is not null)
                    {
                        context.Output.Errors.WriteLine(AckLine(ack, item));
                        return;
                    }

                    context.Output.Text.WriteLine(AckLine(ack, item));
                    context.Output.Flush();
                },
                GivenUp = item => context.Output.Errors.WriteLine(
                    $"warning: {item.Id} was refused {context.Get(Attempts)} times; it stays unread"),
            };
        }
        catch
        {
            repository.Dispose();
            throw;
        }
    }
}

internal sealed record NotifyMessageReport(NotifyItem Message) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(DisplayText.OneLine(Message.Line));
}
