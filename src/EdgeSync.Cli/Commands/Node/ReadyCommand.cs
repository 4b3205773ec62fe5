using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Requests a daemon's <c>/readyz</c>: the probe of containers without another program, and of cron.</summary>
internal static class ReadyCommand
{
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    private static readonly Argument<string?> Address = new("ADDR")
    {
        Description =
            "Address of the daemon, e.g. :8080 (default: the settings, LEAF_SERVE_HTTP, else its control socket).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Agreed = new("--agreed")
    {
        Description = "Also require a sync with a peer within this time, such as 10m.",
        HelpName = "TIME"
    };

    public static CommandSpec Create() => new("ready", "Check whether a running daemon is ready.", RunAsync)
    {
        Arguments = { Address },
        Options = { ConfigFile.Option, Agreed },
        Notes = "Prints the checks of /readyz. Exits with 0 when the daemon is ready, with 7 when it is not or does "
            + "not answer.",
        Examples = ["ready", "ready :8080 --agreed 10m", "ready -R project.fossil"],
    };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var settings = new SettingsLoader(context, NodeFlags.Leaf)
        {
            Repository = context.Get(Globals.Repo)
        }.Load().Settings;
        if ((context.Get(Address) ?? settings.Http.Listen) is not { } listen)
            return await AskControlSocketAsync(context, cancellationToken);

        var endpoint = ListenAddress.Parse(listen);
        if (endpoint.Address.Equals(IPAddress.Any)) endpoint.Address = IPAddress.Loopback;
        if (endpoint.Address.Equals(IPAddress.IPv6Any)) endpoint.Address = IPAddress.IPv6Loopback;
        var address = $"{(settings.Http.TlsCert is null ? "http" : "https")}://{endpoint}/readyz";
        if (context.Get(Agreed) is { } age) address += $"?agreed={Uri.EscapeDataString(age)}";

        var report = await AskAsync(address, cancellationToken);
        context.Output.Write(report);
        return report.Ready ? ExitCode.Ok : ExitCode.Unavailable;
    }

    /// <summary>A daemon that serves NATS peers only has no HTTP port.</summary>
    private static async Task<ExitCode> AskControlSocketAsync(
        CommandContext context, CancellationToken cancellationToken)
    {
        var (socket, _) = await SyncCommand.FindDaemonAsync(context, null, cancellationToken);
        var status = (await ControlClient.AskAsync(socket, new ControlRequest("status"), cancellationToken)).Status!;
        var report = ReadinessReport.Of(status, context.Get(Agreed), isStrict: false)
            ?? throw new EdgeSyncException(
                ErrorKind.Usage, $"invalid duration '{context.Get(Agreed)}'", "edgesync ready --agreed 10m");
        context.Output.Write(new ReadyReport(socket, report.IsReady, report.Lines));
        return report.IsReady ? ExitCode.Ok : ExitCode.Unavailable;
    }

    private static async Task<ReadyReport> AskAsync(string address, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
#pragma warning disable CA5359 // The server is this machine, by an address that no certificate names.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        using var http = new HttpClient(handler) { Timeout = AnswerTimeMax };
        try
        {
            using var response = await http.GetAsync(address, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            if (response.StatusCode == HttpStatusCode.BadRequest)
                throw new EdgeSyncException(ErrorKind.Usage, text.Trim());
            return new ReadyReport(
                address, response.IsSuccessStatusCode, text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        catch (Exception e) when (
            e is HttpRequestException or SocketException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{address} does not answer: {e.Message}",
                "start it: edgesync up FILE", e);
        }
    }
}

internal sealed record ReadyReport(string Address, bool Ready, IReadOnlyList<string> Checks) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var check in Checks) output.WriteLine(check);
    }
}
