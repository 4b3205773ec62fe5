using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary><c>sync start</c>, which is a leaf, and <c>sync now</c>, a request to a running daemon.</summary>
internal static class SyncCommand
{
    private static readonly Argument<string?> Which = new("PID|REPO")
    {
        Description = "Process id or repository file (default: -R, or the only running daemon).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(2);

    private static readonly Option<TimeSpan> TimeLimit = Choices.Duration(
        "--timeout", "How long to wait for the result (0: no limit).", TimeSpan.FromMinutes(10));

    public static CommandSpec Create() => new("sync", "Start a leaf, or make a running daemon sync now.")
    {
        Subcommands =
        {
            LeafCommand.Create("start", "sync start"),
            new CommandSpec("now", "Make a running daemon sync with all its peers now.", RunNowAsync)
            {
                Arguments = { Which },
                Options = { TimeLimit },
                Notes = "Exits with 0 when at least one target agreed, with 7 when none could be reached, with 3 when "
                    + "no daemon runs.",
                Examples = ["sync now", "sync now project.fossil", "sync now 4711 --json"],
            },
        },
    };

    private static async Task<ExitCode> RunNowAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (socket, repository) = await FindDaemonAsync(context, context.Get(Which), cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (context.Get(TimeLimit) is { Ticks: > 1 } time) limit.CancelAfter(time);
        var reply = await ControlClient.AskAsync(socket, new ControlRequest("sync_now", repository), limit.Token);
        var syncs = reply.Syncs ?? [];
        var agreed = syncs.Count(s => s.Status != "failed");
        context.Output.Write(
            new SyncNowReport(agreed > 0 ? "synced" : syncs.Count == 0 ? "no_peer" : "failed", syncs)
            {
                Away = syncs.Count == 0 ? await AwayAsync(socket, repository, limit.Token) : [],
            });
        return agreed > 0 ? ExitCode.Ok : ExitCode.Unavailable;
    }

    /// <summary>The peers that are away, the latest first.</summary>
    private static async Task<IReadOnlyList<AwayPeer>> AwayAsync(
        string socket, string? repository, CancellationToken cancellationToken)
    {
        var status = (await ControlClient.AskAsync(socket, new ControlRequest("status"), cancellationToken)).Status!;
        var wanted = repository is null ? null : NodePaths.RealPathOf(repository);
        return
        [
            .. from one in status.Repositories
               where wanted is null || NodePaths.RealPathOf(one.Path) == wanted
               from peer in one.Peers
               where peer.Route is null && peer.LastSeenAt is not null
               orderby peer.LastSeenAt descending
               select new AwayPeer(peer.Peer, status.Now - peer.LastSeenAt!.Value),
        ];
    }

    /// <summary>The control socket to use, and the repository if one is named.</summary>
    /// <exception cref="EdgeSyncException">No daemon, or several.</exception>
    public static async Task<(string Socket, string? Repository)> FindDaemonAsync(
        CommandContext context, string? which, CancellationToken cancellationToken)
    {
        if (int.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out var processId))
        {
            return (ControlClient.Find(processId) ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"no daemon runs as process {processId}", "edgesync up FILE"), null);
        }

        if ((which ?? context.Get(Globals.Repo)) is { } repository)
        {
            return (ControlClient.Find(repository) ?? throw new EdgeSyncException(
                ErrorKind.NotFound, $"no daemon runs for {repository}", $"edgesync up {repository}"), repository);
        }

        var all = ControlClient.FindAll();
        return all.Count switch
        {
            1 => (all[0], null),
            0 => throw new EdgeSyncException(ErrorKind.NotFound, "no daemon runs here", "edgesync up FILE"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"{all.Count} daemons run here",
                "name one of them by its process id or a repository")
            {
                Candidates = await Task.WhenAll(all.Select(s => DescribeAsync(s, cancellationToken))),
            },
        };
    }

    // Process, role, name, repositories: what distinguishes daemons.
    private static async Task<string> DescribeAsync(string socket, CancellationToken cancellationToken)
    {
        var process = Path.GetFileNameWithoutExtension(socket);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerTimeMax);
        try
        {
            var status = (await ControlClient.AskAsync(socket, new ControlRequest("status"), limit.Token)).Status!;
            var paths = string.Join(", ", status.Repositories.Select(r => r.Path));
            return $"{process}  {status.Role}  {status.Node}  {paths}".TrimEnd();
        }
        catch (Exception e) when (
            e is EdgeSyncException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return $"{process}  does not answer";
        }
    }
}

/// <param name="Status"><c>synced</c>, <c>failed</c> or <c>no_peer</c>.</param>
internal sealed record SyncNowReport(string Status, IReadOnlyList<SyncNowResult> Targets) : IReport
{
    /// <summary>The status under its old word, for one version; null where it has not changed.</summary>
    public string? OldStatus => Status == "no_peer" ? "nobody_to_sync_with" : null;

    /// <summary>Peers that are away, when there is no peer to sync with.</summary>
    public IReadOnlyList<AwayPeer> Away { get; init; } = [];

    public void Print(TextWriter output)
    {
        foreach (var target in Targets)
        {
            var outcome = target.Status == "failed"
                ? $"failed: {target.Reason}"
                : $"{target.Received} received, {target.Sent} sent";
            output.WriteLine($"{Path.GetFileName(target.Repository)}  {target.Target}  {outcome}");
        }

        var agreed = Targets.Count(t => t.Status != "failed");
        output.WriteLine(Targets.Count == 0 ? NoPeer() : $"synced with {agreed} of {Targets.Count} targets");
    }

    private string NoPeer() => Away.Count == 0
        ? "no peer to sync with"
        : "no peer to sync with: "
            + string.Join(
                ", ",
                Away.Take(3).Select(a => $"{a.Peer} is away since {DisplayText.Span(TimeSpan.FromSeconds(a.Seconds))}"))
            + (Away.Count > 3 ? $" and {Away.Count - 3} more" : "");
}

/// <summary>A peer that is away, and the time since its last presence.</summary>
internal sealed record AwayPeer(string Peer, double Seconds)
{
    public AwayPeer(string peer, TimeSpan since) : this(peer, Math.Round(since.TotalSeconds))
    {
    }
}
