using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>A leaf with one repository and HTTP only: no settings file, no NATS, no peers.</summary>
internal static class ServeCommand
{
    public static CommandSpec Create()
    {
        var verb = new CommandSpec("serve", "Serve a repository to Fossil clients until stopped.", RunAsync)
        {
            HeadingOf = option => FlagOption.HeadingOf(NodeFlags.Serve, option),
            Examples = ["repo serve -R project.fossil", "repo serve -R project.fossil -P '*:8080'"],
        };
        FlagOption.AddTo(verb, NodeFlags.Serve);
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.RepositoryPath;
        var loader = new SettingsLoader(context, NodeFlags.Serve)
        {
            Preset = [("http.listen", SettingInput.Of("127.0.0.1:8080")), ("nats.enabled", SettingInput.Of(false))],
            Repository = path,
            ReadsFile = false,
        };
        return NodeCommand.RunAsync(
            context, loader, "leaf", _ => RequireFile(path), cancellationToken,
            started => new ServeReport(path, started.Addresses["http"]));
    }

    // A leaf would hint at cloning, which is not an option here.
    internal static void RequireFile(string path)
    {
        if (!File.Exists(path))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "edgesync repo new PATH");
    }
}

internal sealed record ServeReport(string Repository, string Address) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"serving {Repository} on {Address} (Ctrl-C to stop)");
        output.WriteLine("  " + ListenAddress.CloneLine(Address));
    }
}
