using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// What was found at the end of a push: the peer holds all public artifacts up to <paramref name="Through"/>.
/// <paramref name="ComparedAt"/> is when everything was last announced or compared, not when the mark last moved.
/// </summary>
public readonly record struct PeerMark(RecordId Through, Instant ComparedAt);

/// <summary>
/// Lets a push leave unsaid what the peer is known to hold. A repository that never served has all its artifacts
/// unclustered, so without this each push of nothing would announce them all, or fetch the peer's whole catalogue.
/// <para>
/// A peer that was put back from a backup holds less than it did. It lacks what came last, so the newest artifacts
/// below the mark are announced every time; a peer that asks for one of them refutes the mark, and everything is
/// announced anew. What such a sample could miss is found within a day, the age that a mark may reach.
/// </para>
/// </summary>
internal sealed class PeerMemory(IArtifactStore store, ClientOptions options)
{
    private const int SampleRids = 100;

    private static readonly TimeSpan AgeMax = TimeSpan.FromDays(1);

    private PeerMark? _found;

    /// <summary>
    /// Up to here the peer holds everything; none when nothing is known, or when it turned out wrong.
    /// </summary>
    public RecordId KnownThrough { get; private set; }

    /// <summary>
    /// From here on artifacts are announced: the sample is made of the newest that the peer is known to hold.
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
    /// The peer asks for an artifact. True: it lacks what it was known to hold, and nothing is known any more.
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
