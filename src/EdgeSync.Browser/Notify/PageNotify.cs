using EdgeSync.Agent.Notify;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Notify;

/// <summary>A message of a page's repository.</summary>
/// <param name="Seq">Order of arrival in this copy, from 1.</param>
/// <param name="CheckIn">The check-in that brought it.</param>
/// <param name="IsRead">It was read on this device, or sent from it.</param>
public sealed record PageMessage(long Seq, NotifyMessage Message, ArtifactId CheckIn, bool IsRead);

/// <summary>A thread of a page's repository.</summary>
public sealed record PageThread
{
    public required string Project { get; init; }

    public required string Thread { get; init; }

    /// <summary>Time of the newest message.</summary>
    public required Instant LastActivity { get; init; }

    public required int MessageCount { get; init; }

    /// <summary>Messages of others that were not read on this device.</summary>
    public required int Unread { get; init; }

    /// <summary>The highest of its messages.</summary>
    public required NotifyPriority Priority { get; init; }

    public required string LastFromName { get; init; }

    /// <summary>The beginning of the newest message.</summary>
    public required string LastMessage { get; init; }
}

/// <summary>
/// The messages of a page's repository: the check-ins and files of the program's <c>edgesync notify</c>
/// (docs/adr/0078). What arrives comes by sync alone; what is written here is a check-in that the next session sends.
/// Used by the caller of the store, between its rounds.
/// </summary>
public sealed class PageNotify
{
    /// <summary>The setting of the program with the same meaning.</summary>
    private const string DeviceSetting = "edgesync-notify-device";

    /// <summary>More ends of a thread than these are joined by later messages.</summary>
    private const int JoinedMax = 8;

    private readonly PageStore _store;
    private readonly PageRepository _repository;
    private readonly MessageIndex _index;
    private readonly Entropy _entropy;
    private readonly Queue<IndexedMessage> _arrived = new();

    /// <param name="device">Names this copy, also for later; null: the name that it has.</param>
    /// <exception cref="EdgeSyncException">The name is refused, or nothing is cloned yet.</exception>
    public PageNotify(PageStore store, string? device, Entropy entropy, Instant now)
    {
        if (store.ProjectCode is null || store.CloneIsOpen)
            throw new EdgeSyncException(ErrorKind.Unavailable, "the repository is not cloned yet", "clone it first");

        (_store, _entropy, _repository) = (store, entropy, new PageRepository(store));
        if (device is not null && device != store.Config.Get(DeviceSetting))
        {
            NotifyNames.RequireDevice(device);
            store.Write(now, () =>
            {
                store.Config.Set(DeviceSetting, device, now.UnixSeconds);
                return true;
            });
        }

        Device = store.Config.Get(DeviceSetting) ?? $"page-{store.ServerCode[..4]}";
        _index = new MessageIndex(store, Device);
        _index.Update(now);
    }

    /// <summary>The identity of this copy in messages.</summary>
    public string Device { get; }

    /// <summary>When <see cref="Update"/> is due although nothing arrives; null: it is not.</summary>
    public Instant? Deadline => _index.Deadline;

    private MessageState State => _store.State.Messages;

    /// <summary>Finds what has arrived since the last call.</summary>
    public void Update(Instant now)
    {
        foreach (var message in _index.Update(now)) _arrived.Enqueue(message);
    }

    /// <summary>The next message that came, or was written here, since this object was made; each once.</summary>
    public bool TryTake(out PageMessage message)
    {
        message = null!;
        while (_arrived.TryDequeue(out var next))
        {
            if (Read(next) is not { } read) continue;

            message = read;
            return true;
        }

        return false;
    }

    /// <summary>Threads by urgency and activity, or by activity alone, the newest first.</summary>
    /// <param name="project">Null: of all projects.</param>
    public IReadOnlyList<PageThread> Threads(string? project, bool isByPriority, int limit)
    {
        var found = State.Threads.Where(t => project is null || t.Key.Project == project);
        var ordered = isByPriority
            ? found.OrderByDescending(t => t.Value.Priority).ThenByDescending(t => t.Value.Last.Time)
            : found.OrderByDescending(t => t.Value.Last.Time);
        var threads = ordered.ThenBy(t => t.Key.Thread, StringComparer.Ordinal).Select(t => t.Value);
        return [.. threads.Take(limit).Select(ThreadOf)];
    }

    /// <summary>The messages of a thread, the oldest first.</summary>
    /// <exception cref="EdgeSyncException">None, or several, have these digits.</exception>
    public IReadOnlyList<PageMessage> Thread(string thread, string? project) =>
        [.. FindThread(thread, project).Messages.Select(Read).OfType<PageMessage>()];

    /// <summary>Messages in order of arrival.</summary>
    /// <param name="after">The number after which to begin.</param>
    public IReadOnlyList<PageMessage> Arrived(long after, int limit) =>
        [
            .. State.Messages.Skip((int)Math.Clamp(after, 0, int.MaxValue)).Take(limit).Select(Read)
                .OfType<PageMessage>(),
        ];

    /// <summary>Writes a message.</summary>
    /// <param name="thread">The thread that it continues, by its first digits; null begins one.</param>
    /// <param name="project">Null: the thread's, or the only one that there is.</param>
    /// <param name="fromName">The sender's name for people; null: the device's.</param>
    /// <exception cref="EdgeSyncException">A name, a length or the thread is refused.</exception>
    public PageMessage Send(NotifyDraft draft, string? thread, string? project, string? fromName, Instant now)
    {
        var continued = thread is null ? null : FindThread(thread, project).Last;
        var message = draft.Create(
            continued?.Project ?? project ?? OnlyProject(), continued?.Thread, SenderOf(fromName), now, _entropy);

        // A short name that is taken would make two threads one in commands.
        while (thread is null && State.Threads.Keys.Any(
            t => NotifyNames.Short(t.Thread, NotifyNames.ThreadPrefix) == message.ThreadShort))
            message = message with { Thread = NotifyNames.NewThreadId(_entropy) };
        return Commit(message, now);
    }

