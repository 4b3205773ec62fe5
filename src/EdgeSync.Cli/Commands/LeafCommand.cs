using EdgeSync.Cli.Configuration;
using EdgeSync.Cli.Hosting.Node;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>The daemon beside one or many repositories.</summary>
internal static class LeafCommand
{
    public static Verb Create() => Create("leaf", "leaf");

    /// <summary>The same daemon below another name.</summary>
    /// <param name="path">The command as it is typed.</param>
    public static Verb Create(string name, string path)
    {
        var verb = new Verb(name, "Keep repositories in step with other machines, and serve them, until stopped.", RunAsync)
        {
            Options = { ConfigFile.Option },
            Notes = """
                The repository: --repo or LEAF_REPO; without either, those of edgesync.json. A flag overrules its variable, which overrules the file.
                GET /healthz says alive, /readyz ready or why not, /status everything.
                SIGINT and SIGTERM let running exchanges finish, a second one ends at once; SIGHUP reads the settings anew; SIGUSR1 syncs now.
                """,
            Examples =
            [
                $"{path} --repo project.fossil --serve-http :8080",
                $"{path} --repo project.fossil --nats-leaf-port 7422 --nats-bind '*'",
                $"{path} --repo project.fossil --nats nats-leaf://first-machine:7422",
                $"{path} --repo project.fossil --peer https://host/project --user alice --password-file secret.txt",
                $"{path} --repo project.fossil --serve-http '*:443' --tls-cert fullchain.pem --tls-key privkey.pem",
                $"{path} --config /etc/edgesync/edgesync.json",
            ],
        };
        foreach (var flag in NodeFlags.Leaf) verb.Options.Add(flag.Option);
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var loader = new SettingsLoader(context, NodeFlags.Leaf) { Repository = context.Get(Globals.Repo) };
        return NodeRun.RunAsync(context, loader, "leaf", Require, cancellationToken);
    }

    private static void Require(NodeSettings settings)
    {
        if (settings.Repositories.Count == 0)
            throw new EdgeSyncException(ErrorKind.Usage, "a leaf needs a repository", "--repo FILE, LEAF_REPO, or repositories in edgesync.json");
        if (settings.Http.Address is null && !settings.Nats.IsUseful && settings.Repositories.All(r => r.Peers.Count == 0))
            throw new EdgeSyncException(ErrorKind.Usage, "a leaf needs something to do", "--nats URL, --nats-leaf-port 7422, --serve-http :8080 or --peer URL");
    }
}
