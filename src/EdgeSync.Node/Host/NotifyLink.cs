using System.Globalization;
using EdgeSync.Agent.Messages;
using EdgeSync.Node.Control;
using EdgeSync.Node.Notify;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Host;

/// <summary>
/// A leaf for the messages alone, for as long as a command runs: on a machine that has no other, a command joins a
/// NATS server itself. It syncs, publishes and acknowledges as each leaf does, and opens no port.
/// </summary>
internal sealed class NotifyLink : IAsyncDisposable
{
    // A name has 64 at most.
    private const int HostCharsMax = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly NodeHost? _node;
    private readonly string _path;
    private readonly TimeProvider _clock;

    private NotifyLink(NodeHost? node, string path, TimeProvider clock) =>
        (_node, _path, _clock) = (node, path, clock);

    /// <summary>False where a node of this machine keeps the messages already: it does all that, and better.</summary>
    public bool IsOwn => _node is not null;

    /// <param name="path">The repository of messages.</param>
    /// <param name="url">Of a NATS server, <c>nats://</c> or <c>nats-leaf://</c>.</param>
    /// <exception cref="EdgeSyncException">Usage: the address. System, Corrupt: the repository.</exception>
    public static async Task<NotifyLink> OpenAsync(
        string path, string url, TextWriter log, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (ControlClient.Find(path) is not null) return new NotifyLink(null, path, clock);

        var settings = new NodeSettings
        {
            Node = { Name = NameOf(Environment.MachineName, Environment.ProcessId) },
            Nats = { Urls = [url] },
            Repositories = [new RepositorySettings { Path = path, Uv = true, MessagesOf = path }],
        };
        var node = await NodeHost.StartAsync(
            settings, new NodeHostOptions { Log = log, Clock = clock }, cancellationToken);
        return new NotifyLink(node, path, clock);
    }

    /// <summary>The node's name: several commands of a machine are several nodes.</summary>
    internal static string NameOf(string machine, int processId)
    {
        var host = machine.Split('.')[0];
        return ProjectSubjects.PeerNameOf(string.Create(
            CultureInfo.InvariantCulture, $"{host[..Math.Min(host.Length, HostCharsMax)]}-notify-{processId}"));
    }

    /// <summary>
    /// Waits until a message is with another node, and was published. A session that succeeds proves nothing by itself:
    /// where this node may not push, the other one fetches what is announced, as long as this one is there. So what
    /// counts for a message of this device is that something was pushed, or that another device has acknowledged it.
    /// </summary>
    /// <returns>False: that was not so in time. It is kept here, and goes with the next sync.</returns>
    public async Task<bool> DeliverAsync(NotifyItem item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_node is null) return true;

        var end = _clock.GetTimestamp();
        var (isSynced, isPushed) = (false, false);
        do
        {
            if (!isSynced)
            {
                var sessions = await _node.SyncAsync(_path, cancellationToken);
                isSynced = sessions.Any(s => s.Status != "failed");
                isPushed = sessions.Any(s => s.Sent > 0);
            }

            if (isSynced && IsDelivered(item, isPushed)) return true;

            await Task.Delay(Pause, _clock, cancellationToken);
        }
        while (_clock.GetElapsedTime(end) < timeout);

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
    }

    private bool IsDelivered(NotifyItem item, bool isPushed)
    {
        using var repository = Repository.Open(_path, RepositoryOptions.ReadOnly with { Clock = _clock });
        var notify = new NotifyRepository(repository);
        return notify.Queries.Mark(NotifyTrace.PublishedMark) >= item.Seq
            && (isPushed || item.From != notify.Device || notify.Queries.AcksOf(item.Id).Count > 0);
    }
}
