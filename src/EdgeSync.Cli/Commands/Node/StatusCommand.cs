using System.Text.Json.Serialization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Is it in sync, with which peers, by which route, since when; and if not, why, and what to try.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    public static CommandSpec Create() =>
        new("status", "Show what is in sync, with whom, by which route; and if not, why.", RunAsync)
        {
            Arguments = { Globals.RepoArgument },
            Notes = """
            Without REPO, every repository of the daemons on this machine. Exits with 0 when all of them are in sync,
            6 when a configured server rejects this node, or a node does and no other peer is in sync, 7 when something
            is not in sync (behind, all peers away, no peer yet, no first copy) or a daemon does not answer, 3 when no
            daemon runs.
            """,
            Examples = ["status", "status project.fossil", "status --json"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var named = context.NamedRepository;
        if (named is not null && ControlClient.Find(named) is null && !File.Exists(named))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{named} does not exist, and no daemon serves it", $"edgesync up {named}");

        var sockets = named is null ? ControlClient.FindAll() : ControlClient.Find(named) is { } one ? [one] : [];
        var daemons = await Task.WhenAll(sockets.Select(s => AskAsync(s, cancellationToken)));
        var report = StatusReport.Of(context.Clock.GetUtcNow(), daemons, named);
        if (daemons.Length == 0 && named is not null)
            report = report with { Repositories = [Remembered(context, named)] };
        context.Output.Write(report);
        return report.ExitCode;
    }

    // A daemon that hangs must not hide the others.
    private static async Task<DaemonAnswer> AskAsync(string socket, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerTimeMax);
        try
        {
            var reply = await ControlClient.AskAsync(socket, new ControlRequest("status"), limit.Token);
            return new DaemonAnswer(socket, reply.Status, null);
        }
        catch (EdgeSyncException e)
        {
            return new DaemonAnswer(socket, null, e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new DaemonAnswer(socket, null, $"no answer for {DisplayText.Span(AnswerTimeMax)}");
        }
    }

    private static RepositorySync Remembered(CommandContext context, string path)
    {
        using var repository = Storage.Repository.Open(
            path, Storage.RepositoryOptions.ReadOnly with { Clock = context.Clock });
        var peers = RepositoryStatusOf.RememberedPeers(repository)
            .Select(
                p => new PeerVerdict(
                    p.Peer, SyncState.Unknown, null, p.LastSeenAt, "no daemon runs for the repository", null));
        return new RepositorySync(
            path, repository.ProjectCode, null, null, null,
            new SyncVerdict(
                SyncState.NotRunning, null, "no daemon runs for the repository", $"edgesync up {path}", [.. peers]));
    }
}

/// <summary>The reply of one daemon, or why there is none.</summary>
internal sealed record DaemonAnswer(string Socket, NodeStatus? Status, string? Fault);

/// <summary>One daemon of this machine.</summary>
/// <param name="Reason">Of the first failed check; null when it is ready.</param>
internal sealed record DaemonSync(
    string? Node, string? Role, int? ProcessId, string? Version, DateTimeOffset? StartedAt, bool Ready, string? Reason,
    string? Hint)
{
    /// <summary>Its asset store; null without one.</summary>
    public AssetsStatus? Assets { get; init; }

    public static DaemonSync Of(DaemonAnswer answer)
    {
        if (answer.Status is not { } status)
        {
            int? process = int.TryParse(Path.GetFileNameWithoutExtension(answer.Socket), out var id) ? id : null;
            return new DaemonSync(null, null, process, null, null, false, answer.Fault, "edgesync doctor");
        }

        var failed = status.Checks.FirstOrDefault(c => c.State == CheckState.Failed);
        return new DaemonSync(
            status.Node, status.Role, status.ProcessId, status.Version, status.StartedAt, status.Ready,
            failed is null ? null : $"{failed.Name}: {failed.Detail}", failed?.Hint)
        {
            Assets = status.Assets,
        };
    }

    [JsonIgnore]
    public string Title => Node is null ? $"process {ProcessId}" : $"{Role} {Node}, process {ProcessId}";
}

/// <summary>One repository, and its daemon.</summary>
internal sealed record RepositorySync(
    string Repository, string? ProjectCode, string? Node, string? Role, int? ProcessId,
    [property: JsonIgnore] SyncVerdict Verdict)
{
    public string Status => SyncStates.WordOf(Verdict.State);

    public DateTimeOffset? AgreedAt => Verdict.Since;

    public string? Reason => Verdict.Reason;

    public string? Hint => Verdict.Hint;

    public IReadOnlyList<PeerSync> Peers => [.. Verdict.Peers.Select(p => new PeerSync(p))];
}

/// <summary>One peer as JSON.</summary>
internal sealed record PeerSync([property: JsonIgnore] PeerVerdict Verdict)
{
    public string Peer => Verdict.Peer;

    public string Status => SyncStates.WordOf(Verdict.State);

    public string? Route => Verdict.Route;

    public DateTimeOffset? Since => Verdict.Since;

    public string? Reason => Verdict.Reason;

