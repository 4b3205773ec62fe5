using EdgeSync.Cli.Commands.Node;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>The daemon beside one or many repositories.</summary>
internal static class LeafCommand
{
    public static CommandSpec Create() => Create("leaf", "leaf");

    /// <summary>The same daemon under another name.</summary>
    /// <param name="path">The command as it is typed.</param>
    public static CommandSpec Create(string name, string path)
    {
        var verb = new CommandSpec(
            name, "Keep repositories in sync with other machines, and serve them, until stopped.", RunAsync)
        {
            Options = { ConfigFile.Option },
            HeadingOf = option => FlagOption.HeadingOf(NodeFlags.Leaf, option),
            Notes = """
                The repository is --repo or LEAF_REPO, otherwise those of edgesync.json. A flag overrides its variable [in
                brackets], which overrides the file. --push, --push=true, --push=false and --no-push all work.
                GET /healthz: the process is alive; /readyz: the node is ready; /status: everything.
                SIGINT and SIGTERM let running exchanges finish, a second one ends at once; SIGHUP reloads the settings;
                SIGUSR1 syncs now; SIGUSR2 stops when the NATS clients have moved to another server.
                """,
            Examples =
            [
                $"{path} --repo project.fossil --serve-http :8080",
                $"{path} --repo project.fossil --nats-leaf-port 7422 --nats-bind '*'",
                $"{path} --repo project.fossil --iroh --iroh-peer TICKET",
                $"{path} --repo project.fossil --nats nats-leaf://first-machine:7422",
                $"{path} --repo project.fossil --serve-http :8080 --assets /srv/assets",
                $"{path} --repo project.fossil --peer https://host/project --user alice --password-file secret.txt",
                $"{path} --repo project.fossil --serve-http '*:443' --tls-cert fullchain.pem --tls-key privkey.pem",
                $"{path} --config /etc/edgesync/edgesync.json",
            ],
        };
        FlagOption.AddTo(verb, NodeFlags.Leaf);
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var loader = new SettingsLoader(context, NodeFlags.Leaf) { Repository = context.Get(Globals.Repo) };
        return NodeCommand.RunAsync(context, loader, "leaf", Require, cancellationToken);
    }

    private static void Require(NodeSettings settings)
    {
        if (settings.Repositories.Count == 0 && settings.Assets.IsOn) return;
        if (settings.Repositories.Count == 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a leaf needs a repository",
                "--repo FILE, LEAF_REPO, or repositories in edgesync.json");
        if (!settings.Assets.IsOn && settings.Http.Address is null && !settings.Nats.IsUseful && !settings.Iroh.Enabled
            && settings.Repositories.All(r => r.Peers.Count == 0))
            throw new EdgeSyncException(
                ErrorKind.Usage, "a leaf needs something to do",
                "--nats URL, --nats-leaf-port 7422, --serve-http :8080, --peer URL or --iroh");
    }
}
