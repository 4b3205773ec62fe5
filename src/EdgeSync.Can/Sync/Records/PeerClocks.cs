using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// What time other stores have. Where at least two of them agree that this store's clock is wrong, stamps follow them:
/// otherwise writes of a store whose clock is ahead would win over later ones of others.
/// </summary>
public sealed class PeerClocks
{
    private const int PeersMin = 2;
    private const int PeersMax = 64;

    /// <summary>Differences below it are left alone.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(10);

    private readonly Dictionary<StoreId, TimeSpan> _ahead = [];

    /// <summary>What to add to this store's time of day; zero while it is not in doubt.</summary>
    public TimeSpan Correction { get; private set; }

    /// <summary>A peer said its time of day.</summary>
    /// <returns>Whether <see cref="Correction"/> is another one now.</returns>
    public bool Observe(StoreId peer, Instant wall, Instant peerWall)
    {
        if (_ahead.Count >= PeersMax && !_ahead.ContainsKey(peer)) return false;

        _ahead[peer] = peerWall - wall;
        return Update();
    }

    public void Forget(StoreId peer)
    {
        if (_ahead.Remove(peer)) Update();
    }

    /// <summary>The time of day for stamps.</summary>
    public Instant Correct(Instant wall) => wall + Correction;

    // The middle one, this store counted as one of them: one wrong clock of three moves nobody.
    private bool Update()
    {
        var before = Correction;
        Correction = TimeSpan.Zero;
        if (_ahead.Count >= PeersMin)
        {
            var sorted = _ahead.Values.Append(TimeSpan.Zero).Order().ToList();
            var (low, high) = (sorted[(sorted.Count - 1) / 2], sorted[sorted.Count / 2]);
            // Of an even number the one that is nearer to this store's.
            var middle = low.Duration() < high.Duration() ? low : high;
            if (middle.Duration() > Tolerance) Correction = middle;
        }

        return before != Correction;
    }
}