    /// <summary>Writes an answer to a message, or to the newest one of a thread that others sent.</summary>
    /// <exception cref="EdgeSyncException">The message is unknown, or a length is refused.</exception>
    public PageMessage Reply(string target, NotifyDraft draft, string? project, string? fromName, Instant now) =>
        Commit(draft.Reply(FindTarget(target, project, offersActions: false), SenderOf(fromName), now, _entropy), now);

    /// <summary>Writes the answer that chooses an action of a message, or of the newest one that offers any.</summary>
    /// <param name="action">Its id or its label.</param>
    /// <exception cref="EdgeSyncException">The message is unknown, or offers no such action.</exception>
    public PageMessage Act(string target, string action, string? project, string? fromName, Instant now) => Commit(
        NotifyDraft.Act(
            FindTarget(target, project, offersActions: true), action, SenderOf(fromName), now, _entropy), now);

    /// <summary>Marks messages as read that a person has seen; returns how many were unread.</summary>
    public int MarkRead(IReadOnlyList<string> ids, Instant now) => _store.Write(now, () => ids.Count(_index.MarkRead));

    private PageMessage Commit(NotifyMessage message, Instant now)
    {
        Update(now);
        _store.Write(now, () =>
        {
            var made = _repository.Continue(
                EndsOf(message), NotifyNames.BranchOf(message), NotifyNames.User, NotifyNames.CommentOf(message.Id),
                new FileChange(message.FilePath, NotifyCodec.ToFile(message)), now);
            if (message.ReplyTo is { } answered) _index.MarkRead(answered);
            return made;
        });
        Update(now);
        return Read(State.ById[message.Id])!;
    }

    // The check-ins of a thread that no other one follows, the newest first.
    private List<CheckIn> EndsOf(NotifyMessage message) =>
        State.Threads.TryGetValue((message.Project, message.Thread), out var thread)
            ? [.. thread.Messages.AsEnumerable().Reverse().Select(m => m.CheckIn)
                .Where(id => !_store.History.IsContinued(id) && _repository.TryFilesOf(id, out _)).Distinct()
                .Take(JoinedMax).Select(id => _store.History.Find(id)!)]
            : [];

    private NotifySender SenderOf(string? name) => new(Device, name is { Length: > 0 } ? name : Device);

    private PageMessage? Read(IndexedMessage indexed) =>
        _store.IsReadable(indexed.File) && NotifyCodec.TryParse(_store.Read(indexed.File).Span, out var message)
            ? new PageMessage(indexed.Seq, message, indexed.CheckIn, State.IsRead(indexed.Id))
            : null;

    private static PageThread ThreadOf(IndexedThread thread) => new()
    {
        Project = thread.Last.Project,
        Thread = thread.Last.Thread,
        LastActivity = thread.Last.Time,
        MessageCount = thread.Messages.Count,
        Unread = thread.Unread,
        Priority = thread.Priority,
        LastFromName = thread.Last.FromName,
        LastMessage = thread.Last.Preview,
    };

    private IndexedThread FindThread(string text, string? project)
    {
        var digits = NotifyNames.ThreadDigits(text);
        var found = State.Threads.Where(t => digits is not null && (project is null || t.Key.Project == project)
            && t.Key.Thread.AsSpan(NotifyNames.ThreadPrefix.Length).StartsWith(digits)).ToList();
        return found switch
        {
            [var only] => only.Value,
            [] => throw new EdgeSyncException(
                ErrorKind.NotFound, $"no thread '{text}'{(project is null ? "" : $" in project {project}")}",
                "list the threads"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"{found.Count} threads begin with '{text}'", "give more digits, or the project"),
        };
    }

    private IndexedMessage FindMessage(string text)
    {
        if (State.ById.TryGetValue(text, out var exact)) return exact;

        var digits = NotifyNames.MessageDigits(text);
        var found = State.Messages.Where(m => digits is not null
            && m.Id.AsSpan(NotifyNames.MessagePrefix.Length).StartsWith(digits)).Take(2).ToList();
        return found switch
        {
            [var only] => only,
            [] => throw new EdgeSyncException(ErrorKind.NotFound, $"no message '{text}'", "list the threads"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"several messages begin with {text}", "give more digits"),
        };
    }

    private NotifyMessage FindTarget(string target, string? project, bool offersActions)
    {
        if (!target.StartsWith(NotifyNames.MessagePrefix, StringComparison.Ordinal))
        {
            var messages = FindThread(target, project).Messages.AsEnumerable().Reverse();
            if (NotifyDraft.TargetOf(
                messages.Select(Read).OfType<PageMessage>().Select(m => m.Message), Device, offersActions) is { } found)
                return found;
        }

        return Read(FindMessage(target))?.Message ?? throw new EdgeSyncException(
            ErrorKind.Unavailable, $"the content of {target} is not here", "sync, then try again");
    }

    private string OnlyProject()
    {
        var projects = State.Threads.Keys.Select(t => t.Project).Distinct().Take(2).ToList();
        return projects is [var only] ? only : throw new EdgeSyncException(
            ErrorKind.Usage, "a message needs a project", "name the project, or a thread");
    }
}
