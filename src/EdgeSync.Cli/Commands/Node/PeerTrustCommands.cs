using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Mesh;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Which iroh endpoints a repository is open to.</summary>
internal static class PeerTrustCommands
{
    private static readonly Argument<string> Peer = new("ID|TICKET")
    {
        Description = "The endpoint: its id, or a ticket by which it can be dialled.",
    };

    private static readonly Argument<string> Known = new("ID|NAME")
    {
        Description = "The endpoint: its id, the begin of it, its ticket, or its name.",
    };

    private static readonly Option<string> Rights = new("--rights")
    {
        Description = "Capability letters, as of a Fossil user.",
        HelpName = "LETTERS",
        DefaultValueFactory = _ => JoinTokenStore.Capabilities,
    };

    private static readonly Option<string?> Name = new("--peer-name")
    {
        Description = "What to call it.",
        HelpName = "NAME",
    };

    public static CommandSpec CreateTrust() =>
        new("trust", "Open the repository to an iroh endpoint.", TrustAsync)
        {
            Arguments = { Peer },
            Options = { Rights, Name },
            Notes = "Letters: g clone, o read, i write, y unversioned files, x private branches. A running node "
                + "applies it at once. A ticket is stored, and the node dials it from then on.",
            Examples =
            [
                "peers trust 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 -R project.fossil",
                "peers trust TICKET --rights o --peer-name backup",
            ],
        };

    public static CommandSpec CreateForget() =>
        new("forget", "Close the repository to an iroh endpoint again.", ForgetAsync)
        {
            Arguments = { Known },
            Notes = "Its connections end at once. A peer of the settings (iroh.peers) stays trusted: remove it there.",
            Examples = ["peers forget 03a107bff3", "peers forget backup -R project.fossil"],
        };

    private static async Task<ExitCode> TrustAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (id, ticket) = PeerNames.Parse(context.Require(Peer));
        TrustedPeer peer;
        string path;
        using (var repository = context.OpenToWrite())
        {
            path = repository.Path;
            var known = repository.TrustedPeers.Find(id);
            peer = new TrustedPeer(id, context.Require(Rights), repository.Now)
            {
                Name = context.Get(Name) ?? known?.Name ?? "",
                Ticket = ticket ?? known?.Ticket,
            };
            repository.TrustedPeers.Set(peer);
        }

        await TellAsync(path, cancellationToken);
        context.Output.Write(new TrustReport("trusted", path, peer.Id, Word(peer.Name), peer.Capabilities));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> ForgetAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var named = context.Require(Known);
        TrustedPeer peer;
        string path;
        using (var repository = context.OpenToWrite())
        {
            path = repository.Path;
            peer = Find(repository, named);
            repository.TrustedPeers.Remove(peer.Id);
        }

        await TellAsync(path, cancellationToken);
        context.Output.Write(new TrustReport("forgotten", path, peer.Id, Word(peer.Name), null));
        return ExitCode.Ok;
    }

    private static TrustedPeer Find(Repository repository, string named)
    {
        var id = PeerNames.TryParse(named, out var exact) ? exact : null;
        var found = repository.TrustedPeers.List()
            .Where(p => id is not null ? p.Id == id
                : p.Name == named || (named.Length >= 4 && p.Id.StartsWith(named, StringComparison.Ordinal)))
            .ToList();
        return found switch
        {
            [var only] => only,
            [] => throw new EdgeSyncException(
                ErrorKind.NotFound, $"{repository.Path} trusts no peer {DisplayText.OneLine(named)}",
                "edgesync peers"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"{found.Count} peers are named so", "write more of the id")
            {
                Candidates = [.. found.Select(p => $"{p.Id} {p.Name}")],
            },
        };
    }

    /// <summary>A node that runs for the repository applies the change, before the command ends.</summary>
    internal static async Task TellAsync(string repository, CancellationToken cancellationToken)
    {
        if (ControlClient.Find(repository) is not { } socket) return;

        try
        {
            await ControlClient.AskAsync(socket, new ControlRequest("users"), cancellationToken);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            // The link of a killed daemon: it reads the repository when it starts.
        }
    }

    private static string? Word(string name) => name.Length > 0 ? name : null;
}

/// <param name="Status"><c>trusted</c> or <c>forgotten</c>.</param>
/// <param name="Rights">Capability letters; null when it was forgotten.</param>
internal sealed record TrustReport(string Status, string Repository, string Peer, string? Name, string? Rights)
    : IReport
{
    public void Print(TextWriter output)
    {
        var who = Name is null ? Peer[..10] : $"{DisplayText.Name(Name)} ({Peer[..10]})";
        output.WriteLine(
            Rights is null ? $"{Repository} is closed to {who}" : $"{Repository} is open to {who}: {Rights}");
    }
}
