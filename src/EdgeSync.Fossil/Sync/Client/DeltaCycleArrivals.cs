using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Deltas that arrived in a cycle. A stock client sends the same again whenever it is requested again: so after a few
/// times a server stops requesting them, for a while. Requests run on several threads.
/// </summary>
internal sealed class DeltaCycleArrivals
{
    private const int AttemptsMax = 3;
    private const int CountMax = 10_000;
    private static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<ArtifactId, (int Times, Instant Last)> _arrivals = [];

    public void Note(ArtifactId id, Instant now)
    {
        lock (_lock)
        {
            if (_arrivals.Count >= CountMax) _arrivals.Clear();
            _arrivals[id] = (TimesOf(id, now) + 1, now);
        }
    }

    public bool MayRequest(ArtifactId id, Instant now)
    {
        lock (_lock) return TimesOf(id, now) < AttemptsMax;
    }

    private int TimesOf(ArtifactId id, Instant now) =>
        _arrivals.TryGetValue(id, out var arrival) && now - arrival.Last < ForgottenAfter ? arrival.Times : 0;
}
