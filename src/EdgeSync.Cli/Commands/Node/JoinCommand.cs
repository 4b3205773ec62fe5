using System.CommandLine;
using System.Text.Json.Serialization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Host;
using EdgeSync.Node.Joining;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Clones the repository that another machine serves by <c>up</c>, and stays in sync with it.</summary>
internal static class JoinCommand
{
    private static readonly Argument<string> Code = new("CODE")
    {
        Description = "What 'edgesync up' printed on the other machine."
    };

    private static readonly Argument<string?> To = new("PATH")
    {
        Description = "File to create (default: named as on the other machine).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static CommandSpec Create() =>
        new("join", "Clone a project from another machine by its code, and stay in sync.", RunAsync)
        {
            Arguments = { Code, To },
            Options = { ServiceUnit.Install, ServiceUnit.Enable },
            Notes = """
            The code works once. This machine gets a login of its own there ('edgesync repo user list' shows it, 'edgesync repo
            user rm' ends it) and connects only to the node with the key in the code. Later, 'edgesync up PATH', the
            service or the same command continues, also when the first copy was interrupted. A machine whose login was
            removed joins again with a new code and the same PATH: the repository stays, a running daemon takes over.
            """,
            Examples = ["join CODE", "join CODE project.fossil", "join CODE --install-service"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var code = SavedNode.ParseCode(context.Require(Code));
        var path = Path.GetFullPath(context.Get(To) ?? FileNameOf(code));
        if (Directory.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{path} is a folder, and a new file is needed", "edgesync join CODE PATH");

        var isNew = !new NodeFolder(path).HasJoinedBy(code);
        var node = await SavedNode.RedeemAsync(code, path, context.Clock, cancellationToken);
        var settings = node.Load();
        var report = new JoinReport(
            path, node.NodeId, settings.Repositories[0].CloneFrom!, code.ProjectCode, settings.Repositories[0].User,
            node.SettingsFile);
        if (ServiceUnit.IsAsked(context))
        {
            context.Output.Write(report with { Service = ServiceUnit.Write(context, node.Folder, path) });
            return ExitCode.Ok;
        }

        if (isNew && ControlClient.Find(path) is { } socket)
        {
            await ControlClient.AskAsync(socket, new ControlRequest("reload"), cancellationToken);
            context.Output.Write(report with { IsRunning = true });
            return ExitCode.Ok;
        }

        return await NodeCommand.RunAsync(context, node, _ => report, cancellationToken);
    }

    // The name is from another machine: only a file name, never a path.
    private static string FileNameOf(JoinCode code)
    {
        var name = new string(
            [.. code.Name.Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or ' ' ? c : '-')]).Trim('.',
            ' ', '-');
        return (name.Length > 0 ? name : "project") + ".fossil";
    }
}

/// <param name="Peer">The node that was joined.</param>
/// <param name="Login">Of this machine, at that node; null where its endpoint is trusted instead.</param>
/// <param name="SettingsFile">For <c>edgesync leaf --config</c>.</param>
internal sealed record JoinReport(
    string Repository, string Node, string Peer, string ProjectCode, string? Login, string SettingsFile) : IReport
{
    public ServiceReport? Service { get; init; }

    /// <summary>A daemon that ran already uses the new login.</summary>
    [JsonIgnore]
    public bool IsRunning { get; init; }

    public string Status => IsRunning ? "renewed" : "joined";

    public void Print(TextWriter output)
    {
        output.WriteLine(
            IsRunning ? $"{Node} keeps {Repository} in sync with {Peer} by a new login"
                : Service is null ? $"{Node} keeps {Repository} in sync with {Peer} (Ctrl-C to stop)"
                : $"{Node} will keep {Repository} in sync with {Peer}");
        if (Login is not null) output.WriteLine($"  login there: {Login}");
        Service?.Print(output);
        if (Service is null && !IsRunning) output.WriteLine($"  later:       edgesync up {Repository}");
        output.WriteLine($"  look:        edgesync status {Repository}");
    }
}
