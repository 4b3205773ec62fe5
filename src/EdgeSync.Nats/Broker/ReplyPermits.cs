using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// How many replies a user may send to a request that it received, and for how long, on subjects that it may not
/// publish to otherwise.
/// </summary>
public sealed record ResponsePermission
{
    /// <summary>Replies to one request; negative: unlimited.</summary>
    public int MessagesMax { get; init; } = 1;

    /// <summary>Counted from the request; negative: unlimited.</summary>
    public TimeSpan Expires { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>The reply subjects that one connection may still publish to. Beyond the limit the oldest are
/// dropped.</summary>
internal sealed class ReplyPermits
{
    internal const int CountMax = 4096;

    private readonly ResponsePermission _rule;
    private readonly Dictionary<byte[], Permit> _permits;
    private readonly Dictionary<byte[], Permit>.AlternateLookup<ReadOnlySpan<byte>> _bySubject;
    private readonly Queue<Permit> _inOrder = new();

    public ReplyPermits(ResponsePermission rule, TokenComparer comparer)
    {
        _rule = rule;
        _permits = new Dictionary<byte[], Permit>(comparer);
        _bySubject = _permits.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public int Count => _permits.Count;

    /// <summary>A request reached the connection.</summary>
    public void Add(ReadOnlySpan<byte> reply, Instant now)
    {
        while (_inOrder.TryPeek(out var oldest)
            && (oldest.IsOver || _inOrder.Count >= CountMax || IsTooOld(oldest, now)))
        {
            _inOrder.Dequeue();
            Forget(oldest);
        }

        if (_bySubject.TryGetValue(reply, out var old)) Forget(old);
        var permit = new Permit(reply.ToArray(), now);
        _permits[permit.Subject] = permit;
        _inOrder.Enqueue(permit);
    }

    /// <summary>Whether the connection may publish to the subject as a reply, this once.</summary>
    public bool TryUse(ReadOnlySpan<byte> subject, Instant now)
    {
        if (!_bySubject.TryGetValue(subject, out var permit)) return false;

        var isAllowed = !IsTooOld(permit, now);
        if (!isAllowed || (_rule.MessagesMax >= 0 && ++permit.Used >= _rule.MessagesMax)) Forget(permit);
        return isAllowed;
    }

    private bool IsTooOld(Permit permit, Instant now) =>
        _rule.Expires >= TimeSpan.Zero && now - permit.Since > _rule.Expires;

    private void Forget(Permit permit)
    {
        if (permit.IsOver) return;

        permit.IsOver = true;
        _permits.Remove(permit.Subject);
    }

    private sealed class Permit(byte[] subject, Instant since)
    {
        public byte[] Subject => subject;

        public Instant Since => since;

        public int Used { get; set; }

        public bool IsOver { get; set; }
    }
}
