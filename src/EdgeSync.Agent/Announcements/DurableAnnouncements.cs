using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// Announcements that outlive an outage: where an outside server has JetStream, a stream keeps what is published on the
/// commit subject, and after each link-up what was missed since the last known sequence is read once, and again after a
/// while. The shell reads; here is decided since when, and what the answer means. Without JetStream, catch-up exchanges
/// and the poll do.
/// </summary>
internal sealed class DurableAnnouncements(ulong sequence)
{
    /// <summary>Missed ones that are handed on; the newest, for one exchange fetches all.</summary>
    internal const int MissedMax = 64;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(5);

    private readonly Queue<AgentEffect> _effects = new();
    private long _readId;
    private bool _isReading;
    private Instant? _lookAt;

    /// <summary>The last sequence looked at; 0 before the first look, which takes the present as its start.</summary>
    public ulong Sequence { get; private set; } = sequence;

    /// <summary>True once a server with JetStream answered on this link.</summary>
    public bool IsAvailable { get; private set; }

    public Instant? Deadline => _isReading ? null : _lookAt;

    public bool TryTake(out AgentEffect effect) => _effects.TryDequeue(out effect!);

    public void OnLinkUp(Instant now) => Read(now);

    public void OnLinkDown() => (_isReading, _lookAt, IsAvailable) = (false, null, false);

    public void OnDeadline(Instant now)
    {
        if (Deadline <= now) Read(now);
    }

    /// <summary>The end of a reading. An answer to a reading of an earlier link is dropped.</summary>
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

        // Also backwards: a stream that was made anew counts from one again.
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

/// <summary>What a stream of announcements holds.</summary>
/// <param name="LastSequence">The newest message's, 0 of an empty stream.</param>
/// <param name="Payloads">The newest messages behind the sequence that was asked for, in order.</param>
public sealed record StreamTail(ulong LastSequence, IReadOnlyList<ReadOnlyMemory<byte>> Payloads);

/// <summary>The stream that keeps the announcements of a project.</summary>
public static class AnnouncementStream
{
    public const int MessagesMax = 10_000;

    public const long BytesMax = 8L << 20;

    public static TimeSpan AgeMax { get; } = TimeSpan.FromDays(7);

    /// <summary>One stream a project. Its name has no dots: the prefix's become underscores.</summary>
    public static string NameOf(ProjectSubjects subjects) =>
        $"EDGESYNC_{subjects.Prefix.Replace('.', '_')}_{subjects.ProjectCode}";
}
