using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// What a server sends beside the artifacts: its program, its clock, its rules for commits, and messages.
/// </summary>
internal sealed class ServerMetadata
{
    private const int StampLength = 19;

    private static readonly TimeSpan ClockSkewMin = TimeSpan.FromSeconds(10);

    private readonly List<string> _messages = [];
    private TimeSpan? _clockSkew;
    private bool _avoidsDeltaManifests;

    /// <summary>Until a pragma arrives, a Fossil of version 2 without newer features.</summary>
    public PeerVersion Version { get; private set; } = PeerVersion.Ours with { Number = 20000, Date = 0 };

    public void OnComment(ReadOnlySpan<byte> line, Instant asked, Instant answered)
    {
        if (ClockSkewOf(line, asked, answered) is { } skew) _clockSkew = skew;
    }

    public void OnMessage(string text) => _messages.Add(text);

    /// <summary>False: the pragma is about the exchange, not about the server.</summary>
    public bool TryTake(in XferCard pragma)
    {
        if (pragma[1].SequenceEqual("server-version"u8) && pragma.Count >= 3) Version = PeerVersion.Parse(pragma);
        else if (pragma[1].SequenceEqual("avoid-delta-manifests"u8)) _avoidsDeltaManifests = true;
        else return false;
        return true;
    }

    public SyncReport AddTo(SyncReport report) => report with
    {
        Server = Version,
        ClockSkew = _clockSkew,
        AvoidDeltaManifests = _avoidsDeltaManifests,
        Messages = [.. _messages],
    };

    /// <summary>
    /// A server writes when it answered: <c># timestamp 2026-01-31T12:00:00</c>. How far its clock is ahead (behind if
    /// negative); null when it is right, or when the line is another one.
    /// </summary>
    private static TimeSpan? ClockSkewOf(ReadOnlySpan<byte> comment, Instant asked, Instant answered)
    {
        var prefix = "# timestamp "u8;
        if (!comment.StartsWith(prefix) || comment.Length < prefix.Length + StampLength) return null;

        var stamp = Encoding.ASCII.GetString(comment.Slice(prefix.Length, StampLength));
        if (!DateTime.TryParseExact(
            stamp, "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            return null;

        // The server wrote it between our request and this reply, which may be a long time.
        var stamped = Instant.FromDateTime(time);
        var skew = stamped < asked ? stamped - asked : stamped > answered ? stamped - answered : TimeSpan.Zero;
        return skew.Duration() > ClockSkewMin ? skew : null;
    }
}
