using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// Notices another process that goes by our name: both would be asked what was meant for one. Our own messages never come
/// back to us, and the run that a message names tells it from an echo all the same.
/// </summary>
internal sealed class DuplicateNodeIdDetector(AgentOptions options)
{
    private const int SilentIntervals = 3;

    private Presence? _twin;
    private Instant _goneAt;

    /// <summary>A sign of life under our name. True: that is news.</summary>
    public bool Notice(Instant now, Presence presence)
    {
        if (options.Instance.Length == 0 || presence.Instance == options.Instance) return false;

        if (presence.State == PresenceState.Leave)
        {
            if (_twin?.Instance == presence.Instance) _twin = null;
            return false;
        }

        var isNews = At(now) is null || _twin!.Instance != presence.Instance;
        (_twin, _goneAt) = (presence, now + (presence.Interval * SilentIntervals) + TimeSpan.FromSeconds(1));
        return isNews;
    }

    /// <summary>The sentence about it, or null when nobody else has our name.</summary>
    public string? At(Instant now) => _twin is null || now >= _goneAt
        ? null
        : $"another node is called {options.NodeId} too ({string.Join(' ', Words(_twin))})";

    private static IEnumerable<string> Words(Presence twin)
    {
        yield return Presence.WordOf(twin.Role);
        if (twin.Version.Length > 0) yield return twin.Version;
        if (twin.Platform.Length > 0) yield return twin.Platform;
        yield return $"run {twin.Instance}";
    }
}
