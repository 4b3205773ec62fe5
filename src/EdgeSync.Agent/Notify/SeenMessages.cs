namespace EdgeSync.Agent.Notify;

/// <summary>
/// The ids of messages that were delivered, the newest 10,000: a message comes over NATS and by sync, and is delivered
/// once. When they are full the oldest half is forgotten. Spec: edgesync.md §7.
/// </summary>
public sealed class SeenMessages
{
    public const int CountMax = 10_000;

    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    public int Count => _ids.Count;

    public bool Contains(string id) => _ids.Contains(id);

    /// <summary>False: it was added before.</summary>
    public bool Add(string id)
    {
        if (!_ids.Add(id)) return false;

        _order.Enqueue(id);
        if (_order.Count <= CountMax) return true;

        for (var kept = _order.Count / 2; _order.Count > kept;) _ids.Remove(_order.Dequeue());
        return true;
    }
}
