using EdgeSync.Node.Daemon;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Host;

/// <summary>
/// A node inside another program: it keeps repositories in sync as <c>edgesync leaf</c> does, from its start until it
/// is disposed. Its members may be called from any thread. The program keeps the process: signals, exit codes and
/// systemd are not handled here.
/// </summary>
public sealed class NodeHost : IAsyncDisposable
{
    private readonly NodeDaemon _daemon;

    private NodeHost(NodeDaemon daemon) => (_daemon, Failure) = (daemon, FirstFailureOf(daemon));

    /// <summary>This node's stable name among its peers.</summary>
    public string NodeId => _daemon.Context.NodeId;

    /// <summary>
    /// The listening addresses as URLs, by kind: <c>http</c>, <c>https</c>, <c>nats</c>, <c>nats-leaf</c>,
    /// <c>websocket</c>, <c>monitor</c>; under <c>control</c> the path of the socket for commands.
    /// </summary>
    public IReadOnlyDictionary<string, string> Addresses => _daemon.Addresses;

    /// <summary>Full paths of the open repositories; one that is still cloned for the first time is not among
    /// them.</summary>
    public IReadOnlyList<string> Repositories => _daemon.RepositoryPaths;

    /// <summary>
    /// Completes when every repository of the settings is open: at once, or when those with <c>CloneFrom</c> have their
    /// first copy. A rejected first copy ends <see cref="Failure"/> instead.
    /// </summary>
    public Task Ready => _daemon.Copied;

    /// <summary>
    /// Completes with the reason why the node cannot do its work any more: an <see cref="EdgeSyncException"/> when a
    /// first copy was rejected, another exception for a bug of the library. Dispose the node then. It does not complete
    /// when the node is disposed.
    /// </summary>
    public Task<Exception> Failure { get; }

    /// <summary>Starts a node; when this returns, its ports listen and its repositories are open or cloned.</summary>
    /// <param name="settings">Not changed afterwards, neither by the node nor by the caller.</param>
    /// <param name="options">What the program gives the node; null: the defaults.</param>
    /// <param name="cancellationToken">Gives the start up; a node that has started ignores it.</param>
    /// <exception cref="EdgeSyncException">
    /// Usage: a setting is wrong, and the message begins with its place, as <c>repositories[0].poll</c>. NotFound: a
    /// repository or folder is missing. System: a port is taken, or a file cannot be opened. Corrupt: a repository is
    /// damaged. Nothing runs afterwards.
    /// </exception>
    public static async Task<NodeHost> StartAsync(
        NodeSettings settings, NodeHostOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        options ??= new NodeHostOptions();
        SettingsCheck.Require(settings, file: null);
        NodeRun.RequireFolders(settings);
        var loaded = new LoadedSettings(settings, File: null, Values: [], FileHoldsSecret: false);
        var daemon = await NodeDaemon.StartAsync(
            () => loaded, options.IsHub ? "hub" : "leaf", options.Log, options.IsVerbose, options.Clock,
            cancellationToken);
        return new NodeHost(daemon);
    }

    /// <summary>
    /// One of <see cref="Repositories"/>, to read and to commit to; the node is notified of what is committed.
    /// </summary>
    /// <param name="repository">Its path; null where there is one only.</param>
    /// <exception cref="EdgeSyncException">NotFound: the node does not keep it, or keeps several.</exception>
    public HostedRepository Repository(string? repository = null)
    {
        var path = repository ?? (Repositories is [var only] ? only : throw new EdgeSyncException(
            ErrorKind.NotFound, $"the node keeps {Repositories.Count} repositories, and none is named",
            "name one of NodeHost.Repositories"));
        return HostedRepository.Of(_daemon.FilePathOf(path), _daemon.Context.Clock, () => NotifyChanged(path));
    }

    /// <summary>The state of the node at this moment: what <c>/status</c> shows.</summary>
    /// <returns>A record that does not change; <see cref="SyncVerdict.Of"/> derives whether a repository is in
    /// sync.</returns>
    public ValueTask<NodeStatus> StatusAsync(CancellationToken cancellationToken) =>
        _daemon.Status.SnapshotAsync(cancellationToken);

    /// <summary>
    /// Syncs with every target now, and waits for the ends of these sessions. A session that fails is a result, not an
    /// exception; the node retries it on its own.
    /// </summary>
    /// <param name="repository">Path of one repository; null: all of them.</param>
    /// <returns>One result for each repository and target; empty without a target.</returns>
    /// <exception cref="EdgeSyncException">NotFound: the node does not keep this repository.</exception>
    public Task<IReadOnlyList<SyncNowResult>> SyncAsync(
        string? repository, CancellationToken cancellationToken) =>
        _daemon.SyncNowAsync(repository, cancellationToken);

    /// <summary>
    /// Reports that this program changed a repository, so that it is announced and synced at once instead of at
    /// the next look at the file. Returns immediately.
    /// </summary>
    /// <param name="repository">Its path.</param>
    /// <exception cref="EdgeSyncException">NotFound: the node does not keep this repository.</exception>
    public void NotifyChanged(string repository) => _daemon.OnChanged(repository);

    /// <summary>
    /// Stops in order: ports close, running sessions end, repositories are closed. Afterwards the files are complete
    /// and nothing of the node runs.
    /// </summary>
    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private static async Task<Exception> FirstFailureOf(NodeDaemon daemon) =>
        await Task.WhenAny(daemon.Failure, daemon.Refused) == daemon.Failure
            ? await daemon.Failure
            : await daemon.Refused;
}

/// <summary>What a program gives the node that it hosts.</summary>
public sealed record NodeHostOptions
{
    /// <summary>
    /// The node runs as <c>edgesync hub serve</c>: it creates the users of <see cref="NodeSettings.Hub"/> and
    /// checkpoints its repositories.
    /// </summary>
    public bool IsHub { get; init; }

    /// <summary>Gets the log, a line for each event, in the format of <see cref="NodeSettings.Log"/>.</summary>
    public TextWriter Log { get; init; } = TextWriter.Null;

    /// <summary>Logs as if <c>log.level</c> were <c>debug</c>.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>The time, and all timers.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
