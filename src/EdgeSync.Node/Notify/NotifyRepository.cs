using System.Text;
using EdgeSync.Agent.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Node.Notify;

/// <summary>What is to be sent.</summary>
internal sealed record NotifySend(string Body)
{
    public string? Project { get; init; }

    /// <summary>The thread to continue, by its first digits; null begins one.</summary>
    public string? Thread { get; init; }

    /// <summary>Labels, with commas in between.</summary>
    public string? Actions { get; init; }

    /// <summary>A word; null: info.</summary>
    public string? Priority { get; init; }

    /// <summary>The sender's name for people; null: the device's.</summary>
    public string? FromName { get; init; }

    public IReadOnlyList<NotifyMedia> Media { get; init; } = [];
}

/// <summary>A file that goes with a message.</summary>
/// <param name="Name">Its name; characters that are not allowed become <c>_</c>.</param>
internal sealed record NotifyMedia(string Name, ReadOnlyMemory<byte> Content);

/// <summary>
/// The messages of an open repository. Used by one thread at a time, as the repository is: by a command directly, in a
/// node on the repository's queue.
/// </summary>
internal sealed class NotifyRepository
{
    /// <summary>Largest file that goes with a message.</summary>
    public const int MediaBytesMax = 16 * 1024 * 1024;

    /// <summary>Largest sum of them for one message.</summary>
    public const int MediaSumMax = 64 * 1024 * 1024;

    private const string DeviceSetting = "edgesync-notify-device";

    private readonly Repository _repository;
    private readonly NotifyIndex _index;

    public NotifyRepository(Repository repository)
    {
        _repository = repository;
        Device = repository.Settings[DeviceSetting] is { Length: > 0 } name ? name : DefaultDevice(repository);
        _index = new NotifyIndex(repository, Parse, Device);
        Queries = new NotifyQueries(repository);
    }

    /// <summary>The identity of this copy in messages.</summary>
    public string Device { get; }

    public NotifyQueries Queries { get; }

    public bool IsWaiting => _index.IsWaiting;

    public Repository Repository => _repository;

    /// <summary>Names this copy. Messages that were sent under another name stay those of another device.</summary>
    public static void SetDevice(Repository repository, string name)
    {
        NotifyNames.RequireDevice(name);
        using var transaction = repository.Begin();
        repository.Settings[DeviceSetting] = name;
        transaction.Commit();
    }

    /// <summary>Finds what has arrived since the last call.</summary>
    public int Update() => _repository.IsReadOnly ? 0 : _index.Update();

    // --- sending -----------------------------------------------------------------------------------------------------

    /// <summary>Writes a message.</summary>
    /// <exception cref="EdgeSyncException">A name, a length or the thread is refused.</exception>
    public NotifyItem Send(NotifySend send) => Commit(Compose(send), send.Media);

    /// <summary>Writes an answer to a message, or to the newest one of a thread.</summary>
    /// <exception cref="EdgeSyncException">The message is unknown, or a length is refused.</exception>
    public NotifyItem Reply(string target, NotifySend send) => Commit(ComposeReply(target, send), send.Media);

    /// <summary>Writes the answer that chooses an action.</summary>
    /// <exception cref="EdgeSyncException">The message is unknown, or offers no such action.</exception>
    public NotifyItem Act(string target, string action, string? project, string? fromName) => Commit(NotifyDraft.Act(
        FindTarget(target, project, offersActions: true), action, SenderOf(fromName), _repository.Now,
        _repository.Entropy));

    /// <summary>Makes a message; it is not written yet.</summary>
    /// <exception cref="EdgeSyncException">A name, a length or the thread is refused.</exception>
    public NotifyMessage Compose(NotifySend send)
    {
        var thread = send.Thread is null ? null : FindThread(send.Project, send.Thread);
        var project = thread?.Project ?? send.Project ?? OnlyProject();
        var draft = DraftOf(send);
        var message = draft.Create(
            project, thread?.Thread, SenderOf(send.FromName), _repository.Now, _repository.Entropy);
        // A short name that is taken would make two threads one in commands.
        while (thread is null && Queries.FindThreads(project, message.ThreadShort).Count > 0)
            message = message with { Thread = NotifyNames.NewThreadId(_repository.Entropy) };
        return WithMedia(message, send.Media);
    }

