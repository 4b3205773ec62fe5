namespace EdgeSync.Nats.Broker.Routing;

/// <summary>A place in the trie: the subscriptions whose subject ends here, and the level below.</summary>
internal sealed class SubjectTrieNode
{
    /// <summary>From here on queue groups are found by a table.</summary>
    private const int IndexFrom = 16;

    private List<QueueMembers>? _queues;
    private Dictionary<byte[], QueueMembers>? _queuesByName;

    public SubjectTrieLevel? Next { get; set; }

    public List<Subscription>? Plain { get; private set; }

    public IReadOnlyList<QueueMembers> Queues => _queues ?? (IReadOnlyList<QueueMembers>)[];

    public bool IsEmpty => Next is null && Plain is not { Count: > 0 } && _queues is not { Count: > 0 };

    public void Add(Subscription subscription) => Place(MembersOf(subscription, create: true)!, subscription);

    public void Remove(Subscription subscription)
    {
        if (MembersOf(subscription, create: false) is not { } members) return;

        // The last one takes the free place.
        var slot = subscription.Slot;
        members[slot] = members[^1];
        members[slot].Slot = slot;
        members.RemoveAt(members.Count - 1);
        subscription.Slot = -1;
        if (members.Count == 0 && subscription.Queue is { } queue) RemoveQueue(queue);
    }

    private static void Place(List<Subscription> members, Subscription subscription)
    {
        subscription.Slot = members.Count;
        members.Add(subscription);
    }

    private List<Subscription>? MembersOf(Subscription subscription, bool create)
    {
        if (subscription.Queue is not { } name) return create ? Plain ??= [] : Plain;

        if (Find(name) is { } found) return found.Members;
        if (!create) return null;

        var added = new QueueMembers(name, []) { Place = _queues?.Count ?? 0 };
        (_queues ??= []).Add(added);
        if (_queues.Count == IndexFrom) _queuesByName = _queues.ToDictionary(q => q.Name, Leafnodes.WireKey.Comparer);
        else _queuesByName?.Add(name, added);
        return added.Members;
    }

    private QueueMembers? Find(byte[] name)
    {
        if (_queuesByName is not null) return _queuesByName.GetValueOrDefault(name);

        foreach (var queue in _queues ?? [])
        {
            if (queue.Name.AsSpan().SequenceEqual(name)) return queue;
        }

        return null;
    }

    // The last one takes the free place.
    private void RemoveQueue(byte[] name)
    {
        var gone = Find(name)!;
        var last = _queues![^1];
        _queues[gone.Place] = last;
        last.Place = gone.Place;
        _queues.RemoveAt(_queues.Count - 1);
        _queuesByName?.Remove(name);
    }
}

/// <summary>The members of one queue group on one subject.</summary>
internal sealed record QueueMembers(byte[] Name, List<Subscription> Members)
{
    /// <summary>Its index in the list of the node.</summary>
    public int Place { get; set; }
}
