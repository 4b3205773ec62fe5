using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>
/// Records that peers send: which are taken, which deletions wait for a person, and what follows from a record that has
/// changed: content to fetch, endpoints to dial, peers to pass it on to.
/// </summary>
internal sealed class RecordIntake(
    ISyncStore store, Replica replica, ContentExchange content, Contacts contacts, SyncOptions options,
    IReadOnlyCollection<PeerSession> sessions, ChangedAssets changed, Queue<SyncEffect> effects)
{
    private const int HeldMax = 100_000;

    private readonly DeletionGuard _guard = new(options.DeletionsMin, options.DeletionsShare);
    private readonly Dictionary<AssetHash, SyncRecord> _held = [];

    /// <summary>Times of day as the middle of the mirror has them.</summary>
    public PeerClocks Clocks { get; } = new();

    public void Accept(Moment at, SyncRecord merged, PeerSession? source)
    {
        replica.Accept(Clocks.Correct(at.Wall), merged);
        Learn(at, merged);
        WantIfMissing(merged);
        OnChanged(merged.Key, source);
    }

    // A deletion of something that is here counts; beyond the limit it waits for a person.
    public bool IsHeld(Moment at, SyncRecord merged, SyncRecord incoming)
    {
        if (merged.Kind != RecordKind.Asset || !store.HasContent(merged.Key)
            || !replica.TryGet(merged.Key, out var own)
            || !((merged.IsPurged && !own.IsPurged) || (merged.IsTrashed && !own.IsTrashed))) return false;

        if (_held.ContainsKey(merged.Key) || !MayDelete(at))
        {
            if (_held.Count == 0)
                effects.Enqueue(new SyncEffect.Ask(SyncQuestion.PeerDeletes, 1, replica.AssetCount));
            if (_held.TryGetValue(merged.Key, out var before)) incoming = SyncRecord.Merge(before, incoming);
            if (_held.Count < HeldMax) _held[merged.Key] = incoming;
            return true;
        }

        return false;
    }

    /// <summary>A person has decided about deletions that wait.</summary>
    public void Answer(Moment at, bool isMeant)
    {
        if (isMeant) _guard.Open(at.Now);
        else _guard.Reset();
        foreach (var (key, incoming) in _held)
        {
            if (isMeant)
            {
                if (replica.Preview(incoming) is { } merged) Accept(at, merged, null);
            }
            else if (replica.Restore(Clocks.Correct(at.Wall), incoming)) OnChanged(key, null);
        }

        _held.Clear();
        store.SaveDeletionCount(ofPeers: true, _guard.State);
    }

    /// <summary>
    /// What was counted before a restart counts. What waited comes again from the peers, and the question with it.
    /// </summary>
    public void RestoreGuard(Instant now) => _guard.Restore(now, store.DeletionCountOf(ofPeers: true));

    /// <summary>Passes a record on, to all peers but the one that it came from.</summary>
    public void OnChanged(AssetHash key, PeerSession? source)
    {
        changed.Add(key);
        foreach (var session in sessions)
        {
            if (session.IsLive && session != source) session.Queue.Record(key);
        }

        if (replica.TryGet(key, out var record) && record.IsPurged) content.OnPurged(key, sessions);
    }

    public void WantIfMissing(SyncRecord record)
    {
        if (record.Kind == RecordKind.Asset && !record.IsPurged && !store.HasContent(record.Key))
            content.Want(record.Key, record.Size, record.TimestampMs);
    }

    private bool MayDelete(Moment at)
    {
        var isAllowed = _guard.Allows(at.Now, replica.AssetCount);
        store.SaveDeletionCount(ofPeers: true, _guard.State);
        return isAllowed;
    }

    /// <summary>A store that the record is about may be dialled.</summary>
    public void Learn(Moment at, SyncRecord record)
    {
        if (record.Kind == RecordKind.Store && record.Key != SyncRecord.KeyOf(replica.Id)
            && record[RecordField.Retired] is null
            && EndpointId.TryParse(record[RecordField.Endpoint], out var endpoint)) Meet(at, endpoint);
    }

    /// <summary>An endpoint that may have the passphrase.</summary>
    public void Meet(Moment at, EndpointId peer) =>
        contacts.Meet(at.Now, peer, sessions.Count(s => s.Peer == peer));
}
