using EdgeSync.Primitives;

namespace EdgeSync.Node.Logging;

/// <summary>
/// Decides which warnings and errors are written again. The first of a kind is; the same one within <see
/// cref="Window"/> is counted instead, and the count is added to the next one. A peer that is unreachable for a day
/// costs a line a minute at most, not one per retry.
/// </summary>
internal sealed class LogFold
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // Invariant: _seen.Count <= KindsMax; the one written longest ago is replaced.
    private const int KindsMax = 64;

    private readonly Dictionary<string, (Instant WrittenAt, int Folded)> _seen = [];

    /// <summary>False: only counted. True: to be written, after <paramref name="folded"/> that were not.</summary>
    public bool ShouldWrite(Instant now, string kind, out int folded)
    {
        if (_seen.TryGetValue(kind, out var entry) && now - entry.WrittenAt < Window && now >= entry.WrittenAt)
        {
            folded = entry.Folded + 1;
            _seen[kind] = entry with { Folded = folded };
            return false;
        }

        folded = entry.Folded;
        if (_seen.Count >= KindsMax && !_seen.ContainsKey(kind)) _seen.Remove(_seen.MinBy(e => e.Value.WrittenAt).Key);
        _seen[kind] = (now, 0);
        return true;
    }
}