    public string? Hint => Verdict.Hint;
}

/// <param name="Now">The time of the requests to the daemons.</param>
/// <param name="Repositories">In the order of the daemons.</param>
internal sealed record StatusReport(
    DateTimeOffset Now, IReadOnlyList<DaemonSync> Daemons, IReadOnlyList<RepositorySync> Repositories) : IReport
{
    /// <param name="named">The only repository to report, or null.</param>
    public static StatusReport Of(DateTimeOffset now, IReadOnlyList<DaemonAnswer> answers, string? named)
    {
        var wanted = named is null ? null : NodePaths.RealPathOf(named);
        var repositories =
            from answer in answers
            where answer.Status is not null
            let node = answer.Status
            from repository in node.Repositories
            where wanted is null || NodePaths.RealPathOf(repository.Path) == wanted
            select new RepositorySync(
                repository.Path, repository.ProjectCode, node.Node, node.Role, node.ProcessId,
                WithJoinHint(SyncVerdict.Of(repository, node), repository.Path));
        return new StatusReport(now, [.. answers.Select(DaemonSync.Of)], [.. repositories]);
    }

    // A machine that joined by code has one login, at the node that it joined: a new code replaces it.
    private static SyncVerdict WithJoinHint(SyncVerdict verdict, string path) =>
        verdict.State == SyncState.Refused && new NodeFolder(path).IsJoined
            ? verdict with
            {
                Hint = "edgesync repo invite, on the machine that was joined, prints a new code; "
                    + $"then, here: edgesync join CODE {path}",
            }
            : verdict;

    /// <summary>
    /// 0 in sync, 6 denied, 7 not in sync or no reply, 3 no daemon; the first of these that applies.
    /// </summary>
    [JsonIgnore]
    public ExitCode ExitCode => Repositories.Any(r => r.Verdict.State == SyncState.Refused) ? ExitCode.Denied
        : Daemons.Count == 0 ? ExitCode.NotFound
        : Daemons.Any(d => !d.Ready)
            || Repositories.Any(r => r.Verdict.State != SyncState.InSync) ? ExitCode.Unavailable
        : ExitCode.Ok;

    /// <summary>One word for the worst state.</summary>
    public string Status => ExitCode switch
    {
        ExitCode.Ok => "in_sync",
        ExitCode.Denied => "refused",
        ExitCode.NotFound => "not_running",
        _ => "not_in_sync",
    };

    public void Print(TextWriter output)
    {
        if (Daemons.Count == 0 && Repositories.Count == 0)
        {
            output.WriteLine("no daemon runs here");
            output.WriteLine("  try: edgesync up REPO");
        }

        foreach (var repository in Repositories) Print(output, repository);
        foreach (var daemon in Daemons)
        {
            if (daemon.Assets is not { } assets) continue;

            output.WriteLine($"assets at {assets.Url}: {AssetsText.Of(assets)} ({daemon.Title})");
            if (assets.Mirror?.Questions is [var question, ..])
                output.WriteLine($"  try: edgesync can answer {question} --yes, if it is meant");
        }

        foreach (var daemon in Daemons.Where(d => !d.Ready || !Repositories.Any(r => r.ProcessId == d.ProcessId)))
        {
            output.WriteLine($"{daemon.Title}: {(daemon.Ready ? "ready" : $"not ready: {daemon.Reason}")}");
            if (daemon.Hint is not null) output.WriteLine($"  try: {daemon.Hint}");
        }
    }

    private void Print(TextWriter output, RepositorySync repository)
    {
        var verdict = repository.Verdict;
        var who = repository.Node is null
            ? ""
            : $" ({repository.Role} {repository.Node}, process {repository.ProcessId})";
        var peers = verdict.Peers.Count;
        var summary = verdict.State switch
        {
            SyncState.InSync => $"in sync with {verdict.InSyncCount} of {peers} peer{(peers == 1 ? "" : "s")}",
            SyncState.Alone => "waits for a first peer",
            SyncState.NotRunning => "not running",
            var state => $"not in sync ({SyncStates.WordOf(state)}): {verdict.Reason}",
        };
        output.WriteLine($"{repository.Repository}: {summary}{who}");
        foreach (var peer in verdict.Peers)
        {
            var state = SyncStates.WordOf(peer.State).Replace('_', ' ');
            var reason = peer.Reason is null ? "" : $"  {peer.Reason}";
            var start = $"  {DisplayText.Name(peer.Peer),-20}  {state,-8}  {peer.Route ?? "-",-5}  ";
            output.WriteLine($"{start}{WhenOf(peer)}{reason}".TrimEnd());
        }

        if (verdict.Hint is not null) output.WriteLine($"  try: {verdict.Hint}");
    }

    private string WhenOf(PeerVerdict peer)
    {
        if (peer.Since is not { } at) return "";

        var span = DisplayText.Span(Now > at ? Now - at : TimeSpan.Zero);
        return peer.State is SyncState.Away or SyncState.Unknown ? $"last seen {span} ago" : $"agreed {span} ago";
    }
}
