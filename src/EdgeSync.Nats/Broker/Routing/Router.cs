using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// Delivers a message to every matching subscription, once each:
/// <code>
///   from             plain subscriptions   leaf links                                queue groups
/// a client all (echo rule) with plain interest, or chosen each: a local member, else one link
///   a leaf that      all                   those it may pass to (LeafLink            only those the message names,
///   joined us        all                   .MayPassFrom): roles, origin cluster      likewise
///   our hub          all                   leaves that joined us                     only those the message names
/// </code>
/// A member that cannot receive the message (closed, no echo, denied) is skipped for the next one.
/// </summary>
// Spec: leafnode protocol, message routing.
internal sealed class Router(Prng prng)
{
    private readonly List<LeafLink> _chosenLinks = [];
    private readonly List<byte[]> _chosenQueues = [];   // beside _chosenLinks
    private byte[][] _namesOfOne = new byte[4][];

    /// <summary>True when it was delivered. A message from a client goes to every queue group.</summary>
    public bool FromClient(BrokerConnection source, scoped in RoutedMessage message, MatchResult to) =>
        Route(source, message, to, isLeaf: false, default);

    /// <summary>
    /// True when it was delivered. A message over a leaf link goes to the queue groups that it names.
    /// </summary>
    public bool FromLeaf(LeafLink source, scoped in RoutedMessage message, MatchResult to, ReadOnlySpan<byte> queues) =>
        Route(source, message, to, isLeaf: true, queues);

    private bool Route(
        BrokerConnection source, scoped in RoutedMessage message, MatchResult to, bool isLeaf,
        ReadOnlySpan<byte> queues)
    {
        var isDelivered = false;
        foreach (var subscription in to.Plain)
        {
            isDelivered |= subscription.Owner.Deliver(subscription, source, message);
        }

        if (to.Queues.Length == 0 && to.Links.Length == 0) return isDelivered;

        _chosenLinks.Clear();
        _chosenQueues.Clear();
        foreach (var queue in to.Queues)
        {
            if (isLeaf && !Names(queues, queue.Name)) continue;

            if (DeliverToLocal(queue.Locals, source, message)) isDelivered = true;
            else ChooseLink(queue, source, message.Subject);
        }

        foreach (var link in to.Links)
        {
            if (link.MayPassFrom(source)) isDelivered |= Deliver(link, source, message);
        }

        return DeliverToChosen(source, message, to.Links) | isDelivered;
    }

    private bool DeliverToLocal(Subscription[] members, BrokerConnection source, scoped in RoutedMessage message)
    {
        if (members.Length == 0) return false;

        var first = members.Length == 1 ? 0 : prng.NextInt32(members.Length);
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[(first + i) % members.Length];
            if (member.Owner.Deliver(member, source, message)) return true;
        }

        return false;
    }

    /// <summary>One link in proportion to the members behind it.</summary>
    private void ChooseLink(QueueMatch queue, BrokerConnection source, ReadOnlySpan<byte> subject)
    {
        var total = 0L;
        foreach (var remote in queue.Remotes) total += WeightFor(remote, source, subject);
        if (total == 0) return;

        var drawn = prng.NextInt64(total);
        foreach (var remote in queue.Remotes)
        {
            drawn -= WeightFor(remote, source, subject);
            if (drawn >= 0) continue;

            _chosenLinks.Add((LeafLink)remote.Owner);
            _chosenQueues.Add(queue.Name);
            return;
        }
    }

    private static int WeightFor(Subscription remote, BrokerConnection source, ReadOnlySpan<byte> subject)
    {
        var link = (LeafLink)remote.Owner;
        return !link.IsClosed && link.MayPassFrom(source) && link.MayReceive(subject) ? remote.Weight : 0;
    }

    /// <summary>The links that were chosen for a queue and have no plain interest; each once.</summary>
    private bool DeliverToChosen(BrokerConnection source, scoped in RoutedMessage message, LeafLink[] alreadyServed)
    {
        var isDelivered = false;
        for (var i = 0; i < _chosenLinks.Count; i++)
        {
            var link = _chosenLinks[i];
            if (Array.IndexOf(alreadyServed, link) >= 0 || _chosenLinks.IndexOf(link) < i) continue;

            isDelivered |= Deliver(link, source, message);
        }

        return isDelivered;
    }

    private bool Deliver(LeafLink link, BrokerConnection source, scoped in RoutedMessage message)
    {
        if (!link.Deliver(message, NamesFor(link))) return false;

        link.HoldBack(source);
        return true;
    }

    private ReadOnlySpan<byte[]> NamesFor(LeafLink link)
    {
        if (_chosenLinks.Count == 0) return default;

        if (_namesOfOne.Length < _chosenLinks.Count) _namesOfOne = new byte[_chosenLinks.Count * 2][];
        var count = 0;
        for (var i = 0; i < _chosenLinks.Count; i++)
        {
            if (_chosenLinks[i] == link) _namesOfOne[count++] = _chosenQueues[i];
        }

        return _namesOfOne.AsSpan(0, count);
    }

    private static bool Names(ReadOnlySpan<byte> queues, ReadOnlySpan<byte> name)
    {
        foreach (var queue in new ArgumentReader(queues))
        {
            if (queue.SequenceEqual(name)) return true;
        }

        return false;
    }
}
