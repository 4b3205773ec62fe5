using System.Text.Json;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Operations;
using EdgeSync.Cli.Telemetry;
using EdgeSync.Cli.Telemetry.Otlp;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting;

/// <summary>Serves one repository until a signal comes: opens, listens, says so, drains, closes.</summary>
internal static class ServeLoop
{
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(20);

    public static async Task<ExitCode> RunAsync(
        CommandContext context, string path, XferHttpServerOptions options, CancellationToken cancellationToken)
    {
        var log = new ServeLog(context.Output.Errors, context.Clock);
        await using var host = await RepositoryHost.OpenAsync(path, new RepositoryHostOptions(), context.Clock, log, cancellationToken);
        var status = new ServeStatus(host, "leaf", context.Clock);
        await using var telemetry = NodeTelemetry.Start(
            OtlpOptions.Read(Environment.GetEnvironmentVariable, Instruments.LeafScope, Environment.MachineName), status, log, context.Clock);
        host.Pages = new OperationsPages(status, telemetry.Metrics, StatusAccess.Local);
        await using var server = await XferHttpServer.StartAsync(options, host, context.Clock, cancellationToken);
        status.Addresses = new Dictionary<string, string> { ["http"] = server.Addresses[0] };
        Announce(context, path, server.Addresses[0]);
        await using var watchdog = Watchdog.Start(status, context.Clock);
        SystemdNotify.Ready($"serving {path} on {server.Addresses[0]}");

        await WaitAsync(cancellationToken);

        SystemdNotify.Stopping();
        log.Write("stopping", ("cause", Stopping.Cause?.ToString().ToLowerInvariant()));
        using var drain = new CancellationTokenSource(DrainMax, context.Clock);
        await server.StopAsync(drain.Token);
        return ExitCode.Ok;
    }

    private static void Announce(CommandContext context, string path, string address)
    {
        context.Output.Write(new ServeReport(path, address));
        context.Output.Flush();
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

internal sealed record ServeReport(string Repository, string Address) : Printing.IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"serving {Repository} on {Address} (Ctrl-C to stop)");
        output.WriteLine("  " + ListenAddress.CloneLine(Address));
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("repository"u8, Repository);
        json.Put("address"u8, Address);
    }
}
