using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>A broker without sockets, and its clock. What it writes is gathered by connection.</summary>
internal sealed class LeafNode
{
    private readonly Dictionary<BrokerConnection, List<byte>> _output = [];
    private readonly List<OutputSegment> _segments = [];

    public LeafNode(
        string name, LeafnodeOptions? leafnodes = null, Func<BrokerOptions, BrokerOptions>? options = null,
        ulong seed = 1)
    {
        var plain = new BrokerOptions { ServerName = name };
        Core = new BrokerCore(options?.Invoke(plain) ?? plain, new SeededEntropy(seed), new Prng(seed), Now);
        Core.OpenLeafnodes(leafnodes ?? new LeafnodeOptions());
        Links = (LeafLinks)Core.Leafnodes!;
    }

    public BrokerCore Core { get; }

    public LeafLinks Links { get; }

    public Instant Now { get; private set; } = Instant.FromUnixSeconds(1_800_000_000);

    public string Name => Core.Options.ServerName;

    /// <summary>Output that was taken, but not reported as sent: the other side does not read.</summary>
    public bool HoldsOutput { get; set; }

    public void Advance(TimeSpan time)
    {
        Now += time;
        Core.OnDeadline(Now);
        Drain();
    }

    public ScriptedPeer AcceptLeaf(bool isTls = false) =>
        new(this, Core.Attach(new ConnectionOrigin { Kind = ConnectionKind.Leaf, IsTls = isTls }, Now));

    public ScriptedPeer Solicit(LeafnodeRemote? remote = null, bool wantsTls = false)
    {
        remote ??= new LeafnodeRemote { Urls = ["nats-leaf://hub:7422"] };
        Assert.True(LeafUrl.TryParse(remote.Urls[0], out var url));
        return new ScriptedPeer(
            this, Links.Solicit(remote, url, wantsTls, new ConnectionOrigin { Kind = ConnectionKind.Leaf }, Now));
    }

    /// <summary>A client that has sent CONNECT.</summary>
    public ScriptedPeer Client(
        string connect = """{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}""")
    {
        var client = new ScriptedPeer(this, Core.Attach(new ConnectionOrigin { Kind = ConnectionKind.Client }, Now));
        client.Send($"CONNECT {connect}\r\n");
        client.Take();
        return client;
    }

    public void Receive(BrokerConnection connection, ReadOnlySpan<byte> bytes)
    {
        Core.Receive(connection, Now, bytes);
        Drain();
    }

    public void Detach(BrokerConnection connection)
    {
        Core.Detach(connection, CloseReason.ClientClosed, Now);
        Drain();
    }

    public byte[] Take(BrokerConnection connection)
    {
        Drain();
        return _output.Remove(connection, out var bytes) ? [.. bytes] : [];
    }

    private void Drain()
    {
        while (Core.TryTakeTouched(out var connection))
        {
            _segments.Clear();
            var size = Core.TakeOutput(connection, _segments, Now);
            if (!_output.TryGetValue(connection, out var bytes)) _output[connection] = bytes = [];
            foreach (var segment in _segments)
            {
                bytes.AddRange(segment.Buffer.AsSpan(0, segment.Length));
                Core.Recycle(segment);
            }

            if (!HoldsOutput) Core.OutputSent(connection, size, Now);
        }
    }
}

/// <summary>The other end of one connection, written by hand.</summary>
internal sealed class ScriptedPeer(LeafNode node, BrokerConnection connection)
{
    public LeafNode Node => node;

    public BrokerConnection Connection => connection;

    public LeafSession Link => (LeafSession)connection;

    public bool IsClosed => connection.IsClosed;

    public void Send(string text) => node.Receive(connection, Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes) => node.Receive(connection, bytes);

    /// <summary>Everything written to this peer since the last time.</summary>
    public string Take() => Encoding.Latin1.GetString(node.Take(connection));

    public string Ask(string text)
    {
        Send(text);
        return Take();
    }

    /// <summary>The other end is gone.</summary>
    public void Cut() => node.Detach(connection);
}
