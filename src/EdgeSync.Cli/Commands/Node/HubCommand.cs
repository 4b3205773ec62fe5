using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>A hub: the repository that all peers push to and pull from, with a broker that leaves join.</summary>
internal static class HubCommand
{
    private static readonly Argument<string?> Which = new("PID|REPO")
    {
        Description = "Process id or repository file (default: -R, or the only running daemon).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Defaults of section <c>hub</c>, which only <c>hub serve</c> uses.</summary>
    internal static IReadOnlyList<(string Path, SettingInput Value)> SectionPreset { get; } =
        [("hub.nobody_caps", SettingInput.Of("gio"))];

    public static CommandSpec Create()
    {
        var serve = new CommandSpec(
            "serve", "Run a hub: a repository, a web server for Fossil clients, and a NATS broker that leaves join.",
            ServeAsync)
        {
            Options = { ConfigFile.Option },
            HeadingOf = option => FlagOption.HeadingOf(NodeFlags.Hub, option),
            Notes = """
                Without -R the repository is hub.fossil in the state folder ('edgesync config paths'). A missing one is
                created, or cloned from --clone-from. All ports are on loopback and chosen freely by default;
                --url-file writes the addresses to a file for other programs.
                """,
            Examples =
            [
                "hub serve",
                "hub serve -R project.fossil --bind '*' --http-port 8080 --nats-leaf-port 7422",
                "hub serve --nats nats-leaf://region:7422 --nobody-caps gio --ensure-user alice:giou",
                "hub serve --nats-server auto --store-dir /var/lib/edgesync/jetstream",
            ],
        };
        FlagOption.AddTo(serve, NodeFlags.Hub);
        return new CommandSpec("hub", "Run a hub that other machines sync with.")
        {
            Subcommands =
            {
                serve,
                new CommandSpec("status", "Show a running hub: addresses, leaves, repositories, peers.", StatusAsync)
                {
                    Arguments = { Which },
                    Examples = ["hub status", "hub status project.fossil --json"],
                },
            },
        };
    }

    private static Task<ExitCode> ServeAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var loader = new SettingsLoader(context, NodeFlags.Hub)
        {
            Repository = context.Get(Globals.Repo),
            RepositoryVariable = "HUB_REPO",
            Preset =
            [
                ("nats.role", SettingInput.Of("hub")), ("nats.client_port", SettingInput.Of("0")),
                    ("nats.leaf_port", SettingInput.Of("0")),
                ("http.port", SettingInput.Of("0")), ("telemetry.service_name", SettingInput.Of("edgesync-hub")),
                .. SectionPreset,
            ],
            Complete = Complete,
        };
        return NodeCommand.RunAsync(context, loader, "hub", _ => { }, cancellationToken);
    }

    private static void Complete(NodeSettings settings)
    {
        if (settings.Repositories.Count == 0)
        {
            settings.Repositories.Add(new RepositorySettings { Path = DefaultFile(settings) });
        }

        var first = settings.Repositories[0];
        settings.Nats.StoreDir ??= Path.Combine(Path.GetDirectoryName(Path.GetFullPath(first.Path))!, "messaging");
        first.ProjectCode ??= settings.Hub.ProjectCode;
        first.CloneFrom ??= settings.Hub.SeedFrom;
    }

    // In the state folder of 'edgesync config paths'. Until 0.1 it was another file, which an existing hub keeps.
    private static string DefaultFile(NodeSettings settings)
    {
        var home = Environment.GetFolderPath(
            Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        var older = Path.Combine(home, ".edgesync", NodeName.Of(settings, "hub"), "hub.repo");
        return File.Exists(older)
            ? older
            : Path.Combine(
                NodePaths.StateFolder,
                settings.Node.Name is { } name ? Path.Combine(name, "hub.fossil") : "hub.fossil");
    }

    private static async Task<ExitCode> StatusAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (socket, _) = await SyncCommand.FindDaemonAsync(context, context.Get(Which), cancellationToken);
        var reply = await ControlClient.AskAsync(socket, new ControlRequest("status"), cancellationToken);
        context.Output.Write(new DaemonReport(reply.Status!));
        return reply.Status!.Ready ? ExitCode.Ok : ExitCode.Unavailable;
    }
}

/// <param name="Status">As in <c>/status</c> (docs/status.md).</param>
internal sealed record DaemonReport(NodeStatus Status) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine(
            $"{Status.Role} {Status.Node}, version {Status.Version}, process {Status.ProcessId}, up "
                + $"{DisplayText.Span(Status.Now - Status.StartedAt)}");
        foreach (var (what, address) in Status.Addresses) output.WriteLine($"  {what,-10} {address}");
        if (Status.Assets is { } assets) output.WriteLine($"  assets: {AssetsText.Of(assets)}");
        if (Status.Broker is { } broker)
            output.WriteLine(
                $"  {broker.Kind}: {broker.LeafNodes} leaves, {broker.Connections} clients, "
                    + $"{DisplayText.Number(broker.MessagesIn)} messages in, "
                        + $"{DisplayText.Number(broker.MessagesOut)} out");
        if (Status.Nats is { Mode: not "embedded" } link)
            output.WriteLine(
                $"  {link.Mode} of {link.Url ?? "?"}: "
                    + $"{link.State}{(link.LastError is { Length: > 0 } error ? $" ({error})" : "")}");
        foreach (var check in Status.Checks.Where(c => c.State != CheckState.Ok))
            output.WriteLine($"  {check.Name}: {check.Detail}");
        foreach (var repository in Status.Repositories)
        {
            output.WriteLine(
                $"  {repository.Path}: {repository.Checkins} check-ins, {repository.Peers.Count} peers known, "
                    + $"{repository.Peers.Count(p => p.Route is not null)} here");
            foreach (var target in repository.Targets.Where(t => t.Behind is not null))
                output.WriteLine($"    {target.Target}: {target.Behind}");
        }

        foreach (var project in Status.Bridge)
            output.WriteLine(
                $"  {project.ProjectCode[..10]} → {project.Upstream}: {project.State}, {project.Requests} requests, "
                    + $"{project.Errors} errors");
    }
}
