using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Agent.Notify;
using EdgeSync.Node.Control;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Host;

/// <summary>A message to be sent.</summary>
public sealed record NotifySendRequest
{
    /// <summary>The text; 32,768 characters at most.</summary>
    public required string Body { get; init; }

    /// <summary>Letters, digits, <c>-</c> and <c>_</c>; null: the only project that has messages.</summary>
    public string? Project { get; init; }

    /// <summary>A thread to continue, by its first digits; null begins one.</summary>
    public string? Thread { get; init; }

    /// <summary>How urgent it is.</summary>
    public NotifyPriority Priority { get; init; }

    /// <summary>Answers to offer, by their labels, without commas; 16 at most.</summary>
    public IReadOnlyList<string> Actions { get; init; } = [];

    /// <summary>The sender's name for people; null: the device's.</summary>
    public string? FromName { get; init; }

    /// <summary>Files that go with it, by name; 16 MB each, 64 MB together.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Media { get; init; } =
        new Dictionary<string, ReadOnlyMemory<byte>>();
}

/// <summary>Which messages a watch gives, and from where on.</summary>
public sealed record NotifyWatchRequest
{
    /// <summary>Null: of all projects.</summary>
    public string? Project { get; init; }

    /// <summary>By its first digits; null: of all threads.</summary>
    public string? Thread { get; init; }

    /// <summary>Under which the place of the watch is kept over restarts; null: nothing is kept.</summary>
    public string? Name { get; init; }

    /// <summary>A new watch begins with the oldest message; otherwise with the next one that arrives.</summary>
    public bool IsFromStart { get; init; }

    /// <summary>Messages that this device sent under this name are left out, so that a program does not answer itself.
    /// </summary>
    public string? Without { get; init; }
}

/// <summary>A thread of messages.</summary>
/// <param name="Id"><c>thread-</c> and 32 hex digits; the first eight of them name it, too.</param>
/// <param name="MessageCount">Messages in it.</param>
/// <param name="Unread">Those of others that were not read on this device.</param>
/// <param name="Priority">The highest of its messages.</param>
/// <param name="LastActivity">When its newest message was written, by the clock of its sender.</param>
/// <param name="LastFromName">Who wrote that.</param>
/// <param name="LastText">Its beginning.</param>
public sealed record NotifyThread(
    string Project, string Id, long MessageCount, long Unread, NotifyPriority Priority, DateTimeOffset LastActivity,
    string LastFromName, string LastText);

/// <summary>
/// Messages between people, programs and machines (docs/notify.md), kept in <c>notify.fossil</c> beside a repository.
/// What is sent is on disk when the call returns, and reaches other devices by a node that keeps the repository. Each
/// call opens the file, so that calls may come from any thread, beside a node and beside other programs.
/// </summary>
public sealed class NotifyService
{
    private readonly TimeProvider _clock;

    private NotifyService(string path, TimeProvider clock) => (Path, _clock) = (path, clock);

    /// <summary>Full path of the repository of messages.</summary>
    public string Path { get; }

    /// <summary>The identity of this copy in messages.</summary>
    public string Device => Do(n => n.Device);

    /// <summary>Opens the messages beside a repository, and creates them where there are none.</summary>
    /// <param name="repository">A repository that exists, or a <c>notify.fossil</c>.</param>
    /// <param name="device">The name of this copy in messages; null: the one that it has, or the machine's.</param>
    /// <param name="clock">Null: the system's.</param>
    /// <exception cref="EdgeSyncException">NotFound, or Corrupt: it is no repository. Usage: not a name.</exception>
    public static NotifyService Create(string repository, string? device = null, TimeProvider? clock = null)
    {
        var full = System.IO.Path.GetFullPath(repository);
        var path = NotifyPlace.Beside(full);
        if (!NotifyPlace.IsOne(full) && !File.Exists(full))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{full} does not exist", "HostedRepository.Create");

        NotifyPlace.CreateMissing(path, NotifyPlace.CodeBeside(full), clock ?? TimeProvider.System);
        var service = Open(path, clock);
        if (device is not null)
        {
            using var opened = service.OpenRepository();
            NotifyRepository.SetDevice(opened, device);
        }

        return service;
    }

