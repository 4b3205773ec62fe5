using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The artifacts of a session: clones, or requests what is missing and sends what the server lacks. Some refusals
/// concern a part of what was ordered; then it goes on without that part.
/// </summary>
internal sealed class ClientArtifacts
{
    private readonly IArtifactStore _store;
    private readonly ClientOptions _options;
    private readonly ClientPull _pull;
    private readonly ClientPush _push;
    private readonly ClientClone? _clone;
    private readonly ClientArrivals _arrivals;
    private readonly DeltaCycleRecovery _deltaCycles = new();

    private SyncActions _actions;
    private bool _catalogRequested;
    private int _sent;
    private int _sentDeltas;

    public ClientArtifacts(IArtifactStore store, ClientOptions options)
    {
        (_store, _options) = (store, options);
        var isClone = (options.Actions & SyncActions.Clone) != 0;
        // A clone is neither pull nor push.
        _actions = isClone ? options.Actions & ~SyncActions.Sync : options.Actions;
        if (isClone) _clone = new ClientClone(store, options);
        _pull = new ClientPull(store, options);
        _push = new ClientPush(store, options);
        _arrivals = new ClientArrivals(store, options);
    }

    public bool IsClone => _clone is not null;

    public bool Pushes => Does(SyncActions.Push);

    /// <summary>The server accepts nothing from this user.</summary>
    public bool PushRefused { get; private set; }

    /// <summary>The request that was written has the form of a clone.</summary>
    public bool AsksAsClone => _deltaCycles.IsRequested;

    /// <summary>Artifacts that the reply has brought so far.</summary>
    public int ReceivedInReply => _arrivals.Count;

    public int Received => _arrivals.Total;

    public int Sent => _sent;

    /// <summary>The next rid to request; 0 when all have come, and without a clone.</summary>
    public long CloneSeqno => _clone?.Seqno ?? 0;

    public SyncReport AddTo(SyncReport report) => report with
    {
        ArtifactsSent = _sent,
        DeltasSent = _sentDeltas,
        ArtifactsReceived = _arrivals.Total,
        DeltasReceived = _arrivals.TotalDeltas,
        PushRefused = PushRefused,
        Missing = _pull.Missing,
        LeftToOthers = _pull.LeftToOthers,
    };

    /// <inheritdoc cref="ClientPull.OnTurn"/>
    public void OnTurn(Instant now) => _pull.OnTurn(now);

    /// <inheritdoc cref="ClientPull.ReleaseClaims"/>
    public void ReleaseClaims() => _pull.ReleaseClaims();

    /// <summary>Another request would request or send something.</summary>
    public bool HasWork() =>
        _clone is { IsDone: false } || (Pushes && _push.HasWork) || (Pulls && _pull.HasWork());

    // --- requests ----------------------------------------------------------------------------------------------------

    /// <summary>Finds out what there is to send.</summary>
    public void Prepare(Instant now)
    {
        if (Pushes) _push.Prepare(now);
    }

    /// <summary>The cards with the kind of session, and its project.</summary>
    public void WriteProject(XferWriter writer, bool isFirst)
    {
        if (Does(SyncActions.Private)) writer.Pragma("send-private"u8);
        _clone?.Write(writer);
        _catalogRequested = Pushes && _push.WantsCatalog;
        var withCatalog = _catalogRequested || (Does(SyncActions.Verily) && isFirst)
            || _clone is { WantsCatalog: true };
        if (Does(SyncActions.Pull) || _catalogRequested || _clone is { IsPull: true })
        {
            writer.Pull(_store.ServerCode, _options.OtherProjectCode ?? _store.ProjectCode ?? "");
            if (withCatalog) writer.Pragma("send-catalog"u8);
        }

        if (Pushes) writer.Push(_store.ServerCode, _store.ProjectCode ?? "");
    }

    public void Write(XferWriter writer, PeerVersion server, long budgetBytes, int roundsDone)
    {
        if (Does(SyncActions.Pull) || _clone is { AsksForPhantoms: true })
        {
            _deltaCycles.Write(writer, _pull.HasWork());
            _pull.WriteGimmes(writer, isFirst: roundsDone == 0);

            // Spec: 2.26: clusters lead to what the announcements of new artifacts do not name.
            if (roundsDone == 2 && _pull.GimmesWritten > 0 && server.KnowsClusterRequest)
                writer.Pragma("req-clusters"u8);
        }

        if (Pushes) _push.Write(writer, server, budgetBytes);
    }

    // --- replies -----------------------------------------------------------------------------------------------------

    public void OnReplyStart(ClientRound round)
    {
        _arrivals.OnReplyStart();
        _push.OnReplyStart();
        _clone?.OnReplyStart(round.CanWrite);
        if (!round.CanWrite && (_actions & (SyncActions.Pull | SyncActions.Clone)) != 0)
            round.Fail(SyncFaultKind.ReadOnly, "the repository is read-only, so nothing can be pulled into it");
    }

