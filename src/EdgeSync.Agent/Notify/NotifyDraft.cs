using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>Who sends from this device.</summary>
/// <param name="Id">Identity of the device: an endpoint id, or the name.</param>
/// <param name="Name">For people.</param>
public readonly record struct NotifySender(string Id, string Name);

/// <summary>Makes messages from what a person or a program wants to say, or refuses it.</summary>
public sealed record NotifyDraft
{
    public required string Body { get; init; }

    public NotifyPriority Priority { get; init; }

    public IReadOnlyList<NotifyAction> Actions { get; init; } = [];

    public IReadOnlyList<string> Media { get; init; } = [];

    /// <summary>A new message.</summary>
    /// <param name="thread">The thread that it continues; null begins one.</param>
    /// <exception cref="EdgeSyncException">A name or a length is refused.</exception>
    public NotifyMessage Create(string project, string? thread, NotifySender sender, Instant now, Entropy entropy)
    {
        if (!NotifyNames.IsProject(project))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{project}' is not the name of a project: letters, digits, - and _, at most 64",
                "--project NAME");

        return Checked(new NotifyMessage
        {
            Id = NotifyNames.NewMessageId(entropy),
            Thread = thread ?? NotifyNames.NewThreadId(entropy),
            Project = project,
            From = sender.Id,
            FromName = sender.Name,
            Timestamp = now,
            Body = Body,
            Priority = Priority,
            Actions = Actions,
            Media = Media,
        });
    }

    /// <summary>An answer: thread and project are those of the message that it answers. Spec: edgesync.md §7.</summary>
    /// <exception cref="EdgeSyncException">A length is refused.</exception>
    public NotifyMessage Reply(NotifyMessage original, NotifySender sender, Instant now, Entropy entropy) =>
        Create(original.Project, original.Thread, sender, now, entropy) with
        {
            HasPriority = Priority != NotifyPriority.Info,
            ReplyTo = original.Id,
        };

    /// <summary>The answer that chooses an action, named by its id or its label.</summary>
    /// <exception cref="EdgeSyncException">The message offers no such action.</exception>
    public static NotifyMessage Act(
        NotifyMessage original, string action, NotifySender sender, Instant now, Entropy entropy)
    {
        var chosen = original.Actions.FirstOrDefault(
            a => a.Id == action || string.Equals(a.Label, action, StringComparison.OrdinalIgnoreCase));
        if (chosen.Id is null)
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound,
                original.Actions.Count == 0
                    ? $"{original.Id} offers no actions"
                    : $"{original.Id} does not offer '{action}'",
                original.Actions.Count == 0 ? $"edgesync notify reply {original.Id} TEXT" : "one of those below")
            {
                Candidates = [.. original.Actions.Select(a => a.Id)],
            };
        }

        return new NotifyDraft { Body = chosen.Id }.Reply(original, sender, now, entropy) with
        {
            IsActionResponse = true,
        };
    }

    /// <summary>
    /// The message of a thread that an answer belongs to: the newest one of another device, or the newest one that
    /// offers actions; without such a one, the newest of all. Null: there are none.
    /// </summary>
    /// <param name="messages">Of the thread, the newest first.</param>
    /// <param name="device">Identity of this device.</param>
    public static NotifyMessage? TargetOf(IEnumerable<NotifyMessage> messages, string device, bool offersActions)
    {
        NotifyMessage? newest = null;
        foreach (var message in messages)
        {
            newest ??= message;
            if (offersActions ? message.Actions.Count > 0 : message.From != device) return message;
        }

        return newest;
    }

    private static NotifyMessage Checked(NotifyMessage message)
    {
        Require(message.Body.Length > 0, "the message is empty", "give a text");
        Require(
            message.Body.Length <= NotifyCodec.BodyCharsMax,
            $"the message has {message.Body.Length} characters, at most {NotifyCodec.BodyCharsMax} are sent",
            "attach it: --media FILE");
        Require(
            message.Actions.Count <= NotifyCodec.ActionsMax,
            $"{message.Actions.Count} actions are given, at most {NotifyCodec.ActionsMax} are sent", null);
        Require(
            message.Actions.All(a => a.Id.Length <= NotifyCodec.NameCharsMax),
            $"an action has more than {NotifyCodec.NameCharsMax} characters", "shorten it");
        Require(
            message.Actions.DistinctBy(a => a.Id).Count() == message.Actions.Count, "two actions have one id",
            "give each label once");
        Require(
            message.Media.Count <= NotifyCodec.MediaMax,
            $"{message.Media.Count} files are attached, at most {NotifyCodec.MediaMax} are sent", null);
        Require(
            message.From.Length <= NotifyCodec.NameCharsMax && message.FromName.Length <= NotifyCodec.NameCharsMax,
            $"the sender's name has more than {NotifyCodec.NameCharsMax} characters", "--from NAME");
        return message;
    }

    private static void Require(bool condition, string fault, string? hint)
    {
        if (!condition) throw new EdgeSyncException(ErrorKind.Usage, fault, hint);
    }
}
