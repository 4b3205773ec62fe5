using System.Net;
using System.Text;
using System.Threading.Channels;
using EdgeSync.InteropTests.Quic;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>
/// Our gossip over connections with a real endpoint, in both roles. The binding has no gossip of its own: the script of
/// the peer speaks its frames over the binding's streams.
/// </summary>
public sealed class GossipBesideIrohTests
{
    private static readonly TopicId Topic = new([.. Enumerable.Range(0x80, TopicId.Bytes).Select(i => (byte)i)]);

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Before(HookType.Test)]
    public void Require() => IrohPeer.Require();

    [Test]
    public async Task A_real_endpoint_joins_ours()
    {
        await using var ours = new Node();
        using var part = ours.Gossip.Join(Topic, []);
        var talking = TalkAsync(part);

        var result = IrohPeer.Dial("gossip", ours.Endpoint.Ticket);

        Assert.True(IrohPeer.IsOk(result), result.ToString());
        Assert.Equal("welcome", result.GetProperty("content").GetString());
        Assert.Equal(["up", "hello", "down"], await talking);
    }

    [Test]
    public async Task Ours_joins_a_real_endpoint()
    {
        var (program, ticket) = await IrohPeer.ListenAsync(Cancellation);
        using var listener = program;
        await using var ours = new Node();
        using var part = ours.Gossip.Join(Topic, [EndpointTicket.Parse(ticket)]);

        Assert.Equal(["up", "hello", "down"], await TalkAsync(part));
        await Patience.UntilAsync(
            () => program.TextSoFar.Contains("\"content\":\"welcome\"", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20), () => program.TextSoFar);
    }

    /// <summary>Answers the first message, until the neighbour has left.</summary>
    private static async Task<List<string>> TalkAsync(GossipTopic part)
    {
        var seen = new List<string>();
        await foreach (var happened in part.ReadAllAsync(Cancellation))
        {
            switch (happened)
            {
                case GossipEvent.NeighborUp: seen.Add("up"); break;
                case GossipEvent.Received received:
                    seen.Add(Encoding.UTF8.GetString(received.Content.Span));
                    Assert.True(part.Broadcast("welcome"u8.ToArray()));
                    break;
                case GossipEvent.NeighborDown:
                    seen.Add("down");
                    return seen;
            }
        }

        return seen;
    }

    private sealed class Node : IAsyncDisposable
    {
        private readonly SecretKey _key = new([.. Enumerable.Repeat((byte)5, SecretKey.SeedBytes)]);
        private readonly Task _serving;

        public Node()
        {
            Endpoint = IrohEndpoint.Start(
                new IrohEndpointOptions(_key)
                {
                    Alpns = [IrohGossip.Alpn],
                    Bind = [new IPEndPoint(IPAddress.Loopback, 0)],
                },
                SystemEntropy.Instance, TimeProvider.System);
            Gossip = IrohGossip.Start(Endpoint, new GossipOptions(), new Prng(1), TimeProvider.System);
            _serving = ServeAsync();
        }

        public IrohEndpoint Endpoint { get; }

        public IrohGossip Gossip { get; }

        public async ValueTask DisposeAsync()
        {
            await Gossip.DisposeAsync();
            await Endpoint.CloseAsync();
            await _serving;
            _key.Dispose();
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true) Gossip.Accept(await Endpoint.AcceptAsync(Cancellation));
            }
            catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
            {
                // The endpoint is closed.
            }
        }
    }
}
