using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Agent;
using EdgeSync.Node.Can.Mirror;

namespace EdgeSync.Cli.Commands.Can;

/// <summary><c>can sync</c>: the mirror of a service as a process of its own.</summary>
internal static class AgentCommand
{
    private static readonly Argument<string> Settings = new("CONFIG")
    {
        Description = "Settings of the agent (default: config.yaml in this folder).",
        DefaultValueFactory = _ => CanSettings.DefaultFile,
    };

    private static readonly Option<string[]> Peer = new("--peer")
    {
        Description = "Ticket or id of another store of the mirror (repeatable), where it is not found otherwise.",
        HelpName = "TICKET"
    };

    private static readonly Option<string?> Limit = new("--limit")
    {
        Description = "Bytes per second of content, also by time of day: '5MB', 'off 08:00-18:00=500KB'.",
        HelpName = "RATE"
    };

    public static CommandSpec Create() => new("sync", "Mirror a service that runs beside it, until stopped.", RunAsync)
    {
        Arguments = { Settings },
        Options = { Peer, Limit },
        Notes = "The agent of a service: reaches it over HTTP alone (can_service_url, sync_api_key), and other stores "
            + "by their sync_passphrase. It waits for a service that does not answer. What it keeps is in a folder "
            + "with the name of the settings (agent_folder). 'can serve --sync' does the same in one process.",
        Examples = ["can sync", "can sync /etc/edgesync/agent.yaml", "can sync agent.yaml --limit 5MB --json"],
    };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var file = context.Require(Settings);
        var settings = CanSettings.Load(file);
        var mirror = settings.Mirror;
        if (context.Get(Peer) is { Length: > 0 } peers)
            mirror = mirror with { Peers = [.. mirror.Peers, .. peers.Select(MirrorKeys.PeerOf)] };
        if (context.Get(Limit) is { } limit) mirror = MirrorKeys.WithLimit(mirror, limit);
        await AgentRun.RunAsync(
            settings with { Mirror = mirror }, Path.GetFileNameWithoutExtension(file) + ".agent",
            context.Output.Errors, context.IsVerbose, context.Clock,
            started =>
            {
                context.Output.Write(new CanMirroringReport(
                    "mirroring", started.Service, started.Folder, Environment.ProcessId, started.Endpoint,
                    started.Ticket, started.Url));
                context.Output.Flush();
            },
            cancellationToken);
        return ExitCode.Ok;
    }
}

internal sealed record CanMirroringReport(
    string Event, string Service, string Folder, int Pid, string Endpoint, string Ticket, string? Url) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"agent of {Service} (Ctrl-C to stop)");
        output.WriteLine($"  mirrored as {Endpoint}");
        if (Url is not null) output.WriteLine($"  commands: --url {Url}");
    }
}
