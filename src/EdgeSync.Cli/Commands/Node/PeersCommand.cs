using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>The other nodes of the project and their state: from a running daemon, or as last stored.</summary>
internal static class PeersCommand
{
    private static readonly Argument<string?> Which = new("PID|REPO")
    {
        Description = "Process id or repository file (default: -R, or the only running daemon).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static CommandSpec Create() =>
        new("peers", "List the nodes of the same project: version, lag, last seen, route.", RunAsync)
        {
            Arguments = { Which },
            Subcommands = { PeerTrustCommands.CreateTrust(), PeerTrustCommands.CreateForget() },
            Notes = "Without a daemon, prints the record of peers in the repository. Peers by iroh are listed with "
                + "their route (direct or relay), round trip and rights.",
            Examples = ["peers", "peers project.fossil --json"],
        };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var repository = context.Get(Which) ?? context.Get(Globals.Repo);
        if (repository is not null && File.Exists(repository) && ControlClient.Find(repository) is null)
        {
            var (group, trusted) = Remembered(context, repository);
            context.Output.Write(new PeersReport(context.Clock.GetUtcNow(), false, [group]) { Iroh = trusted });
            return ExitCode.Ok;
        }

        var (socket, named) = await SyncCommand.FindDaemonAsync(context, repository, cancellationToken);
        var reply = await ControlClient.AskAsync(socket, new ControlRequest("status"), cancellationToken);
        var wanted = named is null ? null : NodePaths.RealPathOf(named);
        var groups = reply.Status!.Repositories
            .Where(r => wanted is null || NodePaths.RealPathOf(r.Path) == wanted)
            .Select(r => new PeerGroup(r.Path, r.Peers, r.Targets)).ToList();
        context.Output.Write(
            new PeersReport(reply.Status.Now, true, groups) { Iroh = reply.Status.Iroh?.Peers ?? [] });
        return ExitCode.Ok;
    }

    private static (PeerGroup Group, IReadOnlyList<IrohPeerStatus> Trusted) Remembered(
        CommandContext context, string path)
    {
        using var repository = Storage.Repository.Open(
            path, Storage.RepositoryOptions.ReadOnly with { Clock = context.Clock });
        return (
            new PeerGroup(path, RepositoryStatusOf.RememberedPeers(repository), []),
            RepositoryStatusOf.TrustedPeers(repository));
    }
}

/// <param name="Targets">Empty when no daemon runs.</param>
internal sealed record PeerGroup(
    string Repository, IReadOnlyList<PeerStatus> Peers, IReadOnlyList<TargetStatus> Targets);

/// <param name="IsLive">False: no daemon runs, and this is the stored state.</param>
internal sealed record PeersReport(DateTimeOffset Now, bool IsLive, IReadOnlyList<PeerGroup> Repositories) : IReport
{
    /// <summary>Trusted iroh endpoints.</summary>
    public IReadOnlyList<IrohPeerStatus> Iroh { get; init; } = [];

    public void Print(TextWriter output)
    {
        foreach (var group in Repositories)
        {
            output.WriteLine($"{group.Repository}{(IsLive ? "" : "  (no daemon runs: as last known)")}");
            if (group.Peers.Count > 0)
                output.WriteLine(
                    $"  {"node",-20}  {"role",-6}  {"version",-10}  {"state",-10}  {"last seen",-16}  route");
            foreach (var peer in group.Peers)
            {
                output.WriteLine(
                    $"  {peer.Peer,-20}  {peer.Role ?? "?",-6}  {peer.Version ?? "?",-10}  {State(peer),-10}  "
                        + $"{Seen(peer),-16}  {peer.Route ?? "-"}");
            }

            foreach (var target in group.Targets.Where(t => t.Target.StartsWith("http:", StringComparison.Ordinal)))
                output.WriteLine($"  {target.Target["http:".Length..]}  {target.Behind ?? "in sync"}");
            if (group.Peers.Count == 0 && group.Targets.Count == 0) output.WriteLine("  no peers");
        }

        if (Iroh.Count > 0)
            output.WriteLine($"{"iroh endpoint",-22}  {"name",-16}  {"route",-6}  {"rtt",-9}  {"rights",-8}  address");
        foreach (var peer in Iroh)
        {
            var rtt = peer.RttMs is { } ms ? string.Create(CultureInfo.InvariantCulture, $"{ms:0.#} ms") : "-";
            var rights = string.Join(' ', peer.Capabilities.Values.Distinct());
            output.WriteLine(
                $"  {peer.EndpointId[..20]}  {DisplayText.Name(peer.Name ?? "-"),-16}  {peer.Route,-6}  {rtt,-9}  "
                    + $"{rights,-8}  {peer.Address ?? peer.LastError ?? "-"}");
        }
    }

    // A peer that is away may have changed since: its stored state may be outdated.
    private string State(PeerStatus peer) => peer.Route is null && IsLive ? "away" : peer.Lag switch
    {
        null => "unknown",
        0 => "in sync",
        var lag => $"{lag.Value.ToString(CultureInfo.InvariantCulture)} behind",
    };

    private string Seen(PeerStatus peer) =>
        peer.LastSeenAt is not { } at ? "never" : $"{DisplayText.Span(Now > at ? Now - at : TimeSpan.Zero)} ago";
}