    /// <summary>Writes a message with its files, in one transaction. What it answers counts as read.</summary>
    public NotifyItem Commit(NotifyMessage message, IReadOnlyList<NotifyMedia>? media = null)
    {
        using var transaction = _repository.Begin();
        _index.Update();
        for (var i = 0; i < (media?.Count ?? 0); i++)
            _repository.Unversioned.Put(
                NotifyNames.MediaPath(message.Project, message.Media[i]), media![i].Content.Span);
        NotifyWriter.Commit(
            _repository, message.FilePath, NotifyCodec.ToFile(message), message.Id, message.Project, message.Thread,
            NotifyNames.BranchOf(message));
        if (message.ReplyTo is { } answered) Queries.MarkRead([answered]);
        transaction.Commit();

        // The check-in is linked by the commit.
        _index.Update();
        return Queries.Find(message.Id) is { } indexed && Read(indexed) is { } item ? item : NotifyItem.Of(message);
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    /// <summary>The message file of an entry; null: it cannot be read any more.</summary>
    public NotifyMessage? ReadMessage(IndexedMessage indexed)
    {
        if (!_repository.Content.IsAvailable(indexed.Content)) return null;

        using var content = _repository.Content.Get(indexed.Content);
        return NotifyCodec.TryParse(content.Span, out var message) ? message : null;
    }

    public NotifyItem? Read(IndexedMessage indexed) => ReadMessage(indexed) is { } message
        ? NotifyItem.Of(message) with
        {
            Seq = indexed.Seq,
            IsRead = indexed.IsRead,
            Checkin = _repository.Content.NameOf(indexed.Checkin).ToString(),
        }
        : null;

    public IReadOnlyList<NotifyThreadItem> Threads(string? project, bool isByPriority, int countMax) =>
        [.. Queries.Threads(project, isByPriority, countMax).Select(NotifyThreadItem.Of)];

    /// <summary>The messages of a thread, the oldest first.</summary>
    public IReadOnlyList<NotifyItem> Log(IndexedThread thread) =>
        [.. Queries.Thread(thread.Project, thread.Thread).Select(Read).OfType<NotifyItem>()];

    /// <summary>The newest messages of a thread, the oldest of them first.</summary>
    public IReadOnlyList<NotifyItem> Newest(IndexedThread thread, int countMax) =>
        [.. Queries.Thread(thread.Project, thread.Thread).TakeLast(countMax).Select(Read).OfType<NotifyItem>()];

    /// <exception cref="EdgeSyncException">None, or several, have these digits.</exception>
    public IndexedThread FindThread(string? project, string text)
    {
        var found = NotifyNames.ThreadDigits(text) is { } digits ? Queries.FindThreads(project, digits) : [];
        return found switch
        {
            [var only] => only,
            [] => throw new EdgeSyncException(
                ErrorKind.NotFound, $"no thread '{text}'{(project is null ? "" : $" in project {project}")}",
                "edgesync notify threads"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"{found.Count} threads begin with '{text}'", "give more digits, or --project")
            {
                Candidates = [.. found.Select(thread => $"{thread.Project} {thread.Thread}")],
            },
        };
    }

    /// <summary>A message by its id or the first digits of it.</summary>
    /// <exception cref="EdgeSyncException">It is unknown, or several have these digits.</exception>
    public IndexedMessage FindMessage(string text)
    {
        var id = text.StartsWith(NotifyNames.MessagePrefix, StringComparison.Ordinal)
            ? text : NotifyNames.MessagePrefix + text.ToLowerInvariant();
        return Queries.Find(id) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"no message '{text}' in {_repository.Path}", "edgesync notify threads");
    }