    /// <summary>Takes a card about artifacts; false: it is of another part, or malformed.</summary>
    public bool TryReceive(in XferCard card, ClientRound round)
    {
        // Announcements of a run of cards are looked up together.
        if (card.Kind is not (CardKind.IGot or CardKind.Private)) _arrivals.Flush(round.CanWrite, Pulls);
        switch (card.Kind)
        {
            case CardKind.File or CardKind.CFile:
                if (!_arrivals.TryReceive(card, isWanted: round.CanWrite && Pulls, out var damage))
                    round.Fail(damage!.Kind, damage.Text);
                return true;
            case CardKind.Private:
                _arrivals.ExpectPrivate();
                return true;
            case CardKind.IGot:
                // A name that is none (upper case): nothing to have, nothing to send.
                if (IGotCard.TryParse(card, out var igot)) _arrivals.Announce(igot, round.CanWrite, Pulls);
                return true;
            case CardKind.Gimme:
                if (GimmeCard.TryParse(card, out var gimme) && Pushes) _push.OnGimme(gimme.Id);
                return true;
            case CardKind.Push when ProjectCard.TryParse(card, out var project):
                if (_clone?.TryAcceptProject(project.ProjectCode) == false)
                    round.Fail(SyncFaultKind.WrongProject, "the clone that was begun is of another one");
                return true;
            case CardKind.CloneSeqno when CloneSeqnoCard.TryParse(card, out var seqno):
                if (!_options.Faults.At(FaultSite.ClientCloneSeqnoDrop)) _clone?.OnSeqno(seqno.Next);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The server takes nothing from this user; a pull goes on. False: nothing was to be pushed.</summary>
    public bool TryRefusePush()
    {
        if (!Pushes) return false;

        _actions &= ~SyncActions.Push;
        PushRefused = true;
        return true;
    }

    /// <summary>True if the error leaves something to do; everything else in the request is due again.</summary>
    public bool TryNarrow(string error)
    {
        var pulls = Does(SyncActions.Pull);
        if (_catalogRequested && !pulls && error.StartsWith("not authorized to read", StringComparison.Ordinal))
        {
            _catalogRequested = false;
            _push.OnCatalogDenied();
            _push.OnLost();
            return true;
        }

        if (_deltaCycles.IsRequested && error.StartsWith("not authorized to clone", StringComparison.Ordinal))
        {
            _deltaCycles.OnRefused();
            _push.OnLost();
            return true;
        }

        // Differs from Fossil: a user with read rights only still gets the pull that sync contains.
        return pulls && error.StartsWith("not authorized to write", StringComparison.Ordinal) && TryRefusePush();
    }

    /// <summary>All that is there of the reply was read: links what has come.</summary>
    public void Link(ClientRound round)
    {
        _arrivals.Flush(round.CanWrite, Pulls);
        round.HasProgress |= _arrivals.HasChanges;
        if (_arrivals.Count > 0 && _clone is null) _store.LinkArrived();
    }

    /// <summary>The request was answered without an error, so what it carried is done.</summary>
    public void OnReplyEnd(ClientRound round, PeerVersion server)
    {
        _push.RemoteHas.UnionWith(_arrivals.Announced);
        if (Pushes)
        {
            _push.OnReplyEnd(server, _catalogRequested, round.CanWrite);
            var sent = _push.FilesSent + _push.DeltasSent;
            (_sent, _sentDeltas) = (_sent + sent, _sentDeltas + _push.DeltasSent);
            round.HasProgress |= sent > 0 || _catalogRequested;
        }

        if (Pulls) _pull.OnReplyEnd(_arrivals.Announced, _arrivals.Count);
        if (_arrivals.HasDeltaCycle && Does(SyncActions.Pull) && _deltaCycles.SwitchToCloneMode())
        {
            _arrivals.GiveUpWaiting();
            _pull.StartAgain();
            round.HasProgress = true;
        }

        if (_clone is null) return;

        round.HasProgress |= _clone.OnReplyEnd(_arrivals.Count, round.Number, _pull.HasWork(), round.AnsweredAt);
        if (_clone.Failure is { } failure) round.Fail(SyncFaultKind.Stalled, failure);
    }

    /// <summary>The request or its reply was lost: all of it is due again.</summary>
    public void OnLost()
    {
        _arrivals.OnLost();
        _pull.ReleaseClaims();
        _push.OnLost();
        _clone?.OnLost();
        _catalogRequested = false;
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /// <summary>A push has nothing left to do: stores what the server has now.</summary>
    public void NoteEnd(Instant now) => _push.NoteEnd(now);

    /// <summary>The session has ended without a fault: finishes a clone, notes what did not come.</summary>
    /// <param name="isStalled">Nothing moved any more.</param>
    public void Finish(Instant now, bool isStalled)
    {
        if (_clone is not null) _clone.Finish(now);
        else if (!Does(SyncActions.Pull) || !isStalled) return;

        _pull.NoteMissing(now);
    }

    private bool Pulls => Does(SyncActions.Pull) || _clone is not null;

    private bool Does(SyncActions action) => (_actions & action) != 0;
}
