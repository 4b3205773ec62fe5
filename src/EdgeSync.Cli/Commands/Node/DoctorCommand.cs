using System.CommandLine;
using System.Net;
using EdgeSync.Node.Doctor;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Checks everything that a leaf started here would need.</summary>
internal static class DoctorCommand
{
    private static readonly Option<string[]> Nats = new("--nats", "--nats-url")
    {
        Description = "NATS server to try, besides those of the settings. May be repeated.",
        HelpName = "URL"
    };
    private static readonly Option<string[]> Peer = new("--peer")
    {
        Description = "Fossil server to try, besides those of the settings. May be repeated.",
        HelpName = "URL"
    };
    private static readonly Option<string?> Can = new("--can")
    {
        Description = "Settings of an asset store to check (default: config.yaml in this folder, if it is one).",
        HelpName = "FILE"
    };
    private static readonly Option<bool> Full = new("--full") { Description = "Verify large repositories too." };

    public static CommandSpec Create() =>
        new(
            "doctor", "Check repositories, ports, servers, clock, disk and secrets, with advice for each fault.",
            RunAsync)
        {
            Options = { ConfigFile.Option, Nats, Peer, Can, Full },
            Notes = """
            Checks what a leaf with these settings would use, or the one repository of -R, and an asset store. Nothing
            is changed.
            Exits with 1 if a check failed; warnings alone exit with 0.
            """,
            Examples = [
            "doctor", "doctor -R project.fossil --nats nats-leaf://hub.example:7422",
            "doctor --config /etc/edgesync/edgesync.json --json", "doctor --can /etc/edgesync/can.yaml"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        var settings = ReadSettings(context, checks);
        var repositories = RepositoriesOf(context, settings);
        foreach (var path in repositories)
            checks.AddRange(RepositoryDoctor.Examine(path, context.Get(Full), context.Clock));
        IReadOnlyList<NodeCheck> assets =
        [
            .. await CanDoctor.ExamineAsync(settings, cancellationToken),
            .. await CanDoctor.ExamineAsync(context.Get(Can), cancellationToken),
        ];
        checks.AddRange(assets);
        if (repositories.Count == 0 && assets.Count == 0)
            checks.Add(Warn("repository", "no repository was checked", "-R FILE names one"));

        var folders = repositories.Select(p => Path.GetDirectoryName(Path.GetFullPath(p)) ?? "/")
            .Append(NodePaths.StateFolder);
        checks.AddRange(folders.Where(Directory.Exists).Distinct(StringComparer.Ordinal).Select(MachineDoctor.Disk));
        checks.Add(MachineDoctor.Clock(context.Clock));
        checks.Add(MachineDoctor.OpenFiles());
        checks.AddRange(await MachineDoctor.SocketsAsync(cancellationToken));
        checks.AddRange(await DaemonDoctor.ExamineAsync(repositories, cancellationToken));
        checks.Add(await MachineDoctor.FossilAsync(cancellationToken));
        checks.AddRange(await PortsAsync(settings, cancellationToken));
        checks.AddRange(await ServersAsync(context, settings, cancellationToken));

        var report = DoctorReport.Of(checks);
        context.Output.Write(report);
        return report.Failed > 0 ? ExitCode.Failed : ExitCode.Ok;
    }

    private static NodeSettings ReadSettings(CommandContext context, List<NodeCheck> checks)
    {
        try
        {
            var loaded = new SettingsLoader(context, NodeFlags.Leaf) { Repository = context.Get(Globals.Repo) }.Load();
            checks.AddRange(MachineDoctor.Settings(loaded));
            return loaded.Settings;
        }
        catch (EdgeSyncException e)
        {
            checks.Add(Fail("settings", e.Message, e.Hint));
            return new NodeSettings();
        }
    }

    private static IReadOnlyList<string> RepositoriesOf(CommandContext context, NodeSettings settings)
    {
        if (context.Get(Globals.Repo) is { } named) return [named];
        if (settings.Repositories.Count > 0) return [.. settings.Repositories.Select(r => r.Path)];

        try
        {
            return [RepositoryFinder.Find(Environment.CurrentDirectory)];
        }
        catch (EdgeSyncException)
        {
            return [];   // nothing here, or several: then only named repositories
        }
    }

    private static async Task<IReadOnlyList<NodeCheck>> PortsAsync(
        NodeSettings settings, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        if (settings.Http.Listen is { } listen && ListenAddress.TryParse(listen, out var http))
            checks.Add(await NetworkDoctor.OwnPortAsync("http", http, cancellationToken));

        if (SettingsCheck.OpenWeb(settings.Http) is { } web)
            checks.Add(Warn("http access", web, SettingsCheck.OpenWebHint));
        if (SettingsCheck.OpenAssets(settings.Assets) is { } assets)
            checks.Add(Warn("assets access", assets, SettingsCheck.OpenAssetsHint));
        if (SettingsCheck.UnauthenticatedBindWarning(settings.Nats) is { } door)
            checks.Add(Warn("broker access", door, SettingsCheck.UnauthenticatedBindHint));
        var bind =
            settings.Nats.Bind switch
            {
                "*" => IPAddress.Any,
                "localhost" => IPAddress.Loopback,
                var text => IPAddress.Parse(text)
            };
        (string, int?)[] ports = [("nats", settings.Nats.ClientPort), ("nats-leaf", settings.Nats.LeafPort)];
        foreach (var (what, port) in ports)
        {
            if (port is { } number)
                checks.Add(await NetworkDoctor.OwnPortAsync(what, new IPEndPoint(bind, number), cancellationToken));
        }

        return checks;
    }

    private static async Task<IReadOnlyList<NodeCheck>> ServersAsync(
        CommandContext context, NodeSettings settings, CancellationToken cancellationToken)
    {
        var checks = new List<NodeCheck>();
        foreach (var url in settings.Nats.AllRemotes.SelectMany(r => r.Urls).Concat(
            context.Get(Nats) ?? []).Distinct(StringComparer.Ordinal))
        {
            checks.Add(NatsAddress.TryParse(url, out var address, out var fault)
                ? await NetworkDoctor.NatsAsync(address, cancellationToken)
                : Fail("nats", fault));
        }

        var peers = settings.Repositories.SelectMany(r => r.Peers).Concat(settings.Bridge.Projects.Select(p => p.Url))
            .Concat(context.Get(Peer) ?? []);
        foreach (var peer in peers.Distinct(StringComparer.Ordinal))
            checks.AddRange(await NetworkDoctor.PeerAsync(peer, context.Clock, cancellationToken));
        return checks;
    }
}
