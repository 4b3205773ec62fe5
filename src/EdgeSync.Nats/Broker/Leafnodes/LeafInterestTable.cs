using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// The interest of this broker and its links, and what is announced to each link.
/// <para>
/// A link must receive <c>LS+</c> once when the first subscriber that it may learn of has interest in a subject, and
/// <c>LS-</c> after the last one; for a queue, every change of the number of members. Instead of a counted map for
/// every link, there is one entry per key with the counts by origin; what a link receives is computed from it. So a new
/// link gets exactly what an old link has received, and a link that ends leaves nothing behind.
/// </para>
/// <code>
///   announced to            clients here   leaves that joined us       hubs that we joined
///   a leaf that joined us        yes       but itself and its cluster         yes
///   a hub that we joined         yes       yes                                no
/// </code>
/// </summary>
// Spec: leafnode interest, origin cluster rule, hub and spoke.
internal sealed class LeafInterestTable
{
    private readonly Dictionary<byte[], Entry> _entries = new(WireKey.Comparer);
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly List<ILeafLink> _links = [];

    public LeafInterestTable() => _bySpan = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => _entries.Count;

    /// <summary>Links that receive changes.</summary>
    public IReadOnlyList<ILeafLink> Links => _links;

    /// <summary>The number of clients of this broker with interest in the key changes.</summary>
    public void ChangeClients(ReadOnlySpan<byte> key, int change)
    {
        var entry = EntryOf(key);
        entry.Clients += change;
        Invariant.Require(entry.Clients >= 0);

        foreach (var link in _links) Announce(link, entry, change);
        DropIfEmpty(entry);
    }

    /// <summary>
    /// A link sent <c>LS+</c>: for a plain subject weight 1, for a queue the weight in it. True when the key is new
    /// from it.
    /// </summary>
    // Spec: a second LS+ for a plain key must change nothing; real hubs count it and never withdraw it.
    public bool Set(ILeafLink source, ReadOnlySpan<byte> key, int weight)
    {
        var entry = EntryOf(key);
        var old = entry.WeightOf(source);
        Change(source, entry, old, weight);
        return old == 0 && weight > 0;
    }

    /// <summary>A link sent <c>LS-</c>, or ended. False without earlier interest.</summary>
    public bool Clear(ILeafLink source, ReadOnlySpan<byte> key)
    {
        if (!_bySpan.TryGetValue(key, out var entry)) return false;

        var old = entry.WeightOf(source);
        Change(source, entry, old, 0);
        return old > 0;
    }

    /// <summary>Announces everything but the loop marks of others to a link, and from now on every change.</summary>
    public void Join(ILeafLink link)
    {
        Invariant.Require(!_links.Contains(link));
        _links.Add(link);
        AnnounceAll(link, loopMarks: false);
    }

    /// <summary>Announces the loop marks of others to a link.</summary>
    public void AnnounceLoopMarks(ILeafLink link) => AnnounceAll(link, loopMarks: true);

    /// <summary>
    /// Stops announcing to a link. Its interest is cleared key by key by its owner, which also updates the router.
    /// </summary>
    public void Leave(ILeafLink link) => _links.Remove(link);

    /// <summary>What has been announced to a link, for monitoring and for tests.</summary>
    public IEnumerable<(byte[] Key, int Count)> AnnouncedTo(ILeafLink link) =>
        _entries.Values.Select(entry => (entry.Key, Count: entry.VisibleTo(link))).Where(told => told.Count > 0);

    private void Change(ILeafLink source, Entry entry, int old, int weight)
    {
        if (old == weight)
        {
            DropIfEmpty(entry);
            return;
        }

        entry.SetWeight(source, weight);
        foreach (var link in _links)
            if (entry.IsAnnouncedTo(source, link)) Announce(link, entry, weight - old);
        DropIfEmpty(entry);
    }

    private void AnnounceAll(ILeafLink link, bool loopMarks)
    {
        foreach (var entry in _entries.Values)
        {
            if (entry.IsLoopMark == loopMarks && entry.VisibleTo(link) is var count and > 0)
                link.AnnounceInterest(entry.Key, 0, count);
        }
    }

    private static void Announce(ILeafLink link, Entry entry, int change)
    {
        var now = entry.VisibleTo(link);
        link.AnnounceInterest(entry.Key, now - change, now);
    }

    private Entry EntryOf(ReadOnlySpan<byte> key)
    {
        if (_bySpan.TryGetValue(key, out var entry)) return entry;

        entry = new Entry(key.ToArray());
        _entries.Add(entry.Key, entry);
        return entry;
    }

    private void DropIfEmpty(Entry entry)
    {
        if (entry.IsEmpty) _entries.Remove(entry.Key);
    }

    private sealed class Entry(byte[] key)
    {
        private readonly List<(ILeafLink Link, int Weight)> _sources = [];

        public byte[] Key { get; } = key;

        public bool IsLoopMark { get; } = LoopMark.Is(key);

        public int Clients { get; set; }

        public bool IsEmpty => Clients == 0 && _sources.Count == 0;

        public bool IsAnnouncedTo(ILeafLink source, ILeafLink target) =>
            IsLoopMark ? !ReferenceEquals(source, target) : LeafLinkRules.MayAnnounce(source, target);

        public int VisibleTo(ILeafLink target)
        {
            var count = Clients;
            foreach (var (link, weight) in _sources)
                if (IsAnnouncedTo(link, target)) count += weight;
            return count;
        }

        public int WeightOf(ILeafLink source)
        {
            foreach (var (link, weight) in _sources)
                if (ReferenceEquals(link, source)) return weight;
            return 0;
        }

        public void SetWeight(ILeafLink source, int weight)
        {
            var at = _sources.FindIndex(entry => ReferenceEquals(entry.Link, source));
            if (at >= 0) _sources.RemoveAt(at);
            if (weight > 0) _sources.Add((source, weight));
        }
    }
}
