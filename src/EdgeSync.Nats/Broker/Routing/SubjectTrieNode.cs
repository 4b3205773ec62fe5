namespace EdgeSync.Nats.Broker.Routing;

/// <summary>A place in the trie: the subscriptions whose subject ends here, and the level below.</summary>
internal sealed class SubjectTrieNode
{
    private List<QueueMembers>? _queues;

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
        if (members.Count == 0 && subscription.Queue is { } queue) _queues!.RemoveAll(q => q.Name.AsSpan().SequenceEqual(queue));
    }

    private static void Place(List<Subscription> members, Subscription subscription)
    {
        subscription.Slot = members.Count;
        members.Add(subscription);
    }

    private List<Subscription>? MembersOf(Subscription subscription, bool create)
    {
        if (subscription.Queue is not { } name) return create ? Plain ??= [] : Plain;

        foreach (var queue in _queues ?? [])
        {
            if (queue.Name.AsSpan().SequenceEqual(name)) return queue.Members;
        }

        if (!create) return null;

        var added = new QueueMembers(name, []);
        (_queues ??= []).Add(added);
        return added.Members;
    }
}

/// <summary>The members of one queue group on one subject.</summary>
internal sealed record QueueMembers(byte[] Name, List<Subscription> Members);
