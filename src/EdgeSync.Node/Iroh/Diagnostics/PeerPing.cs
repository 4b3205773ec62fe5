using System.Diagnostics;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>
/// <c>edgesync iroh ping</c>: connects to a peer, tells each way that data goes, and ends when it is a direct one.
/// </summary>
/// <param name="peer">A ticket, or an id that is looked up.</param>
public sealed class PeerPing(IrohTestOptions options, string peer, Action<IrohTestLine> write)
{
    private const string Verb = "ping";

    private static readonly IReadOnlyList<string> Protocols = [IrohEndpoint.PingAlpn, TestProtocol.Echo];

    /// <param name="time">How long a direct way is waited for.</param>
    /// <exception cref="EdgeSyncException">The peer does not answer, or has none of the protocols.</exception>
    public async Task<IrohTestLine> RunAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var address = AddressOf(peer);
        using var key = TestKeys.KeyOf(options.Secret, options.KeyFile);
        await using var endpoint = IrohTestHost.Start(options, key, accepts: false);
        await endpoint.OnlineAsync(cancellationToken);
        write(new IrohTestLine
        {
            Event = "trying",
            Peer = address.Id.ToString(),
            Relay = address.Relays is [var relay, ..] ? relay.Text : null,
            Direct = [.. address.Direct.Select(d => d.ToString())],
        });
        var start = Stopwatch.GetTimestamp();
        var connection = await endpoint.ConnectAsync(address, [.. Protocols, .. options.Alpns], cancellationToken);
        write(new IrohTestLine
        {
            Event = "connected",
            ConnectMs = TestDialer.Milliseconds(start),
            Me = key.Id.ToString(),
            Peer = connection.Peer.ToString(),
            Alpn = connection.Alpn,
        });
        await FollowAsync(connection, time, cancellationToken);
        return await ResultAsync(connection);
    }

    /// <summary>Tells each way, until it is direct, the time is over, or the peer has closed.</summary>
    private async Task FollowAsync(IrohConnection connection, TimeSpan time, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(time);
        string? told = null;
        try
        {
            while (!connection.Closed.IsCompleted)
            {
                // One look for both: a direct way that opens between two looks would end this unwritten.
                var changed = connection.PathsChanged;
                var route = connection.Route;
                if (route is not null && route.Address != told)
                {
                    told = route.Address;
                    write(LineOf(route) with { Event = "route" });
                }

                if (route is { IsRelayed: false }) return;
                await changed.WaitAsync(limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It stays with the relay.
        }
    }

    private static async Task<IrohTestLine> ResultAsync(IrohConnection connection)
    {
        var isOpen = !connection.Closed.IsCompleted;
        var line = connection.Route is { } route ? LineOf(route) : new IrohTestLine();
        return line with
        {
            Event = "result",
            Verb = Verb,
            Ok = isOpen,
            Reason = isOpen ? null : QuicClosedException.TextOf(await connection.Closed),
            Ms = connection.TimeToDirect is { } direct ? Math.Round(direct.TotalMilliseconds, 2) : null,
            Paths = IrohTestHost.PathsOf(connection),
        };
    }

    private static IrohTestLine LineOf(IrohPath path) => new()
    {
        Route = path.IsRelayed ? "relay" : "direct",
        Addr = path.Address,
        RttMs = Math.Round(path.RoundTrip.TotalMilliseconds, 2),
    };

    private static EndpointAddress AddressOf(string text) => EndpointId.TryParse(text, out var id)
        ? new EndpointAddress(id)
        : EndpointTicket.Parse(text);
}
