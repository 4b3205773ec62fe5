using System.Text.Json.Serialization;
using EdgeSync.Agent.Notify;
using EdgeSync.Browser.Notify;

namespace EdgeSync.Browser.Wasm;

// Setters, not init: the generated reader would set every absent member of those to the default of its type.

/// <summary>What a page gives to open a repository, or to clone one.</summary>
internal sealed record OpenOptions
{
    public string NatsUrl { get; set; } = "";

    public double PollSeconds { get; set; } = 5;

    public string? ProjectCode { get; set; }

    public string Prefix { get; set; } = "fossil";

    public string? Name { get; set; }

    public string? User { get; set; }

    public string? Password { get; set; }

    public bool Push { get; set; } = true;

    /// <summary>Clone the messages of the project instead of the project.</summary>
    public bool Notify { get; set; }
}

internal sealed record NotifyOptions
{
    public string? Device { get; set; }

    public string? From { get; set; }
}

internal sealed record ThreadsOptions
{
    public string? Project { get; set; }

    public bool Inbox { get; set; }

    public int Limit { get; set; } = 50;
}

/// <summary>A message, an answer or a choice; which members it has depends on the call.</summary>
internal sealed record SendOptions
{
    public string Body { get; set; } = "";

    public string? Project { get; set; }

    public string? Thread { get; set; }

    public string Target { get; set; } = "";

    public string Action { get; set; } = "";

    public string? Priority { get; set; }

    public IReadOnlyList<string> Actions { get; set; } = [];

    public string? From { get; set; }
}

internal sealed record TimelineOptions
{
    public int Limit { get; set; } = 50;

    public string? Branch { get; set; }

    /// <summary>Milliseconds since 1970.</summary>
    public double? Before { get; set; }
}

internal sealed record CommitFile(string Name, int? Size, bool? Executable);

internal sealed record CommitOptions
{
    public string Comment { get; set; } = "";

    public string User { get; set; } = "";

    public string? Branch { get; set; }

    public string? Parent { get; set; }

    public IReadOnlyList<CommitFile> Files { get; set; } = [];
}

internal sealed record TimelineEntry(
    string Hash, double Date, string User, string Comment, string Branch, IReadOnlyList<string> Tags,
    IReadOnlyList<string> Parents, bool IsLeaf);

internal sealed record FileEntry(string Name, string Hash, bool Executable, bool Symlink);

internal sealed record CloneResult(int Artifacts, int Rounds, int CheckIns, double Bytes, string ProjectCode);

internal sealed record SyncResult(int Sessions, int Received, int Sent, IReadOnlyList<string> Errors);

internal sealed record StatusResult(
    bool Connected, string State, IReadOnlyList<string> Reasons, string? ProjectCode, string? ProjectName, int CheckIns,
    int Unsent, double Bytes);

internal sealed record ActionEntry(string Id, string Label);

internal sealed record ThreadEntry(
    string Thread, string ThreadShort, string Project, double LastActivity, int MessageCount, int Unread,
    string Priority, string LastFromName, string LastMessage)
{
    public static ThreadEntry Of(PageThread thread) => new(
        thread.Thread, NotifyNames.Short(thread.Thread, NotifyNames.ThreadPrefix), thread.Project,
        thread.LastActivity.UnixMilliseconds, thread.MessageCount, thread.Unread,
        NotifyNames.WordOf(thread.Priority), thread.LastFromName, thread.LastMessage);
}

internal sealed record MessageEntry(
    double Seq, string Id, string Thread, string ThreadShort, string Project, string From, string FromName,
    double Date, string Body, string Priority, IReadOnlyList<ActionEntry> Actions, string? ReplyTo,
    IReadOnlyList<string> Media, bool ActionResponse, bool IsRead, string CheckIn)
{
    public static MessageEntry Of(PageMessage read)
    {
        var message = read.Message;
        return new MessageEntry(
            read.Seq, message.Id, message.Thread, message.ThreadShort, message.Project, message.From,
            message.FromName, message.Timestamp.UnixMilliseconds, message.Body, NotifyNames.WordOf(message.Priority),
            [.. message.Actions.Select(a => new ActionEntry(a.Id, a.Label))], message.ReplyTo, message.Media,
            message.IsActionResponse, read.IsRead, read.CheckIn.ToString());
    }
}

/// <summary>An event for the page; which members it has depends on its type.</summary>
internal sealed record PageEvent(string Type)
{
    public bool? Connected { get; set; }

    public string? Target { get; set; }

    public int? Received { get; set; }

    public int? Sent { get; set; }

    public string? Error { get; set; }

    public MessageEntry? Message { get; set; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OpenOptions))]
[JsonSerializable(typeof(TimelineOptions))]
[JsonSerializable(typeof(CommitOptions))]
[JsonSerializable(typeof(IReadOnlyList<TimelineEntry>))]
[JsonSerializable(typeof(IReadOnlyList<FileEntry>))]
[JsonSerializable(typeof(TimelineEntry))]
[JsonSerializable(typeof(CloneResult))]
[JsonSerializable(typeof(SyncResult))]
[JsonSerializable(typeof(StatusResult))]
[JsonSerializable(typeof(PageEvent))]
[JsonSerializable(typeof(NotifyOptions))]
[JsonSerializable(typeof(ThreadsOptions))]
[JsonSerializable(typeof(SendOptions))]
[JsonSerializable(typeof(IReadOnlyList<ThreadEntry>))]
[JsonSerializable(typeof(IReadOnlyList<MessageEntry>))]
internal sealed partial class PageJson : JsonSerializerContext;
