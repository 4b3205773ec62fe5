using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// Announcements that outlive an outage: where an outside server has JetStream, a stream keeps what is published on the
/// commit subject, and after each link-up what was missed since the last known sequence is read once. Where nobody answers
/// the API, nothing happens: catch-up exchanges and the poll do.
/// <code>
///   idle ─link up─▶ asking ─no such stream─▶ creating ─▶ idle
///                     └──behind──▶ consumer ─▶ reading ─batch─▶ reading ─end─▶ idle (looks again after a while)
/// </code>
/// </summary>
internal sealed class DurableAnnouncements(ProjectSubjects subjects, string? domain, ulong sequence)
{
    /// <summary>Missed ones that are handed on; the newest, for one exchange fetches all.</summary>
    internal const int MissedMax = 64;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(5);

    private readonly JetStreamApi _api = new(subjects, domain);
    private readonly Queue<AgentEffect> _effects = new();
    private readonly Queue<Announcement> _missed = new();
    private Phase _phase;
    private long _requestId;
    private long _lastRequestId;
    private Instant? _lookAt;
    private string _consumer = "";
    private ulong _target;
    private int _inBatch;

    private enum Phase
    {
        Idle,
        Asking,
        Creating,
        MakingConsumer,
        Reading,
    }

    /// <summary>The last sequence looked at.</summary>
    public ulong Sequence { get; private set; } = sequence;

    /// <summary>True once a server with JetStream answered on this link.</summary>
    public bool IsAvailable { get; private set; }

    public Instant? Deadline => _phase == Phase.Idle ? _lookAt : null;

    public bool TryTake(out AgentEffect effect) => _effects.TryDequeue(out effect!);

    /// <summary>What was announced while we were away.</summary>
    public bool TryTakeMissed(out Announcement missed) => _missed.TryDequeue(out missed!);

    public void OnLinkUp(Instant now) => Ask(now);

    public void OnLinkDown()
    {
        (_phase, _requestId, _lookAt, IsAvailable) = (Phase.Idle, 0, null, false);
    }

    public void OnDeadline(Instant now)
    {
        if (Deadline is { } due && due <= now && _phase == Phase.Idle) Ask(now);
    }

    public void OnResponse(Instant now, long requestId, string? replySubject, ReadOnlyMemory<byte>? payload)
    {
        if (requestId != _requestId || _phase == Phase.Idle) return;

        if (_phase == Phase.Reading)
        {
            OnDelivery(now, replySubject, payload);
            return;
        }

        var answer = payload is { } bytes ? JetStreamAnswer.Parse(bytes.Span) : default;
        IsAvailable = answer.IsJson;
        switch (_phase)
        {
            case Phase.Asking when answer.IsNotFound:
                Send(Phase.Creating, _api.CreateSubject, _api.CreateBody());
                break;
            case Phase.Asking when answer.IsOk && NeedsReplay(answer):
                _target = answer.LastSequence;
                Send(Phase.MakingConsumer, _api.ConsumerSubject, _api.ConsumerBody(Math.Max(Sequence + 1, answer.FirstSequence)));
                break;
            case Phase.MakingConsumer when answer is { IsOk: true, Name: { } name }:
                _consumer = name;
                ReadOn();
                break;
            default:
                Rest(now);
                break;
        }
    }

    private bool NeedsReplay(JetStreamAnswer answer)
    {
        // A stream that was made anew counts from one again; a first look takes the present as its start.
        if (Sequence > answer.LastSequence || Sequence == 0) MoveTo(answer.LastSequence);
        return Sequence < answer.LastSequence;
    }

    private void OnDelivery(Instant now, string? replySubject, ReadOnlyMemory<byte>? payload)
    {
        if (payload is not { } bytes)
        {
            Rest(now);
            return;
        }

        if (Announcement.TryParse(bytes.Span, out var announcement))
        {
            if (_missed.Count == MissedMax) _missed.Dequeue();
            _missed.Enqueue(announcement);
        }

        if (JetStreamApi.TryGetSequence(replySubject, out var at) && at > Sequence) Sequence = at;
        _inBatch++;
        if (Sequence >= _target) Rest(now);
        else if (_inBatch == JetStreamApi.Batch) ReadOn();
    }

    private void Ask(Instant now)
    {
        _lookAt = now + LookAgain;
        Send(Phase.Asking, _api.InfoSubject, []);
    }

    private void ReadOn()
    {
        _inBatch = 0;
        Send(Phase.Reading, _api.NextSubject(_consumer), JetStreamApi.NextBody(), JetStreamApi.Batch);
    }

    private void Send(Phase phase, string subject, byte[] payload, int repliesMax = 1)
    {
        _phase = phase;
        _effects.Enqueue(new AgentEffect.Request(++_lastRequestId, subject, payload, Timeout, repliesMax));
        _requestId = _lastRequestId;
    }

    private void Rest(Instant now)
    {
        if (_phase == Phase.Reading) _effects.Enqueue(new AgentEffect.PersistSequence(Sequence));
        (_phase, _requestId) = (Phase.Idle, 0);
        _lookAt = now + LookAgain;
    }

    private void MoveTo(ulong sequence)
    {
        if (Sequence == sequence) return;

        Sequence = sequence;
        _effects.Enqueue(new AgentEffect.PersistSequence(sequence));
    }

}