    /// <summary>A file that goes with a message.</summary>
    /// <exception cref="EdgeSyncException">It has not arrived, or was deleted.</exception>
    public byte[] ReadMedia(string project, string name) =>
        NotifyNames.IsProject(project) && NotifyNames.IsMedia(name)
        && _repository.Unversioned.TryGet(NotifyNames.MediaPath(project, name), out var content)
            ? content
            : throw new EdgeSyncException(
                ErrorKind.NotFound, $"the file '{name}' of project {project} is not here",
                "it arrives with the next sync of unversioned files");

    // --- devices -----------------------------------------------------------------------------------------------------

    public IReadOnlyList<NotifyDeviceItem> Devices()
    {
        var seen = Queries.Presences().ToDictionary(p => p.Device, StringComparer.Ordinal);
        var paired = Registry();
        return
        [
            .. paired.Select(d => Item(d.Name, d.EndpointId, NotifyNames.Second(d.PairedAt))),
            .. seen.Keys.Where(name => paired.All(d => d.Name != name)).Select(name => Item(name, "", null)),
        ];

        NotifyDeviceItem Item(string name, string endpoint, string? pairedAt) =>
            seen.TryGetValue(name, out var presence)
                ? new NotifyDeviceItem(
                    name, endpoint, pairedAt, presence.State, NotifyNames.Second(presence.At))
                : new NotifyDeviceItem(name, endpoint, pairedAt, null, null);
    }

    /// <summary>A one-time token for a device, and when it expires.</summary>
    public (string Token, Instant ExpiresAt) OfferPairing(string name)
    {
        NotifyNames.RequireDevice(name);
        using var transaction = _repository.Begin();
        var token = PairingToken.Create(_repository.Entropy);
        Invariant.Require(PairingToken.TryParse(token, out var raw));
        var now = _repository.Now;
        var pending = new PendingToken(PairingToken.HashOf(raw), now, now + PairingToken.Lifetime, name);
        Write(
            PendingTokens.FilePath, PendingTokens.ToFile(PendingTokens.With(Pending(), pending)),
            "notify: update pending tokens");
        transaction.Commit();
        return (token, pending.ExpiresAt);
    }

    /// <summary>Takes a token, and registers this device under the name that it was made for.</summary>
    /// <exception cref="EdgeSyncException">It is unknown, used or expired.</exception>
    public string AcceptPairing(string text, string endpoint)
    {
        if (PairUrl.TryParse(text, out var url)) text = url.Token;
        using var transaction = _repository.Begin();
        var token = PendingTokens.Take(Pending(), text, _repository.Now, out var rest);
        Write(PendingTokens.FilePath, PendingTokens.ToFile(rest), "notify: update pending tokens");
        WriteRegistry(
            NotifyDevices.With(Registry(), new NotifyDevice(token.DeviceName, endpoint, _repository.Now)));
        SetDevice(_repository, token.DeviceName);
        transaction.Commit();
        return token.DeviceName;
    }

    /// <exception cref="EdgeSyncException">No device has the name.</exception>
    public void Unpair(string name)
    {
        using var transaction = _repository.Begin();
        WriteRegistry(NotifyDevices.Without(Registry(), name));
        transaction.Commit();
    }

    /// <summary>Removes tokens that have expired; false: there are none.</summary>
    public bool PurgeTokens()
    {
        using var transaction = _repository.Begin();
        var pending = Pending();
        var live = PendingTokens.Live(pending, _repository.Now);
        if (live.Count == pending.Count) return false;

        Write(PendingTokens.FilePath, PendingTokens.ToFile(live), "notify: update pending tokens");
        transaction.Commit();
        return true;
    }

    // --- parts -------------------------------------------------------------------------------------------------------

    /// <summary>Reads a message for the index: its path must be the one that it would be written to.</summary>
    internal static NotifyEntry? Parse(string path, ReadOnlySpan<byte> content)
    {
        if (!NotifyCodec.TryParseFile(path, content, out var message)) return null;

        return new NotifyEntry
        {
            Id = message.Id,
            Project = message.Project,
            Thread = message.Thread,
            ThreadShort = message.ThreadShort,
            Time = message.Timestamp,
            From = message.From,
            FromName = message.FromName,
            Priority = (int)message.Priority,
            ReplyTo = message.ReplyTo,
            Preview = message.Preview,
        };
    }

