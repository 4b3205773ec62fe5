using System.Net;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>A server that leaves can join: the distribution's or ours.</summary>
internal abstract class LeafBus : IAsyncDisposable
{
    public abstract int ClientPort { get; }

    public abstract int LeafPort { get; }

    /// <summary>What the server says of itself, for failures.</summary>
    public abstract string Log { get; }

    public static async Task<LeafBus> StartAsync(string kind, string name, params int[] hubs) => kind switch
    {
        "real" =>
            new RealBus(name, string.Join(' ', hubs.Select(hub => $"{{ url: \"nats-leaf://127.0.0.1:{hub}\" }}"))),
        _ => await OurBus.StartAsync(name, hubs: hubs),
    };

    public Task<LeafClient> ClientAsync(string fields = "") => LeafClient.OpenAsync(ClientPort, fields);

    public abstract ValueTask DisposeAsync();
}

internal sealed class RealBus : LeafBus
{
    private readonly StockNats _server;

    public RealBus(string name, string remotes = "", string leafnodes = "", string more = "", int leafPort = 0)
    {
        LeafPort = leafPort > 0 ? leafPort : Ports.Free();
        _server = StockNats.Start($$"""
            server_name: {{name}}
            leafnodes { listen: "127.0.0.1:{{LeafPort}}", reconnect: 1, remotes: [ {{remotes}} ]
              {{leafnodes}} }
            {{more}}
            """);
    }

    public override int ClientPort => _server.Port;

    public override int LeafPort { get; }

    public override string Log => _server.Log;

    public StockNats Server => _server;

    public override ValueTask DisposeAsync()
    {
        _server.Dispose();
        return default;
    }
}

internal sealed class OurBus : LeafBus
{
    private readonly List<LeafnodeHandle> _remotes = [];

    private OurBus(NatsBroker broker) => Broker = broker;

    public NatsBroker Broker { get; }

    public override int ClientPort => Broker.ClientUrl!.Port;

    public override int LeafPort => Broker.LeafUrl!.Port;

    public override string Log => string.Join('\n', _remotes.Select(remote => remote.Status));

    public LeafnodeHandle Remote => _remotes[0];

    public static async Task<OurBus> StartAsync(
        string name, Func<NatsBrokerOptions, NatsBrokerOptions>? change = null, int leafPort = 0, params int[] hubs)
    {
        var options = new NatsBrokerOptions
        {
            Broker = new BrokerOptions { ServerName = name },
            Entropy = new SeededEntropy((ulong)name.GetHashCode(StringComparison.Ordinal)),
            ClientListen = new IPEndPoint(IPAddress.Loopback, 0),
            LeafListen = new IPEndPoint(IPAddress.Loopback, leafPort),
        };
        var broker = await NatsBroker.StartAsync(
            change?.Invoke(options)
            ?? options, TimeProvider.System, null, TestContext.Current!.Execution.CancellationToken);
        var bus = new OurBus(broker);
        foreach (var hub in hubs) bus.Join($"nats-leaf://127.0.0.1:{hub}");
        return bus;
    }

    public LeafnodeHandle Join(string url, LeafnodeDialing? dialing = null) =>
        Join(new LeafnodeRemote { Urls = [url] }, dialing);

    public LeafnodeHandle Join(LeafnodeRemote remote, LeafnodeDialing? dialing = null)
    {
        var handle = Broker.AddRemote(remote, dialing);
        _remotes.Add(handle);
        return handle;
    }

    public Task UntilAsync(Func<LeafRemoteStatus, bool> condition) => Patience.UntilAsync(
        () => condition(Remote.Status), TimeSpan.FromSeconds(15), () => $"{Remote.Status}");

    public override ValueTask DisposeAsync() => Broker.DisposeAsync();
}
