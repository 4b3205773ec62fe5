using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Configuration;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>
/// Runs a daemon until a signal ends it.
/// <code>
/// SIGINT, SIGTERM   drain and end; a second one ends at once
/// SIGHUP            read the settings anew
/// SIGUSR1           sync now
/// </code>
/// </summary>
internal static class NodeRun
{
    /// <summary>Beyond this, work that is still under way is torn: what it has not committed is as if it had never begun.</summary>
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(8);

    public static async Task<ExitCode> RunAsync(
        CommandContext context, SettingsLoader loader, string role, Action<NodeSettings> require, CancellationToken cancellationToken)
    {
        var settings = loader.Load().Settings;
        require(settings);
        RequireFolders(settings);
        var daemon = await NodeDaemon.StartAsync(loader, role, context.Output.Errors, context.IsVerbose, context.Clock, cancellationToken);
        try
        {
            return await ServeAsync(context, daemon, role, cancellationToken);
        }
        finally
        {
            await EndAsync(daemon, context.Clock);
        }
    }

    // Later a folder may come and go; at the start a missing one is a slip.
    private static void RequireFolders(NodeSettings settings)
    {
        if (settings.Repositories.Find(r => r.Watch is { } watch && !Directory.Exists(watch.Folder)) is not { Watch.Folder: var folder }) return;

        throw new EdgeSyncException(ErrorKind.NotFound, $"the watched folder {folder} does not exist", "make it, or name another: --watch FOLDER");
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
            daemon.Log.Write(LogLevel.Warning, "stopping without waiting any longer", ("after", StopMax.ToString()));
        }
    }

    private static async Task<ExitCode> ServeAsync(CommandContext context, NodeDaemon daemon, string role, CancellationToken cancellationToken)
    {
        await using var work = new RunningTasks(daemon.Surroundings.Failed, daemon.Log);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            work.Start(() => ReloadAsync(daemon, cancellationToken));
        });
        using var user1 = RegisterUser1(() => work.Start(() => SyncNowAsync(daemon, cancellationToken)));

        await using var watchdog = Watchdog.Start(daemon, context.Clock);
        if (!daemon.Copied.IsCompleted) SystemdNotify.Ready($"{role} {daemon.Surroundings.NodeId}: waiting for the first copy");

        // Its lines to try are good once there is something to try them with.
        var end = WaitAsync(daemon, cancellationToken);
        if (await Task.WhenAny(daemon.Copied, end) == daemon.Copied) Report(context, daemon, role);
        var failure = await end;
        SystemdNotify.Stopping();
        if (failure is not null) throw new InvariantException($"a part of the daemon failed: {failure}");

        daemon.Log.Write("stopping", ("cause", Stopping.Cause?.ToString().ToLowerInvariant()));
        return ExitCode.Ok;
    }

    private static void Report(CommandContext context, NodeDaemon daemon, string role)
    {
        var paths = daemon.RepositoryPaths;
        context.Output.Write(new NodeReport(
            paths.Count == 1 ? paths[0] : null, daemon.Addresses.GetValueOrDefault("http"), daemon.Surroundings.NodeId, role, paths, daemon.Addresses)
        {
            ProjectCode = daemon.ProjectCodes is [var code] ? code : null,
            Users = daemon.MadeUsers.Count > 0 ? daemon.MadeUsers : null,
            JoinAddresses = ReachableAddress.JoinAddresses(daemon.Addresses),
        });
        context.Output.Flush();
        SystemdNotify.Ready($"{role} {daemon.Surroundings.NodeId}: {paths.Count} repositories");
    }

    private static PosixSignalRegistration? RegisterUser1(Action handle)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return null;

        // The framework has no name for it; numbers as in signal(7).
        var number = OperatingSystem.IsLinux() ? 10 : 30;
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
        daemon.Log.Write("sync now", ("done", string.Join(' ', results.Select(r => $"{r.Target}:{r.Status}"))));
    }

    private static async Task<Exception?> WaitAsync(NodeDaemon daemon, CancellationToken cancellationToken)
    {
        try
        {
            var first = await Task.WhenAny(daemon.Failure, daemon.Over, daemon.Refused).WaitAsync(cancellationToken);
            if (first == daemon.Refused) throw await daemon.Refused;
            return first == daemon.Failure ? await daemon.Failure : null;
        }
        catch (OperationCanceledException)
        {
            return null;   // the signal that ends us
        }
    }
}

/// <param name="Repository">When there is only one.</param>
/// <param name="Address">Where Fossil clients are answered; absent without <c>--serve-http</c>.</param>
/// <param name="Addresses">By what: <c>http</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>, <c>monitor</c>, <c>control</c>.</param>
internal sealed record NodeReport(
    string? Repository, string? Address, string Node, string Role, IReadOnlyList<string> Repositories, IReadOnlyDictionary<string, string> Addresses) : IReport
{
    /// <summary>Of the only repository.</summary>
    public string? ProjectCode { get; init; }

    /// <summary>Logins that a hub has made, with their passwords, which are shown once.</summary>
    public IReadOnlyList<MadeUser>? Users { get; init; }

    /// <summary>What another machine may give to <c>--nats</c>, the best first.</summary>
    public IReadOnlyList<string> JoinAddresses { get; init; } = [];

    public void Print(TextWriter output)
    {
        output.WriteLine(Repositories.Count == 0 ? $"{Role} {Node} (Ctrl-C to stop)" : $"{Role} {Node} keeps {(Repositories.Count == 1 ? Repositories[0] : $"{Repositories.Count} repositories")} (Ctrl-C to stop)");
        foreach (var user in Users ?? []) output.WriteLine(user.Password is null ? $"  made the user {user.Login}" : $"  made the user {user.Login}, password {user.Password}");
        if (Address is not null && Repositories.Count > 0) output.WriteLine("  " + ListenAddress.CloneLine(Address, Repositories.Count > 1 ? "/NAME" : ""));
        if (JoinAddresses.Count == 0) return;

        output.WriteLine($"  edgesync leaf --repo copy.fossil --nats {JoinAddresses[0]}{(ProjectCode is null ? "" : $" --clone-from nats --project {ProjectCode}")}");
        if (JoinAddresses.Count > 1) output.WriteLine($"  or --nats {string.Join(", ", JoinAddresses.Skip(1))}");
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("repository"u8, Repository);
        json.Put("address"u8, Address);
        json.Put("node"u8, Node);
        json.Put("role"u8, Role);
        json.Put("repositories"u8, Repositories);
        json.Put("addresses"u8, Addresses);
        json.Put("project_code"u8, ProjectCode);
        json.Put("users"u8, Users);
        json.Put("join_addresses"u8, JoinAddresses);
    }
}
