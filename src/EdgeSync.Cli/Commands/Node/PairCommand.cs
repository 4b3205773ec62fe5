using System.CommandLine;
using System.Text.Json.Serialization;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Node.Control;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Makes two machines trust each other by a code: one prints it, the other one takes it.</summary>
internal static class PairCommand
{
    private static readonly Argument<string?> Code = new("CODE")
    {
        Description = "What 'edgesync pair' printed on the other machine; without it a code is printed here.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string> Rights = new("--rights")
    {
        Description = "Capability letters of the other machine here.",
        HelpName = "LETTERS",
        DefaultValueFactory = _ => JoinTokenStore.Capabilities,
    };

    private static readonly Option<bool> Yes = new("--yes", "-y") { Description = "Confirm without a question." };

    private static readonly Option<bool> Qr = new("--qr")
    {
        Description = "Draw the code as a QR code as well (default: on a terminal).",
    };

    private static readonly Option<bool> NoQr = new("--no-qr") { Description = "Draw none." };

    public static CommandSpec Create() =>
        new("pair", "Trust another machine by a code, and be trusted by it (iroh).", RunAsync)
        {
            Arguments = { Code },
            Options = { Rights, Yes, Qr, NoQr },
            Notes = """
            On the first machine, where 'edgesync leaf --iroh' runs: 'edgesync pair'. On the second one: 'edgesync pair
            CODE', with -R FILE for a repository that is there, or for one that is cloned then. Both show who the other one
            is and ask. A code works once, for ten minutes. 'edgesync peers' lists who is trusted, 'edgesync peers forget'
            ends it.
            """,
            Examples = ["pair -R project.fossil", "pair CODE -R project.fossil", "pair --rights o --yes", "pair --qr"],
        };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken) =>
        context.Get(Code) is { } text
            ? PresentAsync(context, text, cancellationToken)
            : OfferAsync(context, cancellationToken);

    private static async Task<ExitCode> OfferAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var (socket, repository) = await SyncCommand.FindDaemonAsync(context, null, cancellationToken);
        var rights = context.Require(Rights);
        TrustedPeerStore.RequireCapabilities(rights);
        var request = new ControlRequest(
            "pair", repository is null ? null : NodePaths.RealPathOf(repository))
        { Capabilities = rights };
        var open = await ControlClient.AskAsync(socket, request, cancellationToken);
        context.Output.Write(new PairCodeReport("waiting", open.Code!, open.ExpiresAt!)
        {
            IsDrawn = context.Get(Qr) || (context.Output.IsTerminal && !context.Get(NoQr)),
        });
        context.Output.Flush();

        var machine = (
            await ControlClient.AskAsync(socket, new ControlRequest("pair_wait"), cancellationToken)).Candidate!;
        var accepts = context.Get(Yes)
            || Question.Confirm(
                context.Output,
                $"{DisplayText.Name(machine.Name)} has the code. Its id is {machine.Id}.\n"
                    + $"Open this repository to it ({machine.Capabilities}) (y/N)? ");
        await ControlClient.AskAsync(
            socket, new ControlRequest("pair_answer") { Peer = machine.Id, Accepts = accepts }, cancellationToken);
        if (!accepts)
            throw new EdgeSyncException(ErrorKind.Denied, $"{machine.Name} was refused", "edgesync pair");

        context.Output.Write(new PairReport("paired", machine.Id, machine.Name, machine.Capabilities));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PresentAsync(
        CommandContext context, string text, CancellationToken cancellationToken)
    {
        var endpoint = PeerNames.IdOfCode(text);
        var path = Path.GetFullPath(context.RepositoryPath);
        var rights = context.Require(Rights);
        TrustedPeerStore.RequireCapabilities(rights);
        if (!context.Get(Yes)
            && !Question.Confirm(
                context.Output,
                $"The code is of endpoint {endpoint}.\nOpen {path} to it ({rights}) (y/N)? "))
            throw new EdgeSyncException(
                ErrorKind.Denied, "not confirmed: nothing was sent", "edgesync pair CODE --yes");

        var machine = NodeName.Of(
            new NodeSettings { Repositories = [new RepositorySettings { Path = path }] }, "leaf");
        var paired = await PairClient.RunAsync(
            text, path, machine, await TicketAsync(path, cancellationToken), context.Clock, cancellationToken);
        if (!File.Exists(path))
            await CloneCommand.CloneAsync(
                context, PeerUrl.ParseAny($"iroh:{paired.Ticket}"), login: null, path, SyncActions.Clone,
                cancellationToken);
        using (var repository = context.OpenToWrite(path))
        {
            if (repository.ProjectCode != paired.ProjectCode)
                context.Output.Errors.WriteLine(
                    $"warning: the repository there has project {paired.ProjectCode}, this one "
                        + $"{repository.ProjectCode}: they do not sync");
            repository.TrustedPeers.Set(new TrustedPeer(paired.Id, rights, repository.Now)
            {
                Name = paired.Name,
                Ticket = paired.Ticket,
            });
        }

        await PeerTrustCommands.TellAsync(path, cancellationToken);
        context.Output.Write(new PairReport("paired", paired.Id, paired.Name, rights)
        {
            RightsThere = paired.Capabilities,
        });
        return ExitCode.Ok;
    }

    // Of the node that runs here; without one, the other machine waits until this one connects.
    private static async Task<string?> TicketAsync(string path, CancellationToken cancellationToken)
    {
        if (ControlClient.Find(path) is not { } socket) return null;

        try
        {
            var reply = await ControlClient.AskAsync(socket, new ControlRequest("status"), cancellationToken);
            return reply.Status?.Iroh?.Ticket;
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            return null;
        }
    }
}

/// <param name="Status"><c>waiting</c>: for the other machine.</param>
internal sealed record PairCodeReport(string Status, string Code, string ExpiresAt) : IReport
{
    /// <summary>As a QR code, too.</summary>
    [JsonIgnore]
    public bool IsDrawn { get; init; }

    public void Print(TextWriter output)
    {
        output.WriteLine($"On the other machine, once, until {DisplayText.Minute(ExpiresAt)} UTC:");
        output.WriteLine();
        output.WriteLine($"edgesync pair {Code}");
        if (!IsDrawn) return;

        // In capitals the code is a third smaller; they are read too.
        output.WriteLine();
        output.Write(QrText.Draw(Code.ToUpperInvariant()));
    }
}

/// <param name="Status"><c>paired</c>.</param>
/// <param name="Rights">Capability letters of the peer here.</param>
internal sealed record PairReport(string Status, string Peer, string Name, string Rights) : IReport
{
    /// <summary>Our rights there; null where the code was made.</summary>
    public string? RightsThere { get; init; }

    public void Print(TextWriter output)
    {
        output.WriteLine($"paired with {DisplayText.Name(Name)} ({Peer[..10]}): {Rights} here");
        if (RightsThere is null) return;

        output.WriteLine($"  rights there: {RightsThere}");
        output.WriteLine("  stay in sync: edgesync leaf --iroh");
    }
}
