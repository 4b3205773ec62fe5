using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// Detects another process that uses our node id: messages for one would reach both. Our own messages are never
/// delivered to us, and the run named in a message also distinguishes it from an echo.
/// </summary>
internal sealed class DuplicateNodeIdDetector(AgentOptions options)
{
    private const int SilentIntervals = 3;

    private Presence? _duplicate;
    private Instant _goneAt;

    /// <summary>A heartbeat under our node id. True: the conflict is new.</summary>
    public bool Notice(Instant now, Presence presence)
    {
        if (options.Instance.Length == 0 || presence.Instance == options.Instance) return false;

        if (presence.State == PresenceState.Leave)
        {
            if (_duplicate?.Instance == presence.Instance) _duplicate = null;
            return false;
        }

        var isNews = At(now) is null || _duplicate!.Instance != presence.Instance;
        (_duplicate, _goneAt) = (presence, now + (presence.Interval * SilentIntervals) + TimeSpan.FromSeconds(1));
        return isNews;
    }

    /// <summary>The sentence about it, or null when no other node uses our id.</summary>
    public string? At(Instant now) => _duplicate is null || now >= _goneAt
        ? null
        : $"another node uses the id {options.NodeId} too ({string.Join(' ', Words(_duplicate))})";

    private static IEnumerable<string> Words(Presence duplicate)
    {
        yield return Presence.WordOf(duplicate.Role);
        if (duplicate.Version.Length > 0) yield return duplicate.Version;
        if (duplicate.Platform.Length > 0) yield return duplicate.Platform;
        yield return $"run {duplicate.Instance}";
    }
}