    private static string DefaultDevice(Repository repository) =>
        $"{Environment.MachineName.Split('.')[0]}-{(repository.Settings["server-code"] ?? "0000")[..4]}";

    private static NotifyDraft DraftOf(NotifySend send) => new()
    {
        Body = send.Body,
        Priority = NotifyNames.PriorityOf(send.Priority),
        Actions = NotifyNames.ActionsOf(send.Actions),
    };

    private NotifySender SenderOf(string? name) => new(Device, name is { Length: > 0 } ? name : Device);

    private NotifyMessage ComposeReply(string target, NotifySend send) => WithMedia(
        DraftOf(send).Reply(
            FindTarget(target, send.Project), SenderOf(send.FromName), _repository.Now, _repository.Entropy),
        send.Media);

    // Names begin with digits of the message: two messages may carry files of one name.
    private static NotifyMessage WithMedia(NotifyMessage message, IReadOnlyList<NotifyMedia> media)
    {
        if (media.Count == 0) return message;
        if (media.Count > NotifyCodec.MediaMax)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{media.Count} files are attached, at most {NotifyCodec.MediaMax} are sent",
                "send several messages");
        if (media.FirstOrDefault(m => m.Content.Length > MediaBytesMax) is { } large)
            throw new EdgeSyncException(
                ErrorKind.Usage,
                $"{large.Name} has {DisplayText.Bytes(large.Content.Length)}, at most "
                    + $"{DisplayText.Bytes(MediaBytesMax)} go with a message",
                "edgesync can put FILE, and send its hash");
        if (media.Sum(m => (long)m.Content.Length) > MediaSumMax)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"the files have more than {DisplayText.Bytes(MediaSumMax)} together",
                "send several messages");

        var names = new List<string>();
        var start = NotifyNames.Short(message.Id, NotifyNames.MessagePrefix);
        foreach (var file in media)
        {
            var name = $"{start}-{Sanitize(file.Name)}";
            for (var i = 2; names.Contains(name); i++) name = $"{start}-{i}-{Sanitize(file.Name)}";
            names.Add(name);
        }

        return message with { Media = names };
    }

    private static string Sanitize(string name)
    {
        var text = new StringBuilder();
        foreach (var c in Path.GetFileName(name))
            text.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '_');
        return text.Length is 0 ? "file" : text.Length > 100 ? text.ToString(text.Length - 100, 100) : text.ToString();
    }

    // A message, or the newest one of a thread that others sent.
    private NotifyMessage FindTarget(string target, string? project, bool offersActions = false)
    {
        var isMessage = target.StartsWith(NotifyNames.MessagePrefix, StringComparison.Ordinal);
        if (!isMessage)
        {
            var thread = FindThread(project, target);
            var messages = Queries.Thread(thread.Project, thread.Thread).Reverse();
            if (NotifyDraft.TargetOf(
                messages.Select(ReadMessage).OfType<NotifyMessage>(), Device, offersActions) is { } message)
                return message;
        }

        return ReadMessage(FindMessage(target)) ?? throw new EdgeSyncException(
            ErrorKind.Unavailable, $"the content of {target} is not here", "edgesync sync now");
    }

    private string OnlyProject() => Queries.Projects() is [var only] ? only.Project : throw new EdgeSyncException(
        ErrorKind.Usage, "a message needs a project", "--project NAME")
    {
        Candidates = [.. Queries.Projects().Select(p => p.Project)],
    };

    private IReadOnlyList<NotifyDevice> Registry() =>
        NotifyDevices.Parse(NotifyWriter.ReadFile(_repository, NotifyDevices.FilePath));

    private IReadOnlyList<PendingToken> Pending() =>
        PendingTokens.Parse(NotifyWriter.ReadFile(_repository, PendingTokens.FilePath));

    private void WriteRegistry(IReadOnlyList<NotifyDevice> devices) =>
        Write(NotifyDevices.FilePath, NotifyDevices.ToFile(devices), "notify: update device registry");

    private void Write(string path, byte[] content, string comment) =>
        NotifyWriter.CommitFile(_repository, path, content, comment);
}
