using System.Runtime.InteropServices;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Runs a daemon until a signal ends it.
/// <code>
/// SIGINT, SIGTERM   drain and end; a second one ends at once
/// SIGHUP            reload the settings
/// SIGUSR1           sync now
/// SIGUSR2           lame duck mode of the broker, as of nats-server: end when its clients have left
/// </code>
/// </summary>
internal static class NodeRun
{
    /// <summary>
    /// After this time, unfinished work is aborted: uncommitted work is rolled back.
    /// </summary>
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(8);

    /// <param name="loader">Reads the settings, now and at each reload.</param>
    /// <param name="role"><c>leaf</c>, <c>hub</c> or <c>bridge</c>.</param>
    /// <param name="require">Throws when the settings leave nothing to run.</param>
    /// <param name="options">The options of the process.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task RunAsync(
        SettingsLoader loader, string role, Action<NodeSettings> require, NodeRunOptions options,
        CancellationToken cancellationToken)
    {
        var settings = loader.Load().Settings;
        require(settings);
        RequireFolders(settings);
        var daemon = await NodeDaemon.StartAsync(
            loader.Load, role, options.Errors, options.IsVerbose, options.Clock, cancellationToken,
            options.OwnerKey);
        try
        {
            await ServeAsync(options, daemon, role, cancellationToken);
        }
        finally
        {
            await EndAsync(daemon, options.Clock);
        }
    }

    // Later a folder may disappear and return; at the start a missing one is an error.
    internal static void RequireFolders(NodeSettings settings)
    {
        if (settings.Repositories.Find(
            r => r.Watch is { } watch && !Directory.Exists(watch.Folder)) is not { Watch.Folder: var folder })
            return;

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"the watched folder {folder} does not exist",
            "make it, or name another: --watch FOLDER");
    }

    private static async Task EndAsync(NodeDaemon daemon, TimeProvider clock)
    {
        var end = daemon.DisposeAsync().AsTask();
        try
        {
            await end.WaitAsync(StopMax, clock);
        }
        catch (TimeoutException)
        {
            daemon.Log.NodeStopTimeout(StopMax.TotalSeconds);
        }
    }

    private static async Task ServeAsync(
        NodeRunOptions options, NodeDaemon daemon, string role, CancellationToken cancellationToken)
    {
        await using var work = new RunningTasks(daemon.Context.Failed, daemon.Log);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            work.Start(() => ReloadAsync(daemon, cancellationToken));
        });
        using var user1 = Register(User1, () => work.Start(() => SyncNowAsync(daemon, cancellationToken)));
        using var user2 = Register(User2, () => work.Start(() => daemon.DrainAsync(cancellationToken)));

        await using var watchdog = Watchdog.Start(daemon.Status, options.Clock);
        if (!daemon.Copied.IsCompleted)
            SystemdNotify.Ready($"{role} {daemon.Context.NodeId}: waiting for the first copy");

        // The printed hints work once the node runs.
        var end = WaitAsync(daemon, cancellationToken);
        if (await Task.WhenAny(daemon.Copied, end) == daemon.Copied) Report(options, daemon, role);
        var failure = await end;
        SystemdNotify.Stopping();
        if (failure is not null) throw new InvariantException($"a part of the daemon failed: {failure}");

        daemon.Log.NodeStopping(options.StopCause());
    }

    private static void Report(NodeRunOptions options, NodeDaemon daemon, string role)
    {
        var paths = daemon.RepositoryPaths;
        daemon.Log.NodeStarted(role, BuildInfo.Version, paths.Count);
        options.Started(new StartedNode(daemon.Context.NodeId, role, paths, daemon.Addresses)
        {
            ProjectCode = daemon.ProjectCodes is [var code] ? code : null,
            Users = daemon.MadeUsers,
            JoinAddresses = ReachableAddress.JoinAddresses(daemon.Addresses),
        });
        SystemdNotify.Ready($"{role} {daemon.Context.NodeId}: {paths.Count} repositories");
    }

    // .NET has no names for these; numbers as in signal(7).
    private static int User1 => OperatingSystem.IsLinux() ? 10 : 30;

    private static int User2 => OperatingSystem.IsLinux() ? 12 : 31;

    private static PosixSignalRegistration? Register(int number, Action handle)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return null;

        return PosixSignalRegistration.Create((PosixSignal)number, signal =>
        {
            signal.Cancel = true;
            handle();
        });
    }

    private static async Task ReloadAsync(NodeDaemon daemon, CancellationToken cancellationToken)
    {
        try
        {
            await daemon.ReloadAsync(cancellationToken);
        }
        catch (EdgeSyncException)
        {
            // Logged; the old settings stay.
        }
    }

    private static async Task SyncNowAsync(NodeDaemon daemon, CancellationToken cancellationToken)
    {
        var results = await daemon.SyncNowAsync(null, cancellationToken);
        daemon.Log.SyncRequested(string.Join(' ', results.Select(r => $"{r.Target}:{r.Status}")));
    }

    private static async Task<Exception?> WaitAsync(NodeDaemon daemon, CancellationToken cancellationToken)
    {
        try
        {
            var first = await Task.WhenAny(daemon.Failure, daemon.Over, daemon.Drained, daemon.Refused)
                .WaitAsync(cancellationToken);
            if (first == daemon.Refused) throw await daemon.Refused;
            return first == daemon.Failure ? await daemon.Failure : null;
        }
        catch (OperationCanceledException)
        {
            return null;   // the signal that ends us
        }
    }
}
