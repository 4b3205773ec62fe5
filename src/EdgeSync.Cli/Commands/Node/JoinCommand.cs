using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage.Users;

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
            service or the same command continues, also when the first copy was interrupted.
            """,
            Examples = ["join CODE", "join CODE project.fossil", "join CODE --install-service"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var code = Parse(context.Require(Code));
        var path = Path.GetFullPath(context.Get(To) ?? FileNameOf(code));
        if (Directory.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{path} is a folder, and a new file is needed", "edgesync join CODE PATH");

        var folder = new NodeFolder(path);
        if (!folder.HasJoinedBy(code))
        {
            if (File.Exists(path) || folder.Exists)
                throw new EdgeSyncException(
                    ErrorKind.Conflict, $"{path} is there already",
                    $"edgesync up {path}, to continue with it; or edgesync join CODE PATH");

            await RedeemAsync(context, code, folder, path, cancellationToken);
        }

        var node = new SavedNode(folder);
        var settings = node.Load();
        var report = new JoinReport(
            path, node.Name, settings.Repositories[0].CloneFrom!, code.ProjectCode, settings.Repositories[0].User!,
            folder.SettingsFile);
        if (ServiceUnit.IsAsked(context))
        {
            context.Output.Write(report with { Service = ServiceUnit.Write(context, folder, path) });
            return ExitCode.Ok;
        }

        return await node.RunAsync(context, _ => report, cancellationToken);
    }

    private static JoinCode Parse(string text) => JoinCode.TryParse(text, out var code) switch
    {
        JoinCodeFault.None => code!,
        JoinCodeFault.Newer =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "the join code is of a newer version of edgesync",
                "edgesync version, on both machines"),
        JoinCodeFault.Damaged =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "the join code is damaged: characters are missing or changed",
                "copy the whole line that 'edgesync up' printed"),
        _ =>
            throw new EdgeSyncException(
                ErrorKind.Usage, "this is not a join code: one begins with esj",
                "edgesync up, on the other machine, prints one"),
    };

    private static async Task RedeemAsync(
        CommandContext context, JoinCode code, NodeFolder folder, string path, CancellationToken cancellationToken)
    {
        var machine = NodeName.Of(new NodeSettings { Repositories = [new RepositorySettings { Path = path }] }, "leaf");
        var (host, answer) = await JoinClient.RedeemAsync(code, machine, context.Clock, cancellationToken);
        if (answer.ProjectCode != code.ProjectCode)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"the node has the project {answer.ProjectCode}, and the code is of {code.ProjectCode}",
                "edgesync repo invite, on the other machine, prints a new code");

        folder.WriteJoined(code, host, answer, PasswordHash.Compute(answer.ProjectCode, answer.Login, answer.Password));
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
/// <param name="Login">Of this machine, at that node.</param>
/// <param name="SettingsFile">For <c>edgesync leaf --config</c>.</param>
internal sealed record JoinReport(
    string Repository, string Node, string Peer, string ProjectCode, string Login, string SettingsFile) : IReport
{
    public ServiceReport? Service { get; init; }

    public string Status { get; } = "joined";

    public void Print(TextWriter output)
    {
        output.WriteLine(
            Service is null ? $"{Node} keeps {Repository} in sync with {Peer} (Ctrl-C to stop)"
                : $"{Node} will keep {Repository} in sync with {Peer}");
        output.WriteLine($"  login there: {Login}");
        Service?.Print(output);
        if (Service is null) output.WriteLine($"  later:       edgesync up {Repository}");
        output.WriteLine($"  look:        edgesync status {Repository}");
    }
}
