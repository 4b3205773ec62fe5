using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// Announcements that outlive an outage: with JetStream on an outside server, a stream stores the messages of the
/// commit subject, and after each link-up those missed since the last known sequence are read once, and again after a
/// while. The shell reads; this class decides from which sequence, and interprets the reply. Without JetStream,
/// catch-up sessions and the poll replace it.
/// </summary>
internal sealed class DurableAnnouncements(ulong sequence)
{
    /// <summary>Missed announcements to process; the newest, for one session fetches all.</summary>
    internal const int MissedMax = 64;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(5);

    private readonly Queue<AgentEffect> _effects = new();
    private long _readId;
    private bool _isReading;
    private Instant? _lookAt;

    /// <summary>The last sequence read; 0 before the first reading, which starts at the present.</summary>
    public ulong Sequence { get; private set; } = sequence;

    /// <summary>True after a server with JetStream replied on this link.</summary>
    public bool IsAvailable { get; private set; }

    public Instant? Deadline => _isReading ? null : _lookAt;

    public bool TryTake(out AgentEffect effect) => _effects.TryDequeue(out effect!);

    public void OnLinkUp(Instant now) => Read(now);

    public void OnLinkDown() => (_isReading, _lookAt, IsAvailable) = (false, null, false);

    public void OnDeadline(Instant now)
    {
        if (Deadline <= now) Read(now);
    }

    /// <summary>The end of a reading. A reply to a reading of an earlier link is dropped.</summary>
    public void OnRead(Instant now, long readId, StreamTail? tail)
    {
        if (!_isReading || readId != _readId) return;

        _isReading = false;
        _lookAt = now + LookAgain;
        IsAvailable = tail is not null;
        if (tail is null) return;

        foreach (var payload in tail.Payloads.TakeLast(MissedMax))
            if (Announcement.TryParse(payload.Span, out var missed))
                _effects.Enqueue(new AgentEffect.CheckAnnouncement(missed));

        // Also backwards: a recreated stream counts from one again.
        if (Sequence == tail.LastSequence) return;

        Sequence = tail.LastSequence;
        _effects.Enqueue(new AgentEffect.PersistSequence(Sequence));
    }

    private void Read(Instant now)
    {
        _isReading = true;
        _lookAt = now + LookAgain;
        _effects.Enqueue(new AgentEffect.ReadMissed(++_readId, Sequence, MissedMax));
    }
}

/// <summary>The contents of a stream of announcements.</summary>
/// <param name="LastSequence">The newest message's, 0 of an empty stream.</param>
/// <param name="Payloads">The newest messages after the requested sequence, in order.</param>
public sealed record StreamTail(ulong LastSequence, IReadOnlyList<ReadOnlyMemory<byte>> Payloads);

/// <summary>The stream that stores the announcements of a project.</summary>
public static class AnnouncementStream
{
    public const int MessagesMax = 10_000;

    public const long BytesMax = 8L << 20;

    public static TimeSpan AgeMax { get; } = TimeSpan.FromDays(7);

    /// <summary>One stream a project. Its name has no dots: the prefix's become underscores.</summary>
    public static string NameOf(ProjectSubjects subjects) =>
        $"EDGESYNC_{subjects.Prefix.Replace('.', '_')}_{subjects.ProjectCode}";
}
