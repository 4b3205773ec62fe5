using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class CloneCommand
{
    private static readonly Argument<string[]> UrlAndPath = new("URL PATH")
    {
        Description = "Peer, and file to create; the path may be left out. With --invite only the path.",
        Arity = new ArgumentArity(0, 2),
    };

    private static readonly Option<string?> Invite = new("--invite") { Description = "Token that stands for address, login and password.", HelpName = "TOKEN" };
    private static readonly Option<bool> Private = new("--private") { Description = "Private branches too." };
    private static readonly Option<bool> Unversioned = new("--uv") { Description = "Unversioned files too." };
    private static readonly Option<bool> Once = new("--once") { Description = "Do not remember the peer." };

    public static Verb Create()
    {
        var verb = new Verb("clone", "Copy a repository from a peer; an interrupted copy is gone on with.", RunAsync)
        {
            Arguments = { UrlAndPath },
            Options = { Invite, Private, Unversioned, Once },
            Examples =
            [
                "repo clone https://fossil-scm.org/home fossil.fossil",
                "repo clone http://alice@host:8080 project.fossil --pass-file secret.txt",
                "repo clone --invite TOKEN project.fossil",
            ],
        };
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (peer, path) = ReadArguments(context);
        var isResumed = System.IO.File.Exists(path) && !Repository.RemoveStub(path);
        var (url, login) = PeerOptions.ReadLogin(context, peer, savedPassword: null);
        using var repository = isResumed ? OpenUnfinished(context, path) : CreateFor(context, path, url);
        var actions = SyncActions.Clone;
        if (context.Get(Private)) actions |= SyncActions.Private;
        if (context.Get(Unversioned)) actions |= SyncActions.Unversioned;

        SyncOutcome outcome;
        try
        {
            outcome = await SyncRun.RunAsync(context, repository, url, new ClientOptions { Actions = actions, Login = login }, cancellationToken);
            SyncRun.ThrowOnFault(outcome);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            CleanUp(context, repository, path);
            throw;
        }

        if (!context.Get(Once)) SavedPeer.Write(repository, outcome.Peer.ToString(), login?.Password);
        SyncRun.PrintMessages(context, outcome.Report);
        var report = new CloneReport(
            path, outcome.Peer.ToString(), isResumed, outcome.Report.Rounds, repository.Database.QueryInt64("SELECT count(*) FROM blob WHERE size>=0"),
            repository.ProjectCode, outcome.WireBytesSent, outcome.WireBytesReceived, (long)outcome.Elapsed.TotalMilliseconds);
        context.Output.Write(report, CliJson.Default.CloneReport);
        return ExitCode.Ok;
    }

    private static (PeerUrl Peer, string Path) ReadArguments(CommandContext context)
    {
        var words = context.Get(UrlAndPath) ?? [];
        if (context.Get(Invite) is { } text)
        {
            if (words.Length > 1) throw new EdgeSyncException(ErrorKind.Usage, "an invitation knows the address: give only the path");
            if (!InviteToken.TryParse(text, out var token)) throw new EdgeSyncException(ErrorKind.Usage, "this is no invitation token", "copy it whole");

            var invited = PeerUrl.Parse(token!.Url) with { User = token.Login, Password = token.Password };
            return (invited, words.Length == 1 ? words[0] : DefaultPath(invited));
        }

        if (words.Length == 0) throw new EdgeSyncException(ErrorKind.Usage, "what is to be cloned?", "edgesync repo clone URL PATH");

        var peer = PeerUrl.Parse(words[0]);
        return (peer, words.Length == 2 ? words[1] : DefaultPath(peer));
    }

    /// <summary>Named like the last part of the address.</summary>
    private static string DefaultPath(PeerUrl peer)
    {
        var name = peer.Address.AbsolutePath.TrimEnd('/').Split('/')[^1];
        if (name.Length == 0) name = peer.Address.Host;
        return Path.GetFileNameWithoutExtension(name) is { Length: > 0 } stem && name.EndsWith(".fossil", StringComparison.Ordinal)
            ? stem + ".fossil"
            : name + ".fossil";
    }

    private static Repository CreateFor(CommandContext context, string path, PeerUrl url) => Repository.CreateForClone(path, new RepositoryCreateOptions
    {
        AdminUser = url.User ?? CommandContext.SystemUser,
        Clock = context.Clock,
    });

    private static Repository OpenUnfinished(CommandContext context, string path)
    {
        var repository = Repository.Open(path, RepositoryOptions.Default with { Clock = context.Clock });
        if (new CloneProgress(repository).IsRunning || repository.Settings["project-code"] is null)
        {
            context.Output.Errors.WriteLine($"going on with the clone in {path}");
            return repository;
        }

        repository.Dispose();
        throw new EdgeSyncException(ErrorKind.Conflict, $"{path} exists already, and is no clone that was interrupted", "name a new file, or pull into it");
    }

    /// <summary>A file without a single artifact is of no use; one with some is, for the next attempt.</summary>
    private static void CleanUp(CommandContext context, Repository repository, string path)
    {
        var hasContent = repository.Database.QueryInt64("SELECT count(*) FROM blob") > 0;
        repository.Dispose();
        if (hasContent) context.Output.Errors.WriteLine($"what has come is kept in {path}: the same command goes on with it");
        else System.IO.File.Delete(path);
    }
}

internal sealed record CloneReport(
    string Path, string Peer, bool Resumed, int Rounds, long Blobs, string ProjectCode, long WireBytesSent, long WireBytesReceived,
    long Milliseconds) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"Cloned into {Path}");
        output.WriteLine($"Rounds:       {Rounds}");
        output.WriteLine($"Blobs:        {Progress.Number(Blobs)}");
        output.WriteLine($"Project-code: {ProjectCode}");
        output.WriteLine($"Received:     {Progress.Bytes(WireBytesReceived)} in {Progress.Span(TimeSpan.FromMilliseconds(Milliseconds))}");
    }
}
