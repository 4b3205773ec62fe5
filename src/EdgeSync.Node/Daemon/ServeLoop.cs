using EdgeSync.Net.Http;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>Serves one repository until a signal comes: opens, listens, says so, drains, closes.</summary>
internal static class ServeLoop
{
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(20);

    /// <param name="path">The repository file.</param>
    /// <param name="options">Where it listens, and for how many.</param>
    /// <param name="run">What the process around it gives.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="EdgeSyncException">It cannot start.</exception>
    public static async Task RunAsync(
        string path, ServeLoopOptions options, NodeRunOptions run, CancellationToken cancellationToken)
    {
        var listening = options.ToServerOptions();
        var log = new ServeLog(run.Errors, run.Clock);
        await using var host = await RepositoryHost.OpenAsync(path, new RepositoryHostOptions(), run.Clock, log, cancellationToken);
        var status = new ServeStatus(host, "leaf", run.Clock);
        await using var telemetry = NodeTelemetry.Start(
            OtlpOptions.Read(Environment.GetEnvironmentVariable, Instruments.LeafScope, Environment.MachineName), status, log, run.Clock);
        host.Pages = new OperationsPages(status, telemetry.Metrics, StatusAccess.Local);
        await using var server = await XferHttpServer.StartAsync(listening, host, run.Clock, cancellationToken);
        status.Addresses = new Dictionary<string, string> { ["http"] = server.Addresses[0] };
        run.Started(new StartedNode(Environment.MachineName, "leaf", [path], status.Addresses));
        await using var watchdog = Watchdog.Start(status, run.Clock);
        SystemdNotify.Ready($"serving {path} on {server.Addresses[0]}");

        await WaitAsync(cancellationToken);

        SystemdNotify.Stopping();
        log.Write("stopping", ("cause", run.StopCause()));
        using var drain = new CancellationTokenSource(DrainMax, run.Clock);
        await server.StopAsync(drain.Token);
    }

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The signal that ends us.
        }
    }
}

/// <summary>Where one repository is served, and for how many.</summary>
/// <param name="Listen">As people write it, such as <c>127.0.0.1:8080</c>.</param>
/// <param name="TlsCertificateFile">PEM, with its chain; null serves http.</param>
/// <param name="TlsKeyFile">PEM; null when the certificate's file holds it.</param>
internal sealed record ServeLoopOptions(
    string Listen, string? TlsCertificateFile, string? TlsKeyFile, long RequestBytesMax, int ConcurrentExchangesMax)
{
    internal XferHttpServerOptions ToServerOptions() => new()
    {
        Listen = [ListenAddress.Parse(Listen)],
        TlsCertificateFile = TlsCertificateFile,
        TlsKeyFile = TlsKeyFile,
        RequestBytesMax = RequestBytesMax,
        ConcurrentExchangesMax = ConcurrentExchangesMax,
    };
}
