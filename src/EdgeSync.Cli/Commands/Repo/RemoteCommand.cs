using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>The peers that a repository stores by name; <c>default</c> is the one of the last sync.</summary>
internal static class RemoteCommand
{
    private static readonly Argument<string> Name = new("REMOTE") { Description = "Name of the remote." };
    private static readonly Argument<string> Url = new("URL")
    {
        Description = "Address of the peer, or the name of a remote."
    };

    public static CommandSpec Create()
    {
        var add = new CommandSpec("add", "Remember a peer, and its password, under a name.", RunAdd)
        {
            Arguments = { Name, Url },
            Examples = ["repo remote add work https://alice@host/project --password-file secret.txt"],
        };
        var use = new CommandSpec("use", "Make a peer the one that is synced with by default.", RunUse)
        {
            Arguments = { Url },
            Examples = ["repo remote use work", "repo remote use https://alice@host/project"],
        };
        PeerOptions.AddTo(add);
        PeerOptions.AddTo(use);
        return new CommandSpec("remote", "Show and change the peers that a repository remembers.")
        {
            new CommandSpec("ls", "List remotes.", RunList) { Examples = ["repo remote ls"] }.Also("list"),
            add,
            new CommandSpec("rm", "Forget a remote and its password.", RunRemove)
            {
                Arguments = { Name },
                Examples = ["repo remote rm work"],
            }.Also("delete", "remove"),
            use,
            new CommandSpec("off", "Forget the default peer: no command syncs by itself.", RunOff)
            {
                Examples = ["repo remote off"],
            },
            new CommandSpec("scrub", "Forget the passwords of all remotes.", RunScrub)
            {
                Examples = ["repo remote scrub"],
            },
        };
    }

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        context.Output.Write(new RemoteListReport([.. SavedPeer.List(repository)]));
        return ExitCode.Ok;
    }

    private static ExitCode RunAdd(CommandContext context)
    {
        var name = context.Require(Name);
        if (name == SavedPeer.Default)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is the peer of the last sync", "edgesync repo remote use URL");
        }

        return Store(context, name, "added");
    }

    private static ExitCode RunUse(CommandContext context) => Store(context, SavedPeer.Default, "used");

    private static ExitCode Store(CommandContext context, string name, string status)
    {
        using var repository = context.OpenToWrite();
        var (saved, savedPassword) = SavedPeer.Read(repository, context.Require(Url));
        var (url, login) = PeerOptions.ReadLogin(
            context, PeerAddress.Parse(saved ?? context.Require(Url)), savedPassword);
        SavedPeer.Write(repository, name, url.ToString(), login?.Password);
        context.Output.Write(new RemoteReport(status, name, url.ToString()));
        return ExitCode.Ok;
    }

    private static ExitCode RunRemove(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        if (SavedPeer.Read(repository, name).Url is null)
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{repository.Path} has no remote '{name}'", "edgesync repo remote ls")
            {
                Candidates = [.. SavedPeer.List(repository).Select(p => p.Name)],
            };
        }

        SavedPeer.Forget(repository, name);
        context.Output.Write(new RemoteReport("removed", name, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunOff(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var was = SavedPeer.Read(repository).Url;
        if (was is not null) SavedPeer.Forget(repository, SavedPeer.Default);
        context.Output.Write(new RemoteReport(was is null ? "already_off" : "off", SavedPeer.Default, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunScrub(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var count = SavedPeer.ForgetPasswords(repository);
        context.Output.Write(new RemoteReport(count == 0 ? "already_scrubbed" : "scrubbed", null, null));
        return ExitCode.Ok;
    }
}

internal sealed record RemoteListReport(IReadOnlyList<Remote> Remotes) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Remotes.Count == 0 ? 0 : Remotes.Max(r => r.Name.Length);
        foreach (var remote in Remotes)
            output.WriteLine($"{DisplayText.Name(remote.Name).PadRight(width)}  {DisplayText.OneLine(remote.Url)}");
    }
}

/// <param name="Status"><c>added</c>, <c>used</c>, <c>removed</c>, <c>off</c>, <c>scrubbed</c>, or
/// <c>already_…</c>.</param>
internal sealed record RemoteReport(string Status, string? Name, string? Url) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine(string.Join(' ', new[] { Status.Replace('_', ' '), Name, Url }.Where(w => w is not null)));
}
