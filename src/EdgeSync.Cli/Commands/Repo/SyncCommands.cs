using System.CommandLine;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
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
    private static readonly Option<bool> Once = new("--once")
    {
        Description = "Do not store the address of this peer.",
    };
    private static readonly Option<bool> All = new("--all") { Description = "With every remote, one after the other." };
    private static readonly Option<bool> Verily = new("--verily")
    {
        Description = "Compare complete lists of artifacts, to repair a gap."
    };

    public static CommandSpec CreatePull() =>
        Create("pull", "Receive what the peer has and we lack.", SyncActions.Pull);

    public static CommandSpec CreatePush() => Create("push", "Send what we have and the peer lacks.", SyncActions.Push);

    public static CommandSpec CreateSync() =>
        Create("sync", "Exchange artifacts with a peer until both hold the same.", SyncActions.Sync);

    /// <summary>Of unversioned files alone.</summary>
    public static CommandSpec CreateUnversionedSync() => CreateOfFiles(
        "sync", "Exchange unversioned files with a peer; the newest of each wins.", SyncActions.Unversioned);

    /// <summary>Of unversioned files alone: those of the peer win.</summary>
    public static CommandSpec CreateUnversionedRevert() => CreateOfFiles(
        "revert", "Make the unversioned files here equal to those of a peer.",
        SyncActions.Unversioned | SyncActions.UnversionedRevert);

    private static CommandSpec CreateOfFiles(string name, string summary, SyncActions actions)
    {
        var verb = new CommandSpec(
            name, summary, (context, cancellationToken) => RunAsync(context, "uv " + name, actions, cancellationToken))
        {
            Arguments = { Url },
            Options = { Once },
            Examples = [$"repo uv {name}", $"repo uv {name} https://alice@host/project --password-file secret.txt"],
        };
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static CommandSpec Create(string name, string summary, SyncActions actions)
    {
        var verb = new CommandSpec(
            name, summary, (context, cancellationToken) => RunAsync(context, name, actions, cancellationToken))
        {
            Arguments = { Url },
            Options = { Private, Unversioned, Once, All, Verily },
            Examples = [$"repo {name}", $"repo {name} https://alice@host/project --password-file secret.txt --uv"],
        };
        PeerOptions.AddTo(verb);
        return verb;
    }

    private static async Task<ExitCode> RunAsync(
        CommandContext context, string name, SyncActions actions, CancellationToken cancellationToken)
    {
        using var repository = context.OpenToWrite();
        if (context.Get(Private)) actions |= SyncActions.Private;
        if (context.Get(Unversioned)) actions |= SyncActions.Unversioned;
        if (context.Get(Verily)) actions |= SyncActions.Verily;
        if (context.Get(All)) return await RunAllAsync(context, repository, name, actions, cancellationToken);

        var (asked, askedPassword) = PeerOf(context, repository, name);
        if (context.Get(Url) is not { } named || SavedPeer.Read(repository, named).Url is not null)
            StockSyncPrinter.Explain(context.Output, actions, asked);
        var outcome = await RunOneAsync(
            context, repository, (asked, askedPassword), actions, isRemembered: !context.Get(Once), cancellationToken);
        context.Output.Write(SyncRun.ReportOf(name, outcome));
        SyncRun.PrintMessages(context, outcome.Report);
        ThrowOnFault(outcome, actions);
        return ExitCode.Ok;
    }

    private static async Task<SyncOutcome> RunOneAsync(
        CommandContext context, Repository repository, (PeerUrl Url, string? Password) peer, SyncActions actions,
        bool isRemembered, CancellationToken cancellationToken)
    {
        var (savedUrl, savedPassword) = SavedPeer.Read(repository);
        var (url, login) = PeerOptions.ReadLogin(context, peer.Url, peer.Password);
        var options = new ClientOptions { Actions = actions, Login = login, PeerKey = url.Address.ToString() };
        var outcome = await SyncRun.RunAsync(context, repository, url, options, cancellationToken);
        // Values stored already are not written again: without an exchange the file and the disk are not touched.
        var isChanged = outcome.Peer.ToString() != savedUrl || login?.Password != savedPassword;
        if (outcome.Report.IsOk && isChanged && isRemembered)
            SavedPeer.Write(repository, outcome.Peer.ToString(), login?.Password);
        return outcome;
    }

    // Each remote once: the default one often has a name too. One that fails does not keep the others waiting.
    private static async Task<ExitCode> RunAllAsync(
        CommandContext context, Repository repository, string name, SyncActions actions,
        CancellationToken cancellationToken)
    {
        if (context.Get(Url) is { } one)
            throw new EdgeSyncException(ErrorKind.Usage, $"--all and {one} contradict each other", "--all, or URL");

        var outcomes = new List<SyncOutcomeReport>();
        EdgeSyncException? first = null;
        foreach (var remote in SavedPeer.List(repository).DistinctBy(r => r.Url, StringComparer.Ordinal))
        {
            try
            {
                StockSyncPrinter.Explain(context.Output, actions, PeerAddress.Parse(remote.Url));
                var peer = (PeerAddress.Parse(remote.Url), SavedPeer.Read(repository, remote.Name).Password);
                var outcome = await RunOneAsync(
                    context, repository, peer, actions, isRemembered: false, cancellationToken);
                outcomes.Add(SyncRun.ReportOf(name, outcome));
                SyncRun.PrintMessages(context, outcome.Report);
                ThrowOnFault(outcome, actions);
            }
            catch (EdgeSyncException e)
            {
                context.Output.Errors.WriteLine($"edgesync: {remote.Name}: {DisplayText.OneLine(e.Message)}");
                first ??= e;
            }
        }

        if (outcomes.Count == 0 && first is null) throw NoPeer(repository, name);

        context.Output.Write(new SyncAllReport(first is null ? "done" : "failed", outcomes));
        return first is null ? ExitCode.Ok : ExitCodes.Of(first.Kind);
    }

    private static void ThrowOnFault(SyncOutcome outcome, SyncActions actions)
    {
        SyncRun.ThrowOnFault(outcome);
        if (outcome.Report.PushRefused && actions.HasFlag(SyncActions.Push) && !actions.HasFlag(SyncActions.Pull))
            throw SyncFaults.Denied(outcome.Peer.Address, "not authorized to write", outcome.Login);
    }

    private static EdgeSyncException NoPeer(Repository repository, string command) => new(
        ErrorKind.Usage, $"{repository.Path} has no peer yet", string.Join(' ', "edgesync", "repo", command, "URL"));

    /// <summary>
    /// As in stock: the name of a remote, or an address; nothing is the peer of the last sync.
    /// </summary>
    private static (PeerUrl Url, string? Password) PeerOf(CommandContext context, Repository repository, string command)
    {
        var text = context.Get(Url) ?? "default";
        var (remoteUrl, remotePassword) = SavedPeer.Read(repository, text);
        if (remoteUrl is not null) return (PeerAddress.Parse(remoteUrl), remotePassword);
        if (text == SavedPeer.Default) throw NoPeer(repository, command);

        var url = PeerAddress.Parse(text);
        var (savedUrl, savedPassword) = SavedPeer.Read(repository);
        return (url, text == savedUrl || url.ToString() == savedUrl ? savedPassword : null);
    }
}

/// <param name="Status"><c>done</c>, or <c>failed</c> when one of them did.</param>
internal sealed record SyncAllReport(string Status, IReadOnlyList<SyncOutcomeReport> Peers) : IReport
{
    public void PrintAsStock(TextWriter output)
    {
        // Printed while it ran.
    }

    public void Print(TextWriter output)
    {
        foreach (var peer in Peers)
        {
            output.WriteLine(DisplayText.OneLine(peer.Peer));
            peer.Print(output);
        }
    }
}
