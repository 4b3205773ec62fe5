using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Relay;

/// <summary>
/// Which relay an endpoint is found at, by measured round trips: the nearest one. The relay of now stays while it
/// answers and no other is a third nearer, so that the endpoint's record is stable.
/// </summary>
public sealed class HomeRelay
{
    private static readonly TimeSpan IntervalMin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan IntervalSpread = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan[] FirstProbes =
        [TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(400)];

    private readonly Prng _prng;
    private readonly Instant _startedAt;
    private readonly Dictionary<RelayUrl, TimeSpan> _roundTrips = [];

    private int _probes;

    public HomeRelay(Prng prng, Instant now) => (_prng, _startedAt, ProbeAt) = (prng, now, now + FirstProbes[0]);

    /// <summary>The relay; null until one has answered.</summary>
    public RelayUrl? Current { get; private set; }

    /// <summary>When all relays are to be measured.</summary>
    public Instant ProbeAt { get; private set; }

    /// <summary>The network has changed: what was measured is of the old one.</summary>
    public void OnNetworkChanged(Instant now)
    {
        _roundTrips.Clear();
        ProbeAt = now;
    }

    /// <summary>A round of measurements begins.</summary>
    public void OnProbing(Instant now)
    {
        _probes++;
        ProbeAt = _probes < FirstProbes.Length
            ? _startedAt + FirstProbes[_probes]
            : now + IntervalMin + (IntervalSpread * _prng.NextDouble());
        if (ProbeAt <= now) ProbeAt = now + FirstProbes[0];
    }

    /// <summary>A round of measurements is over; null: the relay did not answer.</summary>
    /// <returns>Whether <see cref="Current"/> is another one now.</returns>
    public bool OnMeasured(IReadOnlyDictionary<RelayUrl, TimeSpan?> roundTrips)
    {
        ArgumentNullException.ThrowIfNull(roundTrips);
        foreach (var (relay, roundTrip) in roundTrips)
        {
            // The shortest of several is the distance; the others have waited for something.
            if (roundTrip is not { } measured) _roundTrips.Remove(relay);
            else if (!_roundTrips.TryGetValue(relay, out var known) || measured < known) _roundTrips[relay] = measured;
        }

        if (_roundTrips.Count == 0) return false;   // nothing answers: where we were is the best guess

        var nearest = _roundTrips.OrderBy(r => r.Value).ThenBy(r => r.Key.Text, StringComparer.Ordinal).First();
        if (Current is not null && _roundTrips.TryGetValue(Current, out var current)
            && nearest.Value > current * 2 / 3) return false;

        var isChanged = nearest.Key != Current;
        Current = nearest.Key;
        return isChanged;
    }
}
