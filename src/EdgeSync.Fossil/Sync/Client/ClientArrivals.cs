using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The contents of a server's reply: artifacts, and names of artifacts.</summary>
internal sealed class ClientArrivals(IArtifactStore store, ClientOptions options)
{
    private readonly AnnouncementBuffer _announcements = new();
    private readonly HashSet<RecordId> _stored = [];
    private readonly bool _isClone = (options.Actions & SyncActions.Clone) != 0;
    private readonly bool _withPrivate = (options.Actions & SyncActions.Private) != 0;
    private bool _nextIsPrivate;

    /// <summary>The artifacts that the server announced in this reply.</summary>
    public HashSet<RecordId> Announced { get; } = [];

    /// <summary>Artifacts in this reply.</summary>
    public int Count { get; private set; }

    public int Total { get; private set; }

    public int TotalDeltas { get; private set; }

    /// <summary>This reply had a delta cycle.</summary>
    public bool HasDeltaCycle { get; private set; }

    /// <summary>This reply contained something new.</summary>
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

    /// <summary>Stores a file card, or ignores it. False: the session ends with <paramref name="fault"/>.</summary>
    public bool TryReceive(in XferCard card, bool isWanted, out SyncFault? fault)
    {
        fault = null;
        var isPrivate = _nextIsPrivate;
        _nextIsPrivate = false;

        // A server sends what was requested. Anything else is ignored.
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

        // An artifact that was given up and arrives again is not progress, which bounds the rounds.
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

    /// <summary>Records what the server has announced since; unknown names become phantoms when we pull.</summary>
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

    /// <summary>Gives up everything that waits for its source, to be requested in another way.</summary>
    public void GiveUpWaiting()
    {
        store.DropWaiting();
        _stored.Clear();
    }
}
