using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Connects NATS peers to Fossil servers that support HTTP only.</summary>
internal static class BridgeCommand
{
    public static CommandSpec Create()
    {
        var serve = new CommandSpec("serve", "Carry requests between NATS and Fossil servers until stopped.", RunAsync)
        {
            Options = { ConfigFile.Option },
            HeadingOf = option => FlagOption.HeadingOf(NodeFlags.Bridge, option),
            Notes = """
                One project by flags, or several by bridge.projects of edgesync.json. Logins travel inside the messages;
                --http-auth-file is for a web server in front. Called through a link named 'bridge' the program is this command.
                """,
            Examples =
            [
                "bridge serve --nats nats-leaf://hub:7422 --fossil-url https://host/project --project "
                    + "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
                "bridge serve --config /etc/edgesync/edgesync.json --serve-http :9090",
            ],
        };
        FlagOption.AddTo(serve, NodeFlags.Bridge);
        return new CommandSpec("bridge", "Connect a NATS network to ordinary Fossil servers.")
        {
            Subcommands = { serve }
        };
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var loader = new SettingsLoader(context, NodeFlags.Bridge)
        {
            RepositoryVariable = "BRIDGE_REPO_IS_NEVER_SET",
            ListOfFlags = "bridge.projects",
            Preset = [("telemetry.service_name", SettingInput.Of("edgesync-bridge"))],
            Complete = settings => settings.Repositories.Clear(),
        };
        return NodeCommand.RunAsync(context, loader, "bridge", Require, cancellationToken);
    }

    private static void Require(NodeSettings settings)
    {
        if (settings.Bridge.Projects.Count == 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a bridge needs a project and its server",
                "--fossil-url URL --project CODE, or bridge.projects in edgesync.json");
        if (settings.Nats.AllRemotes.Count == 0 && settings.Nats.LeafPort is null && settings.Nats.ClientPort is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a bridge needs a NATS network",
                "--nats nats-leaf://hub:7422, or --nats-leaf-port 7422 for one of its own");
    }
}
