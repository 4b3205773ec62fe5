using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary>The group of commands about asset stores (docs/can.md).</summary>
internal static class CanCommand
{
    private static readonly Option<string?> Storage = new("--storage")
    {
        Description = "The storage folder (default: that of the settings, ./can_data).",
        HelpName = "FOLDER"
    };

    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port to listen on, 0 for any free one (default: CAN_PORT, the settings, 3210).",
        HelpName = "PORT"
    };

    private static readonly Option<bool> Sync = new("--sync")
    {
        Description = "Mirror it with all stores that have its sync_passphrase (or CAN_SYNC_PASSPHRASE)."
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

    private static readonly Option<string[]> Configs = new("--config")
    {
        Description = "Settings of the asset store (default: config.yaml in this folder, if there is one). Repeated: "
            + "one process serves several stores, each with a file of its own.",
        HelpName = "FILE"
    };

    public static CommandSpec Create() => new("can", "Store, find and serve assets: files with tags and details.")
    {
        Subcommands =
        {
            new CommandSpec("serve", "Serve an asset store over HTTP until stopped.", ServeAsync)
            {
                Options = { Configs, Storage, Port, Sync, Peer, Limit },
                Notes = "Listens on this machine alone, unless bind_address is set. Everything is in the storage "
                    + "folder; one process may have it open.",
                Examples =
                [
                    "can serve", "can serve --config /etc/edgesync/can.yaml", "can serve --port 0 --json",
                    "can serve --sync", "can serve --sync --limit 'off 08:00-18:00=500KB'",
                    "can serve --config photos.yaml --config plans.yaml",
                ],
            },
            AgentCommand.Create(),
            StoringCommands.Put(),
            StoringCommands.Get(),
            ListingCommands.List(),
            ListingCommands.Search(),
            EditingCommands.Tag(),
            EditingCommands.Remove(),
            EditingCommands.Restore(),
            StoringCommands.Import(),
            StoringCommands.Export(),
            StateCommands.Verify(),
            StateCommands.Status(),
            MirrorCommands.Peers(),
            MirrorCommands.Answer(),
            MirrorCommands.Pause(),
            MirrorCommands.Resume(),
            MirrorCommands.Retire(),
        },
    };

    private static async Task<ExitCode> ServeAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var files = context.Get(Configs) ?? [];
        if (files.Length > 1) RequireOneForEach(context, files.Length);
        CanSettings[] stores = files.Length == 0 ? [SettingsOf(context, null)]
            : [.. files.Select(file => SettingsOf(context, file))];
        await CanRun.RunAsync(
            stores, context.Output.Errors, context.IsVerbose, context.Clock,
            started =>
            {
                context.Output.Write(new CanListeningReport(
                    "listening", started.Url, started.Storage, Environment.ProcessId, started.Endpoint,
                    started.Ticket));
                context.Output.Flush();
            },
            cancellationToken);
        return ExitCode.Ok;
    }

    private static void RequireOneForEach(CommandContext context, int stores)
    {
        var given = context.IsGiven(Storage) ? "--storage" : context.IsGiven(Port) ? "--port"
            : context.IsGiven(Peer) ? "--peer" : context.IsGiven(Limit) ? "--limit"
            : Environment.GetEnvironmentVariable(CanSettings.PortVariable) is { Length: > 0 } ? CanSettings.PortVariable
            : null;
        if (given is not null)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{given} is about one store, and {stores} files of settings are named",
                "set it in each file: storage_root, port, sync_peers, sync_limit");
    }

    private static CanSettings SettingsOf(CommandContext context, string? file)
    {
        var settings = CanSettings.Load(file);
        if (context.Get(Storage) is { Length: > 0 } storage) settings = settings with { StorageRoot = storage };
        if (context.IsGiven(Port))
        {
            var port = context.Get(Port);
            if (port is < 0 or > ushort.MaxValue) throw new EdgeSyncException(ErrorKind.Usage, $"{port} is not a port");
            settings = settings with { Port = port };
        }

        return settings with { Mirror = MirrorOf(context, settings.Mirror) };
    }

    private static MirrorSettings MirrorOf(CommandContext context, MirrorSettings settings)
    {
        settings = settings with { IsOn = settings.IsOn || context.Get(Sync) };
        if (!settings.IsOn && (context.IsGiven(Peer) || context.IsGiven(Limit)))
            throw new EdgeSyncException(
                ErrorKind.Usage, "--peer and --limit are about the mirror", "add --sync");
        if (context.Get(Peer) is { Length: > 0 } peers)
            settings = settings with { Peers = [.. settings.Peers, .. peers.Select(MirrorKeys.PeerOf)] };
        return context.Get(Limit) is { } limit ? MirrorKeys.WithLimit(settings, limit) : settings;
    }
}

internal sealed record CanListeningReport(
    string Event, string Url, string Storage, int Pid, string? Endpoint, string? Ticket) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"asset store at {Url} (Ctrl-C to stop)");
        output.WriteLine($"  files in {DisplayText.Name(Storage)}");
        if (Endpoint is not null) output.WriteLine($"  mirrored as {Endpoint}");
    }
}
