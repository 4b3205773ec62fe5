using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// The result of a finished push: the peer holds all public artifacts up to <paramref name="Through"/>. <paramref
/// name="ComparedAt"/> is when everything was last announced or compared, not when the mark last moved.
/// </summary>
public readonly record struct PeerMark(RecordId Through, Instant ComparedAt);

/// <summary>
/// Lets a push skip announcing what the peer holds. A repository that never served has all its artifacts unclustered,
/// so without this each empty push would announce them all, or fetch the peer's whole catalogue.
/// <para>
/// A peer restored from a backup holds less than before. It lacks the latest artifacts, so the newest ones below the
/// mark are announced every time; a peer that requests one of them refutes the mark, and everything is announced again.
/// What such a sample could miss is found within a day, the maximum age of a mark.
/// </para>
/// </summary>
internal sealed class PeerMemory(IArtifactStore store, ClientOptions options)
{
    private const int SampleRids = 100;

    private static readonly TimeSpan AgeMax = TimeSpan.FromDays(1);

    private PeerMark? _found;

    /// <summary>
    /// The peer holds everything up to here; none when nothing is recorded, or when it was refuted.
    /// </summary>
    public RecordId KnownThrough { get; private set; }

    /// <summary>
    /// Artifacts from here on are announced: the sample consists of the newest ones that the peer holds by the mark.
    /// </summary>
    public RecordId AnnouncedAfter => new(Math.Max(0, KnownThrough.Value - SampleRids));

    public void Recall(Instant now)
    {
        if (options.PeerKey is not { } peer || (options.Actions & SyncActions.Verily) != 0) return;

        _found = store.FindPeerMark(peer);
        if (_found is { } mark && now >= mark.ComparedAt && now - mark.ComparedAt < AgeMax
            && mark.Through <= store.MaxRecordId)
            KnownThrough = mark.Through;
    }

    /// <summary>
    /// The peer requests an artifact. True: it lacks what the mark covers, and the mark is void.
    /// </summary>
    public bool Refutes(RecordId asked)
    {
        if (asked > KnownThrough) return false;

        KnownThrough = RecordId.None;
        return true;
    }

    /// <summary>The push is over, and the peer holds everything up to <paramref name="through"/>.</summary>
    public void Note(RecordId through, Instant now)
    {
        if (options.PeerKey is not { } peer) return;

        var isCompared = KnownThrough.IsNone || _found is null;
        if (!isCompared && _found!.Value.Through == through) return;

        store.SetPeerMark(peer, new PeerMark(through, isCompared ? now : _found!.Value.ComparedAt));
    }
}
