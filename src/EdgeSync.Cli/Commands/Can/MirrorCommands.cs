using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary>
/// <c>can peers</c>, and what a person decides about a mirror: <c>can answer</c>, <c>can pause</c>, <c>can resume</c>,
/// <c>can retire</c>.
/// </summary>
internal static class MirrorCommands
{
    private static readonly string[] Questions = ["own-deletions", "peer-deletions", "missing-content"];

    private static readonly Argument<string> Question = new("QUESTION")
    {
        Description = "own-deletions, peer-deletions or missing-content, as 'can peers' shows it.",
    };

    private static readonly Argument<string> Store = new("STORE")
    {
        Description = "The id of the store (16 hex digits), as 'can peers' shows it.",
    };

    private static readonly Option<bool> Yes = new("--yes") { Description = "It is meant: do it everywhere." };

    private static readonly Option<bool> No = new("--no") { Description = "It is not meant: take it back." };

    public static CommandSpec Peers() => new("peers", "Show the stores of the mirror.", PeersAsync)
    {
        Options = { CanOptions.Url, CanOptions.Config },
        Examples = ["can peers", "can peers --json"],
    };

    public static CommandSpec Answer() => new("answer", "Decide what the mirror asks.", AnswerAsync)
    {
        Arguments = { Question },
        Options = { Yes, No, CanOptions.Url, CanOptions.Config },
        Notes = "Deletions of more than 50 assets and more than a fifth of all within ten minutes wait for this, at "
            + "the store where they are made and at each that receives them; likewise the content of as many assets "
            + "that is gone, which --yes fetches again. Needs the admin_token of the settings.",
        Examples = ["can answer own-deletions --yes", "can answer peer-deletions --no"],
    };

    public static CommandSpec Pause() => new(
        "pause", "Fetch and send no content until it is resumed; details and deletions go on.",
        (context, token) => PauseAsync(context, isPaused: true, token))
    {
        Options = { CanOptions.Url, CanOptions.Config },
        Notes = "Needs the admin_token of the settings. A restart resumes.",
        Examples = ["can pause"],
    };

    public static CommandSpec Resume() => new(
        "resume", "Fetch and send content again.", (context, token) => PauseAsync(context, isPaused: false, token))
    {
        Options = { CanOptions.Url, CanOptions.Config },
        Examples = ["can resume"],
    };

    public static CommandSpec Retire() => new("retire", "Say that a store does not come back.", RetireAsync)
    {
        Arguments = { Store },
        Options = { CanOptions.Url, CanOptions.Config },
        Notes = "Deletions are kept until every store has them; for a retired store they are not. It is refused from "
            + "then on. Needs the admin_token of the settings.",
        Examples = ["can retire 0123456789abcdef"],
    };

    private static async Task<ExitCode> PeersAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var mirror = (await client.StatusAsync(cancellationToken)).Mirror ?? throw new EdgeSyncException(
            ErrorKind.NotFound, "this asset store takes part in no mirror", "edgesync can serve --sync");
        context.Output.Write(new CanPeersReport(mirror));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> AnswerAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var question = context.Require(Question);
        if (!Questions.Contains(question))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"a mirror asks no question '{question}'", string.Join(", ", Questions));
        var isMeant = context.Get(Yes);
        if (isMeant == context.Get(No))
            throw new EdgeSyncException(ErrorKind.Usage, "name one of --yes and --no", "edgesync can answer --help");

        using var client = CanOptions.Client(context);
        var mirror = await client.MirrorAsync(
            $"answer?question={question}&meant={(isMeant ? "true" : "false")}", cancellationToken);
        context.Output.Write(new CanPeersReport(mirror));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PauseAsync(
        CommandContext context, bool isPaused, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        context.Output.Write(new CanPeersReport(
            await client.MirrorAsync(isPaused ? "pause" : "resume", cancellationToken)));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> RetireAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var store = Uri.EscapeDataString(context.Require(Store));
        context.Output.Write(new CanPeersReport(
            await client.MirrorAsync($"retire?store={store}", cancellationToken)));
        return ExitCode.Ok;
    }
}

internal sealed record CanPeersReport(CanMirror Mirror) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"{DisplayText.Name(Mirror.Name)} is store {Mirror.Store} at endpoint {Mirror.Endpoint}");
        CanText.Mirror(output, Mirror);
        foreach (var peer in Mirror.Peers)
        {
            var route = peer.Route is null ? "" : $"  {peer.Route} {peer.Address}";
            // One that speaks the original's protocol tells neither its store nor a name.
            var (store, name) = peer.Store.Length > 0 ? (peer.Store, DisplayText.Name(peer.Name))
                : ($"{peer.Endpoint[..10]}…", peer.Protocol);
            output.WriteLine($"  {store}  {name}  {StateOf(peer)}{route}");
        }

        foreach (var store in Mirror.Stores.Where(s => !s.IsConnected))
            output.WriteLine($"  {store.Store}  {DisplayText.Name(store.Name)}  away");
    }

    private static string StateOf(CanMirrorPeer peer) => peer.IsInSync
        ? "in sync" : $"syncing: fetching {peer.Downloads}, sending {peer.Uploads}, it lacks {peer.Missing}";
}
