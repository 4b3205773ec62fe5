using System.Text.Json;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Iroh;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Mesh;

/// <summary>The result of pairing on the machine that has typed the code.</summary>
/// <param name="Id">Of the other endpoint.</param>
/// <param name="OwnId">Ours.</param>
/// <param name="Ticket">Of the other endpoint.</param>
internal sealed record PairedPeer(
    string Id, string OwnId, string Ticket, string Name, string Capabilities, string ProjectCode);

/// <summary>Presents a pairing code to the endpoint that made it.</summary>
internal static class PairClient
{
    /// <summary>A person has to confirm on the other machine.</summary>
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromMinutes(10);

    /// <exception cref="EdgeSyncException">Usage: not a code, or it is damaged.</exception>
    public static PairCode Parse(string text) => PairCode.TryParse(text, out var code)
        ? code
        : throw new EdgeSyncException(
            ErrorKind.Usage, "this is not a pairing code: one begins with esp, and no character is missing",
            "edgesync pair, on the other machine, prints one");

    /// <param name="text">The code.</param>
    /// <param name="repository">Whose key this machine uses; the file need not exist yet.</param>
    /// <param name="name">Of this machine.</param>
    /// <param name="ticket">Of the node that runs here; null without one.</param>
    /// <exception cref="EdgeSyncException">Denied: it was refused. Unavailable: no answer.</exception>
    public static async Task<PairedPeer> RunAsync(
        string text, string repository, string name, string? ticket, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var code = Parse(text);
        var settings = EndpointSettings.OfEnvironment();
        using var key = EndpointKeyFile.Ensure(EndpointSettings.KeyFileOf(settings, repository));
        await using var endpoint = IrohEndpoint.Start(
            EndpointSettings.OfCommand(settings, key), SystemEntropy.Instance, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = clock.CreateTimer(
            state => ((CancellationTokenSource)state!).Cancel(), patience, AnswerTimeMax, Timeout.InfiniteTimeSpan);
        try
        {
            var connection = await endpoint.ConnectAsync(code.Peer, IrohProtocol.Pair, patience.Token);
            var answer = await AskAsync(connection, new PairRequest(
                Convert.ToHexStringLower(code.Token), name, ticket), patience.Token);
            connection.Close(0, "");
            return answer is { Accepted: true, Capabilities: { } capabilities, ProjectCode: { } project }
                ? new PairedPeer(
                    code.Peer.Id.ToString(), key.Id.ToString(), EndpointTicket.Format(code.Peer),
                    DisplayText.Name(answer.Name), capabilities, project)
                : throw Refused(answer?.Reason);
        }
        catch (QuicClosedException e)
        {
            throw e.Reason.Code == IrohProtocol.NotAllowed ? Refused("no code is valid there") : e;
        }
        catch (JsonException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Protocol, "invalid answer to the pairing code", "edgesync version, on both machines", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, "the other machine did not answer", "edgesync pair, there, prints a new code",
                e);
        }
    }

    private static async Task<PairAnswer?> AskAsync(
        IrohConnection connection, PairRequest request, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(cancellationToken: cancellationToken);
        await PairWire.WriteLastAsync(stream, request, PairContext.Default.PairRequest, cancellationToken);
        return await PairWire.ReadAsync(stream, PairContext.Default.PairAnswer, cancellationToken);
    }

    private static EdgeSyncException Refused(string? reason) => new(
        ErrorKind.Denied, $"the other machine refuses: {DisplayText.OneLine(reason ?? "without a reason")}",
        "edgesync pair, there, prints a new code");
}
