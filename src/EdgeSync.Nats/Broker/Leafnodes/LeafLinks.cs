using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// All leaf links of a broker, and their announcements. One object per <see cref="BrokerCore"/>, with its rules for
/// use: one caller at a time, no clock.
/// </summary>
internal sealed class LeafLinks : ILeafnodes
{
    /// <summary>The one account; its name is that of real servers.</summary>
    public const string Account = "$G";

    private readonly LeafInterestTable _table = new();
    private readonly List<LeafSession> _sessions = [];
    private readonly Queue<LeafSession> _toClose = new();
    private bool _isClosing;

    public LeafLinks(BrokerCore core, LeafnodeOptions options)
    {
        Invariant.Require(core.Leafnodes is null);
        Core = core;
        Options = options;
        Cluster = options.Cluster ?? core.Options.ServerName;
        LoopMark = Leafnodes.LoopMark.Draw(core.Prng);
    }

    public BrokerCore Core { get; }

    public LeafnodeOptions Options { get; }

    /// <summary>Our cluster, by default a cluster of one with our own name.</summary>
    public string Cluster { get; }

    /// <summary>Our <c>$LDS.…</c> for the life of the broker.</summary>
    public byte[] LoopMark { get; }

    /// <summary>Links with the handshake done.</summary>
    public IEnumerable<LeafSession> Up => _sessions;

    /// <summary>The interest here and beyond the links, for tests and monitoring.</summary>
    public LeafInterestTable Interest => _table;

    /// <summary>The remotes of this broker.</summary>
    public List<LeafSolicitor> Solicitors { get; } = [];

    /// <summary>Handshakes and pings run on the timers of the connections.</summary>
    public Instant? Deadline => null;

    public LeafLink Accept(ConnectionOrigin origin, Instant now)
    {
        var link = new AcceptedLeaf(this, origin, now);
        Core.Register(link);
        link.Greet();
        return link;
    }

    /// <summary>A stream to a hub was opened; the hub sends first, unless the remote speaks first.</summary>
    public SolicitedLeaf Solicit(LeafnodeRemote remote, Uri url, bool wantsTls, ConnectionOrigin origin, Instant now)
    {
        var link = new SolicitedLeaf(this, remote, url, wantsTls, origin, now);
        Core.Register(link);
        link.Begin();
        return link;
    }

    public void OnSubscribed(Subscription subscription) => ChangeClients(subscription, 1);

    public void OnUnsubscribed(Subscription subscription) => ChangeClients(subscription, -1);

    public void OnDeadline(Instant now)
    {
    }

    /// <summary>
    /// A leaf may reconnect before the loss of its old link is noticed: the old link is closed, before its loop mark
    /// looks like a loop.
    /// </summary>
    public void ReplaceOlder(AcceptedLeaf newer)
    {
        if (newer.Name.Length == 0) return;

        foreach (var session in _sessions.ToArray())
        {
            if (session is not AcceptedLeaf older || older.Name != newer.Name) continue;
            if (!older.Cluster.AsSpan().SequenceEqual(newer.Cluster) || older.RemoteAccount != newer.RemoteAccount)
                continue;

            older.CloseWithError("Duplicate Remote LeafNode Connection"u8, CloseReason.DuplicateRemoteLeafnode);
        }
    }

    public void OnUp(LeafSession link)
    {
        _sessions.Add(link);
        _table.Join(link);
        CloseMarked();
    }

    /// <summary>The link is proved not to close a loop: it receives the loop marks of others.</summary>
    public void AnnounceLoopMarks(LeafSession link)
    {
        _table.AnnounceLoopMarks(link);
        CloseMarked();
    }

    public void OnDown(LeafSession link)
    {
        _sessions.Remove(link);
        _table.Leave(link);
        if (link.IsRefused) return;   // the loop is open because of this one

        foreach (var solicitor in Solicitors) solicitor.OnOtherDown(Core.Now);
    }

    /// <summary>The link has interest in a key.</summary>
    public void Take(LeafSession link, ReadOnlySpan<byte> key, int weight)
    {
        _table.Set(link, key, weight);
        CloseMarked();
    }

    /// <summary>The link withdraws interest in a key.</summary>
    public void Withdraw(LeafSession link, ReadOnlySpan<byte> key)
    {
        _table.Clear(link, key);
        CloseMarked();
    }

    /// <summary>A link cannot accept more. It is closed after the current walk over the table.</summary>
    public void CloseLater(LeafSession link) => _toClose.Enqueue(link);

    private void ChangeClients(Subscription subscription, int change)
    {
        if (subscription.Queue is not { } queue)
        {
            _table.ChangeClients(subscription.Subject, change);
        }
        else
        {
            var key = (byte[])[.. subscription.Subject, (byte)' ', .. queue];
            _table.ChangeClients(key, change);
        }

        foreach (var session in _sessions) session.HoldBack(subscription.Owner);
        CloseMarked();
    }

    // Closing a link withdraws its interest, which may overfill another one: a queue, not a recursion.
    private void CloseMarked()
    {
        if (_isClosing) return;

        _isClosing = true;
        while (_toClose.TryDequeue(out var link))
            if (!link.IsClosed) link.CloseAsSlow();
        _isClosing = false;
    }
}