    /// <summary>The messages beside a repository, or in a <c>notify.fossil</c>.</summary>
    /// <exception cref="EdgeSyncException">NotFound: none are kept there.</exception>
    public static NotifyService Open(string repository, TimeProvider? clock = null)
    {
        var path = NotifyPlace.Beside(System.IO.Path.GetFullPath(repository));
        if (!File.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{path} does not exist: no messages are kept here yet", "NotifyService.Create");

        var service = new NotifyService(path, clock ?? TimeProvider.System);
        service.Do(n => n.Update());
        return service;
    }

    /// <summary>Sends a message.</summary>
    /// <exception cref="EdgeSyncException">Usage: a name or a length. NotFound, Ambiguous: the thread.</exception>
    public NotifyMessage Send(NotifySendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Written(n => n.Send(SendOf(request)));
    }

    /// <summary>Answers a message, or the newest one of others in a thread.</summary>
    /// <param name="target">Of a message or a thread the id, or its first digits.</param>
    /// <param name="fromName">The sender's name for people; null: the device's.</param>
    /// <exception cref="EdgeSyncException">NotFound, Ambiguous: the target. Usage: a length.</exception>
    public NotifyMessage Reply(string target, string body, string? fromName = null) =>
        Written(n => n.Reply(target, new NotifySend(body) { FromName = fromName }));

    /// <summary>Answers a message by one of the actions that it offers.</summary>
    /// <param name="target">Of a message or a thread the id, or its first digits.</param>
    /// <param name="action">Its id or label.</param>
    /// <param name="fromName">The sender's name for people; null: the device's.</param>
    /// <exception cref="EdgeSyncException">NotFound: the target, or it does not offer that.</exception>
    public NotifyMessage Act(string target, string action, string? fromName = null) =>
        Written(n => n.Act(target, action, project: null, fromName));

    /// <summary>
    /// Sends a question and waits for the message that answers it, whatever else is said in its thread.
    /// </summary>
    /// <param name="timeout">Null: for as long as it takes.</param>
    /// <returns>The answer; null: none came in time. The question stays.</returns>
    /// <exception cref="EdgeSyncException">As <see cref="Send"/>.</exception>
    public async Task<NotifyMessage?> AskAsync(
        NotifySendRequest request, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var repository = OpenRepository();
        var answer = await NotifyAsk.RunAsync(
            repository, SendOf(request), timeout, _ => ControlClient.NotifyChanged(Path), (_, _) => { }, _clock,
            cancellationToken);
        if (answer is null) return null;

        ControlClient.NotifyChanged(Path);
        return MessageOf(answer);
    }

    /// <summary>
    /// Messages in the order in which they arrive, each once; with a name also over restarts. A message counts as taken
    /// and read when the next one is asked for: a program that ends before gets it again.
    /// </summary>
    /// <param name="request">Null: all that arrive from now on.</param>
    /// <param name="cancellationToken">Ends the sequence.</param>
    /// <exception cref="EdgeSyncException">NotFound, Ambiguous: the thread.</exception>
    public IAsyncEnumerable<NotifyMessage> WatchAsync(
        NotifyWatchRequest? request, CancellationToken cancellationToken)
    {
        request ??= new NotifyWatchRequest();
        var repository = OpenRepository();
        try
        {
            // Before the first is asked for: what arrives from now on is not missed.
            var watch = new NotifyWatch(
                repository,
                new NotifyWatchOptions
                {
                    Project = request.Project,
                    Thread = request.Thread,
                    Name = request.Name,
                    IsFromStart = request.IsFromStart,
                    Without = request.Without,
                },
                _clock);
            return WatchAsync(watch, cancellationToken);
        }
        catch
        {
            repository.Dispose();
            throw;
        }
    }

    /// <summary>Threads, those with the newest messages first.</summary>
    /// <param name="limit">At most.</param>
    /// <param name="project">Null: of all projects.</param>
    public IReadOnlyList<NotifyThread> Threads(int limit, string? project = null) => Do(n =>
    {
        n.Update();
        return n.Queries.Threads(project, isByPriority: false, limit).Select(t => new NotifyThread(
            t.Project, t.Thread, t.Count, t.Unread, (NotifyPriority)t.Priority, t.LastTime.ToDateTime(),
            t.LastFromName, t.LastPreview)).ToList();
    });

    /// <summary>The messages of a thread, the oldest first.</summary>
    /// <param name="thread">Its id, or the first digits of it.</param>
    /// <param name="project">Null: any.</param>
    /// <exception cref="EdgeSyncException">NotFound, Ambiguous: the thread.</exception>
    public IReadOnlyList<NotifyMessage> Messages(string thread, string? project = null) => Do(n =>
    {
        n.Update();
        var found = n.FindThread(project, thread);
        return n.Queries.Thread(found.Project, found.Thread).Select(n.ReadMessage).OfType<NotifyMessage>().ToList();
    });

    /// <summary>Marks messages as read on this device.</summary>
    /// <returns>How many were unread.</returns>
    public int MarkRead(IEnumerable<string> ids)
    {
        var count = Do(n => n.Queries.MarkRead(ids));
        if (count > 0) ControlClient.NotifyChanged(Path);
        return count;
    }

    /// <summary>A file that goes with a message.</summary>
    /// <exception cref="EdgeSyncException">NotFound: it has not arrived.</exception>
    public byte[] ReadMedia(string project, string name) => Do(n => n.ReadMedia(project, name));

    /// <summary>A one-time token by which another copy takes a name as a device, and when it expires.</summary>
    /// <exception cref="EdgeSyncException">Usage: not a name.</exception>
    public (string Token, DateTimeOffset ExpiresAt) OfferPairing(string device)
    {
        var (token, expiresAt) = Do(n => n.OfferPairing(device));
        ControlClient.NotifyChanged(Path);
        return (token, expiresAt.ToDateTime());
    }

    /// <summary>Takes a token of another device, and the name that it was made for.</summary>
    /// <returns>The name.</returns>
    /// <exception cref="EdgeSyncException">The token is unknown, used or expired.</exception>
    public string AcceptPairing(string token)
    {
        var name = Do(n => n.AcceptPairing(token, endpoint: ""));
        ControlClient.NotifyChanged(Path);
        return name;
    }

    private static async IAsyncEnumerable<NotifyMessage> WatchAsync(
        NotifyWatch watch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using (watch)
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            var offers = Channel.CreateBounded<(NotifyItem Item, TaskCompletionSource<bool?> Taken)>(1);
            var running = OfferAsync(watch, offers.Writer, stop.Token);
            try
            {
                await foreach (var (item, taken) in offers.Reader.ReadAllAsync(cancellationToken))
                {
                    yield return MessageOf(item);
                    taken.SetResult(true);
                }
            }
            finally
            {
                await stop.CancelAsync();
                await running;
            }
        }
    }

