using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>What a server's reply brings: artifacts, and the names of artifacts.</summary>
internal sealed class ClientArrivals(IArtifactStore store, ClientOptions options)
{
    private readonly AnnouncementBuffer _announcements = new();
    private readonly HashSet<RecordId> _stored = [];
    private readonly bool _isClone = (options.Actions & SyncActions.Clone) != 0;
    private readonly bool _withPrivate = (options.Actions & SyncActions.Private) != 0;
    private bool _nextIsPrivate;

    /// <summary>What the server has said in this reply that it holds.</summary>
    public HashSet<RecordId> Announced { get; } = [];

    /// <summary>Artifacts in this reply.</summary>
    public int Count { get; private set; }

    public int Total { get; private set; }

    public int TotalDeltas { get; private set; }

    /// <summary>This reply had a delta that leads back to itself.</summary>
    public bool HasDeltaCycle { get; private set; }

    /// <summary>This reply has brought something that was not known before.</summary>
    public bool HasChanges { get; private set; }

    public void OnReplyStart()
    {
        _nextIsPrivate = HasDeltaCycle = HasChanges = false;
        Count = 0;
        Announced.Clear();
    }

    public void OnLost() => _announcements.Clear();

    /// <summary>A <c>private</c> card: the next file is private.</summary>
    public void ExpectPrivate() => _nextIsPrivate = true;

    /// <summary>Takes a file card, or leaves it. False: the session ends with <paramref name="fault"/>.</summary>
    public bool TryReceive(in XferCard card, bool isWanted, out SyncFault? fault)
    {
        fault = null;
        var isPrivate = _nextIsPrivate;
        _nextIsPrivate = false;

        // A server sends what it was asked for. Anything else is none of ours.
        if (!isWanted || (isPrivate && !_withPrivate) || options.Faults.At(FaultSite.ClientFileReject)) return true;
        if (!ArtifactCard.TryParse(card, out var artifact))
        {
            fault = new SyncFault(SyncFaultKind.Protocol, "the server sent a malformed file card");
            return false;
        }

        if (options.Faults.At(FaultSite.ClientFileCorrupt)) artifact = artifact.Damaged();
        var outcome = artifact.Put(store, isPrivate, out var rid);
        if (outcome is PutOutcome.WrongHash or PutOutcome.BadDelta or PutOutcome.BadCompression or PutOutcome.TooLarge)
        {
            fault = new SyncFault(SyncFaultKind.DamagedArtifact, ArtifactCard.TextOf(outcome, artifact.Id));
            return false;
        }

        if (outcome == PutOutcome.Circular)
        {
            HasDeltaCycle = true;
            return true;
        }

        // What was given up and comes once more is no step forward; so the rounds are bounded by what there is to have.
        HasChanges |= outcome is PutOutcome.Stored or PutOutcome.Pending && (_isClone || _stored.Add(rid));
        Count++;
        Total++;
        if (artifact.IsDelta) TotalDeltas++;
        return true;
    }

    public void Announce(in IGotCard igot, bool canWrite, bool pulls)
    {
        _announcements.Add(igot);
        if (_announcements.IsFull) Flush(canWrite, pulls);
    }

    /// <summary>Notes what the server has announced since; what is new becomes a phantom when we pull.</summary>
    public void Flush(bool canWrite, bool pulls)
    {
        if (_announcements.IsEmpty) return;
        if (!canWrite)
        {
            _announcements.Clear();
            return;
        }

        var before = _announcements.PhantomsAdded;
        _announcements.Apply(store, Announced, acceptPrivate: _withPrivate, phantomsMax: pulls ? int.MaxValue : 0);
        HasChanges |= _announcements.PhantomsAdded > before;
    }

    /// <summary>Everything that waits for its source is given up, to be asked for in another way.</summary>
    public void GiveUpWaiting()
    {
        store.DropWaiting();
        _stored.Clear();
    }
}
