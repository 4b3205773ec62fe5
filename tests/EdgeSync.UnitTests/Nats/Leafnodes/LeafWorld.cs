using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>
/// Brokers joined by byte queues, in one thread. Bytes arrive in pieces of any size, links in any order.
/// </summary>
internal sealed class LeafWorld(Prng prng)
{
    private readonly List<LeafNode> _nodes = [];
    private readonly List<LeafCable> _cables = [];

    public IReadOnlyList<LeafNode> Nodes => _nodes;

    public IReadOnlyList<LeafCable> Cables => _cables;

    public LeafNode Add(string name, LeafnodeOptions? options = null)
    {
        var node = new LeafNode(name, options, seed: prng.NextUInt64());
        _nodes.Add(node);
        return node;
    }

    /// <summary>The leaf dials the hub.</summary>
    public LeafCable Join(LeafNode leaf, LeafNode hub, LeafnodeRemote? remote = null) =>
        Join(leaf.Solicit(remote), hub.AcceptLeaf());

    public LeafCable Join(ScriptedPeer leafSide, ScriptedPeer hubSide)
    {
        var cable = new LeafCable(leafSide, hubSide);
        _cables.Add(cable);
        return cable;
    }

    public void Cut(LeafCable cable)
    {
        cable.Cut();
        _cables.Remove(cable);
    }

    /// <summary>One piece of bytes over one cable. False when nothing is on its way.</summary>
    public bool Step()
    {
        foreach (var cable in _cables.ToArray())
            if (cable.IsEnded) Cut(cable);

        var busy = _cables.Where(cable => cable.HasBytes).ToArray();
        if (busy.Length == 0) return false;

        prng.Pick<LeafCable>(busy).Move(prng);
        return true;
    }

    /// <summary>Time passes everywhere, and what it brings arrives.</summary>
    public void Advance(TimeSpan time)
    {
        foreach (var node in _nodes) node.Advance(time);
        Settle();
    }

    public void Settle()
    {
        const int StepsMax = 2_000_000;
        for (var i = 0; i < StepsMax; i++)
            if (!Step()) return;
        Assert.Fail("the links never come to rest");
    }
}

/// <summary>One link: both ends and what is on its way between them.</summary>
internal sealed class LeafCable(ScriptedPeer leafSide, ScriptedPeer hubSide)
{
    private readonly Queue<byte> _toHub = new();
    private readonly Queue<byte> _toLeaf = new();

    public ScriptedPeer LeafSide => leafSide;

    public ScriptedPeer HubSide => hubSide;

    public LeafNode Leaf => leafSide.Node;

    public LeafNode Hub => hubSide.Node;

    public long BytesCarried { get; private set; }

    public bool HasBytes
    {
        get
        {
            Collect();
            return _toHub.Count + _toLeaf.Count > 0;
        }
    }

    /// <summary>An end has closed, and all that it wrote before has arrived.</summary>
    public bool IsEnded => (leafSide.IsClosed || hubSide.IsClosed) && !HasBytes;

    public void Move(Prng prng)
    {
        var isToHub = _toLeaf.Count == 0 || (_toHub.Count > 0 && prng.Chance(0.5));
        var (queue, target) = isToHub ? (_toHub, hubSide) : (_toLeaf, leafSide);
        var size = prng.Chance(0.3) ? queue.Count : prng.NextInt32(1, queue.Count + 1);
        var piece = new byte[size];
        for (var i = 0; i < size; i++) piece[i] = queue.Dequeue();
        BytesCarried += size;
        if (!target.IsClosed) target.Send(piece);
    }

    public void Cut()
    {
        leafSide.Cut();
        hubSide.Cut();
    }

    private void Collect()
    {
        foreach (var b in leafSide.Node.Take(leafSide.Connection)) _toHub.Enqueue(b);
        foreach (var b in hubSide.Node.Take(hubSide.Connection)) _toLeaf.Enqueue(b);
    }
}
