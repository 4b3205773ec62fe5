using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Agent.Notify;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Node.Notify;

/// <summary>An answer that a message offers.</summary>
internal sealed record NotifyActionItem(string Id, string Label);

/// <summary>
/// A message for commands, pages and programs: as JSON its members are those of the message file, and a few more.
/// </summary>
internal sealed record NotifyItem
{
    public required string Id { get; init; }

    public required string Thread { get; init; }

    public required string ThreadShort { get; init; }

    public required string Project { get; init; }

    /// <summary>Identity of the sending device.</summary>
    public required string From { get; init; }

    public required string FromName { get; init; }

    /// <summary>RFC 3339, UTC.</summary>
    public required string Timestamp { get; init; }

    public required string Body { get; init; }

    /// <summary><c>info</c>, <c>action_required</c> or <c>urgent</c>.</summary>
    public required string Priority { get; init; }

    public IReadOnlyList<NotifyActionItem>? Actions { get; init; }

    public string? ReplyTo { get; init; }

    public IReadOnlyList<string>? Media { get; init; }

    public bool ActionResponse { get; init; }

    /// <summary>It was read on this device, or sent from it.</summary>
    public bool IsRead { get; init; }

    /// <summary>The check-in that brought it; null while it is not in the repository.</summary>
    public string? Checkin { get; init; }

    /// <summary>Order of arrival in this copy.</summary>
    [JsonIgnore]
    public long Seq { get; init; }

    /// <summary>As the original's <c>watch</c> prints it.</summary>
    [JsonIgnore]
    public string Line { get; init; } = "";

    /// <summary>The message as one JSON object, as it is published.</summary>
    [JsonIgnore]
    public string Json { get; init; } = "";

    public static NotifyItem Of(NotifyMessage message) => new()
    {
        Id = message.Id,
        Thread = message.Thread,
        ThreadShort = message.ThreadShort,
        Project = message.Project,
        From = message.From,
        FromName = message.FromName,
        Timestamp = NotifyNames.Time(message.Timestamp),
        Body = message.Body,
        Priority = NotifyNames.WordOf(message.Priority),
        Actions = message.Actions.Count == 0 ? null
            : [.. message.Actions.Select(action => new NotifyActionItem(action.Id, action.Label))],
        ReplyTo = message.ReplyTo,
        Media = message.Media.Count == 0 ? null : message.Media,
        ActionResponse = message.IsActionResponse,
        Line = message.WatchLine,
        Json = Encoding.UTF8.GetString(NotifyCodec.ToLine(message)),
    };
}

/// <summary>A thread for commands, pages and programs.</summary>
internal sealed record NotifyThreadItem
{
    public required string Thread { get; init; }

    public required string ThreadShort { get; init; }

    public required string Project { get; init; }

    /// <summary>RFC 3339, UTC.</summary>
    public required string LastActivity { get; init; }

    public required long MessageCount { get; init; }

    /// <summary>Messages of others that were not read on this device.</summary>
    public required long Unread { get; init; }

    /// <summary>The highest of its messages.</summary>
    public required string Priority { get; init; }

    public required string LastFromName { get; init; }

    /// <summary>The beginning of the last message.</summary>
    public required string LastMessage { get; init; }

    public static NotifyThreadItem Of(IndexedThread thread) => new()
    {
        Thread = thread.Thread,
        ThreadShort = thread.Short,
        Project = thread.Project,
        LastActivity = NotifyNames.Second(thread.LastTime),
        MessageCount = thread.Count,
        Unread = thread.Unread,
        Priority = NotifyNames.WordOf((NotifyPriority)thread.Priority),
        LastFromName = thread.LastFromName,
        LastMessage = thread.LastPreview,
    };
}

/// <summary>How far a message has come.</summary>
/// <param name="Name">What was to happen.</param>
/// <param name="IsDone">False: not yet, as far as this device knows.</param>
/// <param name="At">RFC 3339, UTC; null when unknown.</param>
internal sealed record NotifyStep(string Name, bool IsDone, string? At);

/// <summary>A project with its counts.</summary>
internal sealed record NotifyProjectItem(string Project, long Threads, long Messages, long Unread);

/// <summary>A device that is paired, or that was heard of.</summary>
/// <param name="Endpoint">Of iroh; empty without one.</param>
/// <param name="PairedAt">RFC 3339, UTC; null: it is not paired.</param>
/// <param name="State"><c>online</c>, <c>typing</c>, <c>offline</c>; null: never heard of.</param>
/// <param name="LastSeen">RFC 3339, UTC; within ten minutes.</param>
internal sealed record NotifyDeviceItem(
    string Name, string Endpoint, string? PairedAt, string? State, string? LastSeen);
