using System.CommandLine;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary><c>pull</c>, <c>push</c> and <c>sync</c>: one command with three directions.</summary>
internal static class SyncCommands
{
    private static readonly Argument<string?> Url = new("URL")
    {
        Description = "Peer, or the name of a remote (default: the last one that was synced with).",
        Arity = ArgumentArity.ZeroOrOne
    };
    private static readonly Option<bool> Private = new("--private") { Description = "Sync private branches too." };
    private static readonly Option<bool> Unversioned = new("--uv") { Description = "Sync unversioned files too." };
    private static readonly Option<bool> Once = new("--once") { Description = "Do not remember this peer." };
    private static readonly Option<bool> Verily = new("--verily")
    {
        Description = "Compare complete lists of artifacts, to repair a gap."
    };

    public static CommandSpec CreatePull() =>
        Create("pull", "Receive what the peer has and we lack.", SyncActions.Pull);

    public static CommandSpec CreatePush() => Create("push", "Send what we have and the peer lacks.", SyncActions.Push);

    public static CommandSpec CreateSync() =>
        Create("sync", "Exchange artifacts with a peer until both hold the same.", SyncActions.Sync);

    private static CommandSpec Create(string name, string summary, SyncActions actions)
    {
        var verb = new CommandSpec(
            name, summary, (context, cancellationToken) => RunAsync(context, name, actions, cancellationToken))
        {
            Arguments = { Url },
            Options = { Private, Unversioned, Once, Verily },
            Examples = [$"repo {name}", $"repo {name} https://alice@host/project --password-file secret.txt --uv"],
        };
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static async Task<ExitCode> RunAsync(
        CommandContext context, string name, SyncActions actions, CancellationToken cancellationToken)
    {
        using var repository = context.OpenToWrite();
        var (savedUrl, savedPassword) = SavedPeer.Read(repository);
        var (asked, askedPassword) = PeerOf(context, repository, name);
        var (url, login) = PeerOptions.ReadLogin(context, asked, askedPassword);

        if (context.Get(Private)) actions |= SyncActions.Private;
        if (context.Get(Unversioned)) actions |= SyncActions.Unversioned;
        if (context.Get(Verily)) actions |= SyncActions.Verily;
        var options = new ClientOptions { Actions = actions, Login = login, PeerKey = url.Address.ToString() };
        var outcome = await SyncRun.RunAsync(context, repository, url, options, cancellationToken);
        // Values stored already are not written again: without an exchange the file and the disk are not touched.
        var isChanged = outcome.Peer.ToString() != savedUrl || login?.Password != savedPassword;
        if (outcome.Report.IsOk && isChanged && !context.Get(Once))
            SavedPeer.Write(repository, outcome.Peer.ToString(), login?.Password);

        context.Output.Write(SyncRun.ReportOf(name, outcome));
        SyncRun.PrintMessages(context, outcome.Report);
        SyncRun.ThrowOnFault(outcome);
        if (outcome.Report.PushRefused && actions.HasFlag(SyncActions.Push) && !actions.HasFlag(SyncActions.Pull))
            throw SyncRun.Denied(url.Address, "not authorized to write", login?.User);
        return ExitCode.Ok;
    }

    /// <summary>
    /// As in stock: the name of a remote, or an address; nothing is the peer of the last sync.
    /// </summary>
    private static (PeerUrl Url, string? Password) PeerOf(CommandContext context, Repository repository, string command)
    {
        var text = context.Get(Url) ?? "default";
        var (remoteUrl, remotePassword) = SavedPeer.Read(repository, text);
        if (remoteUrl is not null) return (PeerAddress.Parse(remoteUrl), remotePassword);
        if (text == "default")
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{repository.Path} has no peer yet",
                string.Join(' ', "edgesync", "repo", command, "URL"));
        }

        var url = PeerAddress.Parse(text);
        var (savedUrl, savedPassword) = SavedPeer.Read(repository);
        return (url, text == savedUrl || url.ToString() == savedUrl ? savedPassword : null);
    }
}
