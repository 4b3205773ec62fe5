namespace EdgeSync.Nats.Broker.Routing;

/// <summary>Collects the nodes that match a subject into one result. Reused by one trie.</summary>
internal sealed class MatchBuilder
{
    private readonly List<Subscription> _plain = [];
    private readonly List<LeafLink> _links = [];
    private readonly List<(byte[] Name, List<Subscription> Locals, List<Subscription> Remotes)> _queues = [];
    private readonly Dictionary<byte[], int> _queuePlaces = new(Leafnodes.WireKey.Comparer);
    private readonly HashSet<LeafLink> _knownLinks = [];

    public void Clear()
    {
        _plain.Clear();
        _links.Clear();
        _queues.Clear();
        _queuePlaces.Clear();
        _knownLinks.Clear();
    }

    public void Add(SubjectTrieNode node)
    {
        foreach (var subscription in node.Plain ?? [])
        {
            if (subscription.Owner is not LeafLink link) _plain.Add(subscription);
            else if (_knownLinks.Add(link)) _links.Add(link);
        }

        foreach (var queue in node.Queues)
        {
            var (_, locals, remotes) = QueueOf(queue.Name);
            foreach (var member in queue.Members) (member.Owner is LeafLink ? remotes : locals).Add(member);
        }
    }

    public MatchResult Build()
    {
        if (_plain.Count == 0 && _links.Count == 0 && _queues.Count == 0)
            return new MatchResult { Plain = [], Links = [], Queues = [] };

        return new MatchResult
        {
            Plain = [.. _plain],
            Links = [.. _links],
            Queues = [
                .. _queues.Select(
                    q => new QueueMatch { Name = q.Name, Locals = [.. q.Locals], Remotes = [.. q.Remotes] })],
        };
    }

    private (byte[] Name, List<Subscription> Locals, List<Subscription> Remotes) QueueOf(byte[] name)
    {
        if (_queuePlaces.TryGetValue(name, out var place)) return _queues[place];

        _queuePlaces.Add(name, _queues.Count);
        _queues.Add((name, [], []));
        return _queues[^1];
    }
}
