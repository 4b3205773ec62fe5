using System.Globalization;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>
/// The messages of first streams: who a peer is, what its records come to, and what it has and seeks.
/// </summary>
internal sealed class ControlExchange(
    ISyncStore store, Replica replica, ContentExchange content, RecordIntake intake, SyncOptions options,
    Queue<SyncEffect> effects)
{
    /// <summary>Of all that is missing, when a peer comes.</summary>
    public const int SeekMax = 100_000;

    private const int SeekAgainMax = 1000;

    /// <summary>Of a message that should not have been; keys of a comparison cost an eighth.</summary>
    private const int CostOfOne = 8;

    private static readonly TimeSpan CompareInterval = TimeSpan.FromSeconds(5);

    private ulong _token;

    /// <summary>Of a ping that is later than all before.</summary>
    public ulong NextToken() => ++_token;

    /// <summary>A message of the peer.</summary>
    /// <returns>Whether it belongs here.</returns>
    public bool Receive(Moment at, PeerSession session, MirrorMessage message)
    {
        if (message is MirrorMessage.Hello hello) return !session.IsLive && OnHello(at, session, hello);
        if (!session.IsLive) return false;

        switch (message)
        {
            case MirrorMessage.Ranges ranges: OnRanges(session, ranges.Claims); return true;
            case MirrorMessage.Records records:
                foreach (var (record, hasContent) in records.Items) OnRecord(at, session, record, hasContent);
                return true;
            case MirrorMessage.Keys keys: OnKeys(session, keys); return true;
            case MirrorMessage.Ping ping: OnPing(at, session, ping); return true;
            case MirrorMessage.Damaged damaged:
                session.Charge(CostOfOne);
                if (store.HasContent(damaged.Hash)) effects.Enqueue(new SyncEffect.Verify(damaged.Hash));
                return true;
            default: return false;
        }
    }

    private bool OnHello(Moment at, PeerSession session, MirrorMessage.Hello hello)
    {
        if (hello.Store == replica.Id || replica.IsRetired(hello.Store))
        {
            session.Close(effects, SyncClose.Store, hello.Store == replica.Id ? "the same store" : "a retired store");
            return true;
        }

        session.Store = hello.Store;
        effects.Enqueue(new SyncEffect.Report("can.peer_connected", $"{session.Peer} {hello.Store}"));
        ObserveClock(at, hello.Store, hello.WallMs);
        if (session.IsDialler)
        {
            Compare(at, session);
            // After the comparison: where nothing differs, the answer says so.
            session.TellAt = at.Now;
        }

        SeekMissing(session, SeekMax);
        return true;
    }

    private void ObserveClock(Moment at, StoreId store, long wallMs)
    {
        if (intake.Clocks.Observe(store, at.Wall, Instant.FromUnixMilliseconds(wallMs)))
        {
            effects.Enqueue(new SyncEffect.Report(
                "can.clock_corrected", intake.Clocks.Correction.ToString("c", CultureInfo.InvariantCulture)));
        }
    }

    private void Compare(Moment at, PeerSession session)
    {
        session.ComparedAt = at.Now;
        session.Queue.ResetOverflow();
        session.Queue.Claim(Reconciliation.Begin(replica.Index));
    }

    /// <summary>Asks where the content is that is missing and not offered.</summary>
    public void SeekMissing(PeerSession session, int countMax)
    {
        if (!session.IsLive || content.IsPaused) return;
        foreach (var hash in content.Unoffered(session).Take(countMax)) session.Queue.Seek(hash);
    }

    private void OnRanges(PeerSession session, IReadOnlyList<RangeClaim> claims)
    {
        foreach (var claim in claims)
            session.Charge(CostOfOne + (claim is RangeClaim.Keys keys ? keys.Entries.Count : 0));
        var outcome = Reconciliation.Answer(replica.Index, claims);
        foreach (var claim in outcome.Claims) session.Queue.Claim(claim);
        foreach (var key in outcome.Get) session.Queue.Get(key);
        foreach (var key in outcome.Send) session.Queue.Record(key);
        foreach (var offer in outcome.Offers)
        {
            foreach (var (key, _) in replica.Index.EntriesOf(offer)) session.Queue.Record(key);
        }
    }

    private void OnKeys(PeerSession session, MirrorMessage.Keys keys)
    {
        foreach (var hash in keys.Hashes)
        {
            session.Charge(1);
            switch (keys.Kind)
            {
                case MirrorFrame.Get:
                    if (replica.Index.TryGet(hash, out _)) session.Queue.Record(hash);
                    break;
                case MirrorFrame.Seek: session.Queue.Sought(hash, store.HasContent(hash)); break;
                default:
                    if (!content.Offer(session, hash)) session.Charge(CostOfOne);
                    break;
            }
        }
    }

    private void OnRecord(Moment at, PeerSession session, SyncRecord incoming, bool hasContent)
    {
        if (incoming.Kind == RecordKind.Asset && content.Missing >= options.MissingMax
            && !replica.Index.TryGet(incoming.Key, out _))
        {
            session.Charge(CostOfOne);
            return;
        }

        if (replica.Preview(incoming) is not { } merged) OnKnown(session, incoming);
        else if (intake.IsHeld(at, merged, incoming)) session.Charge(1);
        else
        {
            session.Charge(-CostOfOne);
            intake.Accept(at, merged, session);
            // Both had what the other lacked.
            if (merged.Digest != incoming.Digest) session.Queue.Record(incoming.Key);
        }

        if (hasContent) content.Offer(session, incoming.Key);
    }

    private void OnKnown(PeerSession session, SyncRecord incoming)
    {
        session.Charge(1);
        // The peer's is older than what is here: it gets this one.
        if (replica.Index.TryGet(incoming.Key, out var digest) && digest != incoming.Digest
            && replica.TryGet(incoming.Key, out var own) && own.Kind == incoming.Kind)
            session.Queue.Record(incoming.Key);
    }

    private void OnPing(Moment at, PeerSession session, MirrorMessage.Ping ping)
    {
        ObserveClock(at, session.Store!.Value, ping.WallMs);
        (session.PeerSum, session.PeerMissing) = (ping.Sum, ping.Missing);
        if (ping.IsAnswer) session.PongToken = Math.Max(session.PongToken, ping.Token);
        else
        {
            session.Charge(CostOfOne);
            session.Queue.Say(PingOf(at, ping.Token, isAnswer: true));
        }

        var isDifferent = ping.Sum != replica.Index.FingerprintOf(KeyPrefix.All).Sum || session.Queue.HasOverflowed;
        if (session.IsDialler && isDifferent && session.Queue.IsIdle && at.Now - session.ComparedAt >= CompareInterval)
            Compare(at, session);
    }

    public void OnPingTime(Moment at, PeerSession session)
    {
        session.PingAt = at.Now + options.PingInterval;
        session.Charge(-CostOfOne * (options.BudgetRefill + (replica.Index.Count / CostOfOne)));
        SendPing(at, session, NextToken());
        if (session.Offers.Count == 0) SeekMissing(session, SeekAgainMax);
    }

    public void SendPing(Moment at, PeerSession session, ulong token)
    {
        session.PingToken = token;
        session.TellAt = null;
        session.Queue.Say(PingOf(at, token, isAnswer: false));
    }

    private MirrorMessage.Ping PingOf(Moment at, ulong token, bool isAnswer) => new(
        isAnswer, token, Math.Max(0, at.Wall.UnixMilliseconds), replica.Index.FingerprintOf(KeyPrefix.All).Sum,
        content.Missing);
}