    // Faults end the channel, and reach the caller by it.
    private static async Task OfferAsync(
        NotifyWatch watch, ChannelWriter<(NotifyItem, TaskCompletionSource<bool?>)> offers,
        CancellationToken cancellationToken)
    {
        try
        {
            await watch.RunAsync(
                async (item, stop) =>
                {
                    var taken = new TaskCompletionSource<bool?>(TaskCreationOptions.RunContinuationsAsynchronously);
                    await offers.WriteAsync((item, taken), stop);
                    return await taken.Task.WaitAsync(stop);
                },
                cancellationToken);
            offers.TryComplete();
        }
        catch (Exception e) when (e is OperationCanceledException or EdgeSyncException)
        {
            offers.TryComplete(e);
        }
    }

    private static NotifySend SendOf(NotifySendRequest request) => new(request.Body)
    {
        Project = request.Project,
        Thread = request.Thread,
        Actions = string.Join(',', request.Actions),
        Priority = NotifyNames.WordOf(request.Priority),
        FromName = request.FromName,
        Media = [.. request.Media.Select(m => new NotifyMedia(m.Key, m.Value))],
    };

    private static NotifyMessage MessageOf(NotifyItem item)
    {
        Invariant.Require(NotifyCodec.TryParse(Encoding.UTF8.GetBytes(item.Json), out var message));
        return message!;
    }

    private NotifyMessage Written(Func<NotifyRepository, NotifyItem> write)
    {
        var sent = Do(n =>
        {
            n.Update();
            return write(n);
        });
        ControlClient.NotifyChanged(Path);
        return MessageOf(sent);
    }

    private T Do<T>(Func<NotifyRepository, T> work)
    {
        using var repository = OpenRepository();
        return work(new NotifyRepository(repository));
    }

    private Repository OpenRepository() => Repository.Open(Path, new RepositoryOptions { Clock = _clock });
}
