using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>
/// What a server sends about itself beside the artifacts: its version, its clock, its requirements, and texts for the
/// user.
/// </summary>
internal sealed class ServerMetadata
{
    private readonly List<string> _messages = [];
    private TimeSpan? _clockSkew;
    private bool _avoidsDeltaManifests;

    /// <summary>Until a pragma arrives, a Fossil of version 2 without newer features.</summary>
    public PeerVersion Version { get; private set; } = PeerVersion.Ours with { Number = 20000, Date = 0 };

    public void OnComment(ReadOnlySpan<byte> line, Instant asked, Instant answered)
    {
        if (ServerClock.SkewOf(line, asked, answered) is { } skew) _clockSkew = skew;
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
}
