using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>
/// The time in a server's reply: <c># timestamp 2026-01-31T12:00:00</c>. Its clock may differ from ours.
/// </summary>
internal static class ServerClock
{
    private const int StampLength = 19;

    private static readonly TimeSpan SkewMin = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How far it is ahead (behind if negative); null when it agrees, or when the line is another comment.
    /// </summary>
    public static TimeSpan? SkewOf(ReadOnlySpan<byte> comment, Instant asked, Instant answered)
    {
        var prefix = "# timestamp "u8;
        if (!comment.StartsWith(prefix) || comment.Length < prefix.Length + StampLength) return null;

        var stamp = System.Text.Encoding.ASCII.GetString(comment.Slice(prefix.Length, StampLength));
        if (!DateTime.TryParseExact(
            stamp,
            "yyyy-MM-dd'T'HH:mm:ss",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time))
            return null;

        // The server wrote it between our request and this reply, which may be a long time.
        var stamped = Instant.FromDateTime(time);
        var skew = stamped < asked ? stamped - asked : stamped > answered ? stamped - answered : TimeSpan.Zero;
        return skew.Duration() > SkewMin ? skew : null;
    }
}
