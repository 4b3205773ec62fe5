namespace EdgeSync.Quic.Paths;

/// <summary>
/// Chooses the path that data goes on: a direct one before a relayed one, then the shorter round trip. A change between
/// two of a kind has to gain something, so that noise does not move a connection to and fro.
/// </summary>
internal static class PathSelector
{
    /// <summary>What another path of the same kind must gain.</summary>
    private static readonly TimeSpan Gain = TimeSpan.FromMilliseconds(5);

    /// <summary>An IPv6 path counts as shorter by this: there is seldom a NAT on it.</summary>
    private static readonly TimeSpan BonusV6 = TimeSpan.FromMilliseconds(3);

    /// <summary>The path to send on; the current one when no other is better.</summary>
    public static QuicPath Choose(PathTable paths)
    {
        var best = paths.Main;
        foreach (var path in paths.All)
            if (path != best && IsBetter(path, best)) best = path;
        return best;
    }

    /// <summary>The round trip of the best direct path that works; null when there is none.</summary>
    public static TimeSpan? DirectRtt(PathTable paths)
    {
        TimeSpan? shortest = null;
        foreach (var path in paths.All)
        {
            if (path.IsRelayed || !path.IsUsable || path.IsFailing) continue;
            if (shortest is null || path.Route.Rtt.Smoothed < shortest) shortest = path.Route.Rtt.Smoothed;
        }

        return shortest;
    }

    private static bool IsBetter(QuicPath path, QuicPath current)
    {
        // Any path that is open is better than one that is given up.
        if (current.IsAbandoned && !path.IsAbandoned) return path.RemoteIds.HasAny;
        if (!path.IsUsable) return false;
        if (!current.IsUsable) return true;
        if (path.IsFailing != current.IsFailing) return current.IsFailing;
        if (path.IsRelayed != current.IsRelayed) return current.IsRelayed;
        return path.Route.Rtt.HasSample && current.Route.Rtt.HasSample && Cost(path) + Gain <= Cost(current);
    }

    private static TimeSpan Cost(QuicPath path) =>
        path.Route.Tuple.Remote is { IsIPv4: false, IsRelayed: false }
            ? path.Route.Rtt.Smoothed - BonusV6
            : path.Route.Rtt.Smoothed;
}
