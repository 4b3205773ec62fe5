using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Mesh;

/// <summary>Redeems the token of a join code over iroh, where no port of the node can be reached.</summary>
internal static class JoinOverIroh
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);

    /// <param name="code">With a ticket.</param>
    /// <param name="machine">The name of this one.</param>
    /// <param name="keyFile">Of this machine's endpoint, which becomes a trusted peer there.</param>
    /// <exception cref="EdgeSyncException">
    /// Denied: the code is unknown, used or expired. Unavailable: no answer.
    /// </exception>
    public static async Task<JoinAnswer> RedeemAsync(
        JoinCode code, string machine, string keyFile, TimeProvider clock, CancellationToken cancellationToken)
    {
        var peer = IrohPeer.Parse(code.Ticket!);
        var settings = EndpointSettings.OfEnvironment();
        using var key = EndpointKeyFile.Ensure(keyFile);
        await using var endpoint = IrohEndpoint.Start(
            EndpointSettings.OfCommand(settings, key), SystemEntropy.Instance, clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = clock.CreateTimer(
            state => ((CancellationTokenSource)state!).Cancel(), patience, TimeMax, Timeout.InfiniteTimeSpan);
        try
        {
            var connection = await endpoint.ConnectAsync(peer, IrohProtocol.Join, patience.Token);
            await using var stream = await connection.OpenStreamAsync(cancellationToken: patience.Token);
            await stream.WriteLastAsync(new JoinRequest(code.Token, machine).ToJson(), patience.Token);
            var answer = await PairWire.ReadAsync(stream, patience.Token);
            connection.Close(0, "");
            return JoinAnswer.Parse((answer ?? default).ToArray());
        }
        catch (QuicClosedException e) when (e.Reason.Code == IrohProtocol.NotAllowed)
        {
            throw Refused(e);
        }
        catch (QuicStreamException e) when (e.Code is IrohProtocol.NotAllowed or IrohProtocol.Malformed)
        {
            throw Refused(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"endpoint {peer.Id.ToShortString()} did not answer",
                "is 'edgesync up --iroh' running there?", e);
        }
    }

    private static EdgeSyncException Refused(Exception e) => new(
        ErrorKind.Denied, "the join code is unknown there, was used, or has expired",
        "edgesync repo invite, on the other machine, prints a new code", e);
}
