using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sync;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Repo;

internal static class CloneCommand
{
    private static readonly Argument<string[]> UrlAndPath = new("URL")
    {
        HelpName = "[URL] [PATH]",
        Description = "Peer, and file to create (default: named after the URL). With --invite only the path.",
        Arity = new ArgumentArity(0, 2),
    };

    private static readonly Option<string?> Invite = new("--invite")
    {
        Description = "Invitation: address, login and password in one.",
        HelpName = "TOKEN"
    };
    private static readonly Option<bool> Private = new("--private") { Description = "Clone private branches too." };
    private static readonly Option<bool> Unversioned = new("--uv") { Description = "Clone unversioned files too." };
    private static readonly Option<bool> Once = new("--once") { Description = "Do not store the address of the peer." };

    public static CommandSpec Create()
    {
        var verb = new CommandSpec("clone", "Clone a repository. An interrupted clone can be resumed.", RunAsync)
        {
            Arguments = { UrlAndPath },
            Options = { Invite, Private, Unversioned, Once },
            Examples =
            [
                "repo clone https://fossil-scm.org/home fossil.fossil",
                "repo clone http://alice@host:8080 project.fossil --password-file secret.txt",
                "repo clone --invite TOKEN project.fossil",
            ],
        };
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (peer, path) = ReadArguments(context);
        var (url, login) = PeerOptions.ReadLogin(context, peer, savedPassword: null);
        var actions = SyncActions.Clone;
        if (context.Get(Private)) actions |= SyncActions.Private;
        if (context.Get(Unversioned)) actions |= SyncActions.Unversioned;

        context.Output.Write(await CloneAsync(context, url, login, path, actions, cancellationToken));
        return ExitCode.Ok;
    }

    /// <summary>Clones into a file, or resumes what is there of it. The peer is remembered.</summary>
    public static async Task<CloneReport> CloneAsync(
        CommandContext context, PeerUrl url, SyncLogin? login, string path, SyncActions actions,
        CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{path} is a folder, and a new file is needed", "edgesync repo clone URL PATH");

        using var clone = CloneFile.Open(
            path, new RepositoryCreateOptions { AdminUser = url.User ?? SystemUser.Name, Clock = context.Clock });
        if (clone.IsResumed) context.Output.Errors.WriteLine($"resuming the clone in {clone.PartialPath}");
        SyncOutcome outcome;
        try
        {
            outcome = await SyncRun.RunAsync(
                context, clone.Repository, url, new ClientOptions { Actions = actions, Login = login },
                cancellationToken);
            SyncRun.ThrowOnFault(outcome);
        }
        catch (EdgeSyncException e) when (clone.IsResumed && e.Kind == ErrorKind.Conflict)
        {
            throw new EdgeSyncException(e.Kind, e.Message, $"remove {clone.PartialPath} to start over", e);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Denied && !clone.IsResumed)
        {
            clone.Discard();
            throw;
        }
        catch (Exception e) when (e is not InvariantException)
        {
            if (clone.Abandon())
                context.Output.Errors.WriteLine(
                    $"the received part is kept in {clone.PartialPath}; the same command resumes it");
            throw;
        }

        if (!context.Get(Once)) SavedPeer.Write(clone.Repository, outcome.Peer.ToString(), login?.Password);
        var blobs = clone.Repository.Database.QueryInt64("SELECT count(*) FROM blob WHERE size>=0");
        var project = clone.Repository.ProjectCode;
        clone.Complete();
        SyncRun.PrintMessages(context, outcome.Report);
        return new CloneReport(
            path, outcome.Peer.ToString(), clone.IsResumed, outcome.Report.Rounds, blobs, project,
            outcome.WireBytesSent, outcome.WireBytesReceived,
            (long)outcome.Elapsed.TotalMilliseconds);
    }

    private static (PeerUrl Peer, string Path) ReadArguments(CommandContext context)
    {
        var words = context.Get(UrlAndPath) ?? [];
        if (context.Get(Invite) is { } text)
        {
            if (words.Length > 1)
                throw new EdgeSyncException(
                    ErrorKind.Usage, "the invitation contains the address: give only the path",
                    "edgesync repo clone --invite TOKEN PATH");
            if (!InviteToken.TryParse(text, out var token))
                throw new EdgeSyncException(ErrorKind.Usage, "invalid invitation token", "copy the whole token");

            var invited = PeerUrl.Parse(token!.Url) with { User = token.Login, Password = token.Password };
            return (invited, words.Length == 1 ? words[0] : DefaultPath(invited));
        }

        if (words.Length == 0)
            throw new EdgeSyncException(ErrorKind.Usage, "no URL is given", "edgesync repo clone URL PATH");

        var peer = PeerAddress.Parse(words[0]);
        return (peer, words.Length == 2 ? words[1] : DefaultPath(peer));
    }

    /// <summary>Named like the last part of the address, up to its first dot.</summary>
    // Spec: url_to_repo_basename in url.c.
    internal static string DefaultPath(PeerUrl peer)
    {
        var name = peer.Address.AbsolutePath.TrimEnd('/').Split('/')[^1];
        if (name.Length == 0) name = peer.Address.Host;
        if (name.StartsWith("www.", StringComparison.OrdinalIgnoreCase)) name = name["www.".Length..];
        return name.Split('.')[0] is { Length: > 0 } stem ? stem + ".fossil" : name + ".fossil";
    }
}

internal sealed record CloneReport(
    string Path, string Peer, bool Resumed, int Rounds, long Blobs, string ProjectCode, long WireBytesSent,
    long WireBytesReceived,
    long Milliseconds) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"Cloned into {Path}");
        output.WriteLine($"Rounds:       {Rounds}");
        output.WriteLine($"Blobs:        {DisplayText.Number(Blobs)}");
        output.WriteLine($"Project-code: {ProjectCode}");
        output.WriteLine(
            $"Received:     {DisplayText.Bytes(WireBytesReceived)} in "
                + $"{DisplayText.Span(TimeSpan.FromMilliseconds(Milliseconds))}");
    }
}
