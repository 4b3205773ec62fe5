using System.Net;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>What stock prints of a session: a line that each half of a round draws again, and the end.</summary>
// Spec: client_sync in xfer.c, sync_explain in sync.c.
internal sealed class StockSyncPrinter(Output output, SyncActions actions) : ISyncWatch
{
    private string _last = "";

    /// <summary>Of a sync that goes with another command; null where nothing is printed of it.</summary>
    public static ISyncWatch? Watch(Output output, SyncActions actions, PeerUrl peer)
    {
        if (!output.IsStock || output.IsJson) return null;

        Explain(output, actions, peer);
        return new StockSyncPrinter(output, actions);
    }

    /// <summary>Names the peer, where the command line does not.</summary>
    public static void Explain(Output output, SyncActions actions, PeerUrl peer)
    {
        if (!output.IsStock || output.IsJson) return;

        var verb = (actions & SyncActions.Sync) switch
        {
            SyncActions.Sync => "Sync with",
            SyncActions.Push => "Push to",
            SyncActions.Pull => "Pull from",
            _ => null,
        };
        if (verb is not null) output.Text.Write($"{verb} {peer}\n");
        output.Text.Flush();
    }

    public void OnStep(SyncProgress step)
    {
        if (step.Step == SyncStep.Arrival) return;

        var round = step.Step == SyncStep.Request ? step.Rounds + 1 : step.Rounds;
        _last = $"Round-trips: {round}   Artifacts sent: {step.ArtifactsSent + step.UnversionedSent}"
            + $"  received: {step.ArtifactsReceived + step.UnversionedReceived}\r";
        output.Text.Write(_last);
        output.Text.Flush();
    }

    public void End(ITransport transport, PeerUrl peer)
    {
        var name = actions.HasFlag(SyncActions.Clone) ? "Clone"
            : (actions & SyncActions.Sync) switch
            {
                SyncActions.Sync => "Sync",
                SyncActions.Push => "Push",
                SyncActions.Pull => "Pull",
                _ => "",
            };
        if (_last.Length > 0) output.Text.Write("\n");
        output.Text.Write(
            $"{name} done, wire bytes sent: {transport.WireBytesSent}  received: {transport.WireBytesReceived}  "
                + $"remote: {AddressOf(peer)}\n");
        output.Text.Flush();
    }

    private static string AddressOf(PeerUrl peer)
    {
        if (peer.FilePath is not null || peer.IsSsh) return peer.Address.Host;
        if (IPAddress.TryParse(peer.Address.Host.Trim('[', ']'), out var address)) return address.ToString();

        try
        {
            return Dns.GetHostAddresses(peer.Address.Host).FirstOrDefault()?.ToString() ?? peer.Address.Host;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return peer.Address.Host;   // an exchange through a proxy needs no address of the peer here
        }
    }
}
