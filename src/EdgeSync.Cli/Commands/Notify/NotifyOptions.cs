using System.CommandLine;
using EdgeSync.Node.Control;
using EdgeSync.Node.Host;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary>Options that several commands of <c>notify</c> have, and the repository that they work on.</summary>
internal static class NotifyOptions
{
    public static readonly Option<string?> Project = new("--project")
    {
        Description = "Project of the messages (default: the name of the repository; lists: all).",
        HelpName = "NAME"
    };

    public static readonly Option<string?> Thread = new("--thread")
    {
        Description = "A thread, by the first digits of its id.",
        HelpName = "THREAD"
    };

    public static readonly Option<string?> Actions = new("--actions")
    {
        Description = "Answers to offer, with commas in between: 'Retry, Give up'.",
        HelpName = "LABELS"
    };

    public static readonly Option<string?> From = new("--from")
    {
        Description = "Name of the sender, for people (default: the device's).",
        HelpName = "NAME"
    };

    public static readonly Option<string[]> Media = new("--media")
    {
        Description = "A file to attach, at most 16 MB (repeatable).",
        HelpName = "FILE"
    };

    public static readonly Argument<string> Body = new("BODY") { Description = "The text; - reads standard input." };

    public static readonly Argument<string> Target = new("TARGET")
    {
        Description = "A message id, or a thread: its newest message of others."
    };

    public static readonly Option<string?> Nats = new("--nats")
    {
        Description = "Join this NATS server for as long as the command runs (default: EDGESYNC_NATS).",
        HelpName = "URL"
    };

    /// <summary>The leaf of a command; null: it needs none.</summary>
    /// <exception cref="EdgeSyncException">The address is wrong.</exception>
    public static async Task<NotifyLink?> JoinAsync(
        CommandContext context, string path, CancellationToken cancellationToken)
    {
        var url = context.Get(Nats) ?? Environment.GetEnvironmentVariable("EDGESYNC_NATS");
        return string.IsNullOrEmpty(url) ? null
            : await NotifyLink.OpenAsync(path, url, TextWriter.Null, context.Clock, cancellationToken);
    }

    public static Option<string> Priority(string otherwise) => new Option<string>("--priority")
    {
        Description = "How urgent: info, action_required or urgent.",
        HelpName = "WORD",
        DefaultValueFactory = _ => otherwise,
    }.Among("info", "action_required", "urgent");

    /// <summary>
    /// The notify repository: <c>-R</c> itself if it is one, otherwise the one beside <c>-R</c> or beside the
    /// repository found from the current folder.
    /// </summary>
    /// <exception cref="EdgeSyncException">No repository is named or found.</exception>
    public static string PathOf(CommandContext context)
    {
        if (context.NamedRepository is { } named) return NotifyPlace.Beside(named);

        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, NotifyPlace.FileName);
            if (File.Exists(path)) return path;
        }

        return NotifyPlace.Beside(RepositoryFinder.Find(Environment.CurrentDirectory));
    }

    /// <summary>Opens it; a command may write marks.</summary>
    /// <exception cref="EdgeSyncException">It does not exist.</exception>
    public static Repository Open(CommandContext context)
    {
        var path = PathOf(context);
        var beside = context.NamedRepository ?? "FILE";
        return File.Exists(path) ? context.OpenToWrite(path) : throw new EdgeSyncException(
            ErrorKind.NotFound, $"{path} does not exist: no messages are kept here yet",
            $"edgesync notify init -R {beside}");
    }

    /// <summary>The project of a new message; null: the only one of the repository.</summary>
    public static string? ProjectOf(CommandContext context)
    {
        if (context.Get(Project) is { Length: > 0 } given) return given;
        if (context.NamedRepository is { } named) return NotifyPlace.ProjectOf(named);

        try
        {
            return NotifyPlace.ProjectOf(RepositoryFinder.Find(Environment.CurrentDirectory));
        }
        catch (EdgeSyncException)
        {
            return null;
        }
    }

    public static string BodyOf(CommandContext context)
    {
        var text = context.Require(Body);
        return text == "-" ? System.Text.Encoding.UTF8.GetString(InputFile.ReadAll("-")).TrimEnd('\n', '\r') : text;
    }

    public static NotifyMedia[] MediaOf(CommandContext context)
    {
        var files = context.Get(Media) ?? [];
        foreach (var file in files)
        {
            if (new FileInfo(file) is { Exists: true, Length: > NotifyRepository.MediaBytesMax } large)
                throw new EdgeSyncException(
                    ErrorKind.Usage,
                    $"{file} has {DisplayText.Bytes(large.Length)}, at most "
                        + $"{DisplayText.Bytes(NotifyRepository.MediaBytesMax)} go with a message",
                    "edgesync can put FILE, and send its hash");
        }

        return [.. files.Select(file => new NotifyMedia(file, InputFile.ReadAll(file)))];
    }

    /// <summary>Wakes the node of this machine, if one keeps the repository.</summary>
    public static void Announce(Repository repository) => ControlClient.NotifyChanged(repository.Path);
}
