using System.CommandLine;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Host;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Serves a repository with what works here, and prints one code with which another machine joins.</summary>
internal static class UpCommand
{
    public static readonly TimeSpan TimeToLiveUsual = TimeSpan.FromDays(1);

    private static readonly Option<TimeSpan> TimeToLive = Choices.Duration(
        "--ttl", "How long the printed code can be used.", TimeToLiveUsual);

    private static readonly Option<bool> Iroh = new("--iroh")
    {
        Description = "Let machines join, and stay in sync, where no port of this one can be reached.",
    };

    public static CommandSpec Create() =>
        new("up", "Serve a repository, and print a code with which another machine joins it.", RunAsync)
        {
            Arguments = { Globals.RepoArgument },
            Options = { TimeToLive, Iroh, ServiceUnit.Install, ServiceUnit.Enable },
            Notes = """
            Creates the repository when there is none. Fossil clients of this machine are served at localhost; other machines
            by TLS with this node's own key, which is in the code. Ports and key are kept ('edgesync config paths'), so
            that a restart is the same node. A code works once; 'edgesync repo invite' prints another one. It runs an
            ordinary leaf: 'edgesync leaf --config' with the settings file that is printed runs it too.
            """,
            Examples = ["up", "up project.fossil", "up project.fossil --iroh", "up project.fossil --install-service"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.NamedRepository ?? FindOrName();
        if (Directory.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{path} is a folder, not a repository file",
                "edgesync up project.fossil");
        if (ControlClient.Find(path) is not null)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"a daemon already runs for {path}",
                $"edgesync status {path}; another code: edgesync repo invite -R {path}");

        var folder = new NodeFolder(path);
        NewReport? made = null;
        if (!File.Exists(path) && !folder.IsJoined) made = NewCommand.CreateUsual(context, path);
        if (!folder.Exists)
        {
            // before anything is created for an invalid file
            using (var repository = context.OpenToRead(path)) _ = repository.ProjectCode;
            folder.PrepareUp();
        }

        var node = new SavedNode(folder);
        if (context.Get(Iroh)) node.EnableIroh();

        var code = folder.IsJoined ? null : MakeCode(context, node, path);
        var report = new UpReport(
            path, node.NodeId, folder.SettingsFile, code?.Encode(), code?.ExpiresAt.ToString(), made);
        if (ServiceUnit.IsAsked(context))
        {
            context.Output.Write(report with { Service = ServiceUnit.Write(context, folder, path) });
            return ExitCode.Ok;
        }

        return await NodeCommand.RunAsync(
            context, node, started => report with { Addresses = started.Addresses }, cancellationToken);
    }

    private static JoinCode MakeCode(CommandContext context, SavedNode node, string path)
    {
        using var repository = context.OpenToWrite(path);
        return node.MakeCode(repository, context.Get(TimeToLive), JoinTokenStore.Capabilities, login: null);
    }

    // In a folder without a repository: a new one named like the folder.
    private static string FindOrName()
    {
        try
        {
            return RepositoryFinder.Find(Environment.CurrentDirectory);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.NotFound)
        {
            var name = Path.GetFileName(Environment.CurrentDirectory);
            return Path.GetFullPath((name.Length > 0 ? name : "project") + ".fossil");
        }
    }
}

/// <param name="SettingsFile">For <c>edgesync leaf --config</c>.</param>
/// <param name="Code">For one other machine; null when this node joined another itself.</param>
/// <param name="Created">The new repository, if there was none.</param>
internal sealed record UpReport(
    string Repository, string Node, string SettingsFile, string? Code, string? ExpiresAt, NewReport? Created) : IReport
{
    /// <summary>The listening addresses; empty when only a service was written.</summary>
    public IReadOnlyDictionary<string, string> Addresses { get; init; } = new Dictionary<string, string>();

    public ServiceReport? Service { get; init; }

    public string Status => Created is null ? "up" : "created";

    public void Print(TextWriter output)
    {
        if (Created is not null)
            output.WriteLine($"created {Repository}: user {Created.User}, password (shown once): {Created.Password}");
        output.WriteLine(
            Service is null ? $"{Node} serves {Repository} (Ctrl-C to stop)" : $"{Node} will serve {Repository}");
        if (Addresses.TryGetValue("http", out var http))
            output.WriteLine($"  this machine:    {ListenAddress.CloneLine(http)}");
        if (Addresses.TryGetValue("https", out var https) && Addresses.TryGetValue("nats-leaf", out var leaf))
            output.WriteLine($"  other machines:  ports {new Uri(https).Port} and {new Uri(leaf).Port}, by TLS");
        Service?.Print(output);
        if (Code is null) return;

        output.WriteLine($"On the other machine, once, until {DisplayText.Minute(ExpiresAt!)} UTC:");
        output.WriteLine();
        output.WriteLine($"edgesync join {Code}");
    }
}
