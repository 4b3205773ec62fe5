using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Logging;

/// <summary>The last events of a log, for the page of the node. Requests of pages are none of them.</summary>
internal sealed class RecentEvents
{
    private const int EventsMax = 50;

    private readonly Lock _lock = new();
    private readonly Queue<LogEntry> _entries = new(EventsMax);

    /// <summary>Events so far: another number when there are new ones.</summary>
    public long Count { get; private set; }

    public void Add(LogEntry entry)
    {
        if (entry.Level < LogLevel.Information || entry.Event.Length == 0 || entry.Event == "http.request") return;

        lock (_lock)
        {
            if (_entries.Count == EventsMax) _entries.Dequeue();
            _entries.Enqueue(entry);
            Count++;
        }
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<LogEntry> List()
    {
        lock (_lock) return [.. _entries.Reverse()];
    }
}
