using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>How urgent a message is; the highest of a thread is that of the thread.</summary>
public enum NotifyPriority
{
    Info,
    ActionRequired,
    Urgent,
}

/// <summary>An answer that a message offers.</summary>
/// <param name="Id">The body of the message that chooses it.</param>
/// <param name="Label">For people.</param>
public readonly record struct NotifyAction(string Id, string Label);

/// <summary>
/// A message, version 1. It is one file of a repository, and the same object is published over NATS:
/// <code>
/// PROJECT/threads/THREAD8/SECONDS-MSG8.json
///
/// { "v": 1, "id": "msg-HEX32", "thread": "thread-HEX32", "project": …, "from": …, "from_name": …,
///   "timestamp": RFC 3339 in UTC, "body": …,
///   "priority": info | action_required | urgent, "actions": [ { "id": …, "label": … } ], "reply_to": "msg-…",
///   "media": [ … ], "action_response": true }                                  each of these may be absent
/// </code>
/// THREAD8 and MSG8 are the first eight hex digits. Spec: edgesync.md §7; leaf/agent/notify/message.go.
/// </summary>
public sealed record NotifyMessage
{
    /// <summary>The version that is written; later ones are read as this one.</summary>
    public const int Version = 1;

    private const int PreviewCharsMax = 200;

    public required string Id { get; init; }

    public required string Thread { get; init; }

    public required string Project { get; init; }

    /// <summary>Identity of the sender's device; empty from the original's commands.</summary>
    public string From { get; init; } = "";

    /// <summary>The sender's name for people; empty from the original's commands.</summary>
    public string FromName { get; init; } = "";

    public required Instant Timestamp { get; init; }

    public string Body { get; init; } = "";

    public NotifyPriority Priority { get; init; }

    /// <summary>The member is written: the original writes it for every message but replies.</summary>
    public bool HasPriority { get; init; } = true;

    public IReadOnlyList<NotifyAction> Actions { get; init; } = [];

    /// <summary>The message that this one answers; null: none.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Names of unversioned files below <c>PROJECT/media/</c>.</summary>
    public IReadOnlyList<string> Media { get; init; } = [];

    /// <summary>The body is the id of an action of the message that this one answers.</summary>
    public bool IsActionResponse { get; init; }

    /// <summary>The first eight digits of the thread.</summary>
    public string ThreadShort => NotifyNames.Short(Thread, NotifyNames.ThreadPrefix);

    /// <summary>Path of its file in the repository.</summary>
    public string FilePath => NotifyNames.FileOf(this);

    /// <summary>The beginning of the text, for lists.</summary>
    public string Preview => Body.Length > PreviewCharsMax ? Body[..PreviewCharsMax] : Body;

    /// <summary>The subject that it is published to.</summary>
    public string Subject => $"notify.{Project}.{ThreadShort}";

    /// <summary>The line of <c>watch</c>, <c>log</c> and <c>ask</c>, as the original prints it.</summary>
    public string WatchLine =>
        $"[{NotifyNames.Second(Timestamp)}] thread:{ThreadShort} from:{FromName} "
        + $"{(IsActionResponse ? "action" : "text")}:{Body}";
}
