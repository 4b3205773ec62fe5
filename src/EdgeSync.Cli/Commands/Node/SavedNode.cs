using EdgeSync.Cli.Printing;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>
/// The node that <c>up</c> and <c>join</c> configured for a repository: an ordinary leaf with a settings file of its
/// own.
/// </summary>
internal sealed class SavedNode(NodeFolder folder) : ISettingArguments
{
    public string File => folder.SettingsFile;

    string ISettingArguments.File => File;

    byte[] ISettingArguments.ReadFile(string path) => InputFile.ReadAll(path);

    SettingInput? ISettingArguments.ValueOf(SettingFlag flag) => null;

    /// <summary>Its settings, as the daemon reads them.</summary>
    public NodeSettings Load() => Loader.Load().Settings;

    public string Name => NodeName.Of(Load(), "leaf");

    /// <summary>Runs it until it is stopped.</summary>
    /// <param name="report">The report to print once it runs.</param>
    public Task<ExitCode> RunAsync(
        CommandContext context, Func<StartedNode, IReport> report, CancellationToken cancellationToken) =>
        NodeCommand.RunAsync(context, Loader, "leaf", _ => { }, cancellationToken, report);

    /// <summary>A new code for one more machine.</summary>
    /// <param name="repository">The repository's file, opened for writing.</param>
    /// <exception cref="EdgeSyncException">Other machines cannot reach this node.</exception>
    public JoinCode MakeCode(Repository repository, TimeSpan timeToLive, string capabilities, string? login)
    {
        if (folder.ServerKey is not { } key || Load() is not { Http.TlsListen: { } secure } settings)
            throw new EdgeSyncException(
                ErrorKind.Usage, "this node joined another one; other machines cannot join it",
                "edgesync repo invite, on the machine where 'edgesync up' runs");

        var (token, expires) = repository.JoinTokens.Create(timeToLive, capabilities, login);
        return new JoinCode(
            ReachableAddress.OwnHosts(), ListenAddress.Parse(secure).Port, settings.Nats.LeafPort,
            repository.ProjectCode, token, expires, key,
            Path.GetFileNameWithoutExtension(repository.Path));
    }

    private SettingsLoader Loader => new(this, NodeFlags.Common) { RepositoryVariable = "EDGESYNC_NO_VARIABLE" };
}
