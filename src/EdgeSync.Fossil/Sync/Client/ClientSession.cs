using System.Buffers;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// One exchange with a server until both sides hold what was asked for. Knows no transport:
/// <code>
///   while (session.TryBuildRequest(now, buffer))          // a decoded message
///   {
///       var reply = post(buffer);                          // or session.OnLost() and once more
/// session.Receive(now, reply); // or BeginReply, Feed ..., EndReply for a reply that streams
///   }
///   session.Report
/// </code>
/// A reply is one round of the store: it is committed whole, or nothing of it is. Faults of the peer end the session
/// and stand in the report; they are no exceptions. Spec: xfer.c client_sync.
/// </summary>
public sealed class ClientSession : IDisposable
{
    private readonly IArtifactStore _store;
    private readonly ClientOptions _options;
    private readonly Entropy _entropy;
    private readonly Action<SyncProgress>? _observer;
    private readonly XferStream _stream;
    private readonly ArrayBufferWriter<byte> _body = new(4096);
    private readonly ClientPull _pull;
    private readonly ClientPush _push;
    private readonly ClientUnversioned _unversioned;
    private readonly ClientConfig _config;
    private readonly ClientTables? _tables;
    private readonly ClientLock _lock;
    private readonly ServerMetadata _server = new();
    private readonly DeltaCycleRecovery _deltaCycles = new();
    private readonly ClientArrivals _arrivals;
    private readonly ClientClone? _clone;
    private readonly RequestBudget _budget;
    private readonly ClientScope _scope;

    private SyncReport _report = new();
    private Instant _now;
    private Instant _asked;
    private int _idleRounds;
    private bool _requestIsOut;
    private bool _inReply;
    private bool _canWrite;
    private bool _replyIsOver;
    private bool _progressed;
    private bool _isDueAgain;
    private bool _isOver;

    public ClientSession(
        IArtifactStore store, ClientOptions options, Entropy entropy, Action<SyncProgress>? observer = null)
    {
        (_store, _options, _entropy, _observer) = (store, options, entropy, observer);
        _scope = new ClientScope(options.Actions);
        if ((options.Actions & SyncActions.Clone) != 0) _clone = new ClientClone(store, options);
        _stream = new XferStream(options.Limits);
        _pull = new ClientPull(store, options);
        _push = new ClientPush(store, options);
        _unversioned = new ClientUnversioned(store, options);
        _config = new ClientConfig(store, options);
        _tables = Does(SyncActions.Tables) && store.Tables is not null ? new ClientTables(store.Tables, options) : null;
        _lock = new ClientLock(options);
        _arrivals = new ClientArrivals(store, options);
        _budget = new RequestBudget(options);
        Invariant.Require(
            _scope.Actions != SyncActions.None || options.ConfigPull is not null || options.ConfigPush != 0);
    }

    /// <summary>What happened so far; final once <see cref="TryBuildRequest"/> answers false.</summary>
    public SyncReport Report => _server.AddTo(_report) with
    {
        ArtifactsReceived = _arrivals.Total,
        DeltasReceived = _arrivals.TotalDeltas,
        ConfigReceived = _config.Received,
        LockHolder = _lock.Holder,
        RowsReceived = _tables?.RowsReceived ?? 0,
        UnversionedSent = _unversioned.Sent,
        UnversionedReceived = _unversioned.Received,
        UnversionedPushRefused = _unversioned.PushRefused,
        PushRefused = _scope.PushRefused,
        Missing = _pull.Missing,
        LeftToOthers = _pull.LeftToOthers,
    };

    /// <summary>
    /// Writes the next request, decoded. False: the session is over. A request stays due until its reply was received
    /// or
    /// <see cref="OnLost"/> says that it was lost.
    /// </summary>
    public bool TryBuildRequest(Instant now, IBufferWriter<byte> output)
    {
        Invariant.Require(!_requestIsOut && !_inReply);
        if (_isOver) return false;

        _pull.OnTurn(now);
        Invariant.Require(_store.Begin(StoreAccess.Read, now));
        try
        {
            if (_report.Rounds > 0 && !HasWork())
            {
                _isOver = true;
                return false;
            }

            _isDueAgain = false;
            _body.ResetWrittenCount();
            if (Does(SyncActions.Push)) _push.Prepare(now);
            WriteBody(new XferWriter(_body));
            ClientLogin.Write(_options, _store.ProjectCode, _body.WrittenSpan, output);
            output.Write(_body.WrittenSpan);
            _report = _report with { BytesSent = _report.BytesSent + _body.WrittenCount };
        }
        finally
        {
            _store.Rollback();
            if (_isOver) EndSession(now);
        }

        _requestIsOut = true;
        _asked = now;
        Observe();
        return true;
    }

    /// <summary>A reply that is there as a whole, decoded.</summary>
    public void Receive(Instant now, ReadOnlyMemory<byte> reply)
    {
        BeginReply(now);
        Feed(new ReadOnlySequence<byte>(reply), isFinal: true, out _);
        EndReply();
    }

    /// <summary>A reply starts to arrive; the store's round begins.</summary>
    public void BeginReply(Instant now)
    {
        Invariant.Require(_requestIsOut && !_inReply);
        _requestIsOut = false;
        _inReply = true;
        _replyIsOver = false;
        _now = now;
        _pull.OnTurn(now);
        _stream.Reset();
        _arrivals.OnReplyStart();
        _progressed = false;
        _report = _report with { Rounds = _report.Rounds + 1 };
        _canWrite = _store.Begin(StoreAccess.Write, now);
        if (!_canWrite) Invariant.Require(_store.Begin(StoreAccess.Read, now));
        _push.OnReplyStart();
        _clone?.OnReplyStart(_canWrite);
        if (!_canWrite && (_scope.Actions & (SyncActions.Pull | SyncActions.Clone)) != 0)
            Fail(SyncFaultKind.ReadOnly, "the repository is read-only, so nothing can be pulled into it");
    }

    /// <summary>
    /// Takes the cards that are whole from the front of <paramref name="input"/>; the rest, from
    /// <paramref name="consumed"/> on, has to be given again together with what follows. After a fault everything is
    /// swallowed.
    /// </summary>
    public void Feed(ReadOnlySequence<byte> input, bool isFinal, out SequencePosition consumed)
    {
        Invariant.Require(_inReply);
        while (!_replyIsOver)
        {
            var status = _stream.TryRead(input, isFinal, out var card, out consumed);
            if (status == OperationStatus.Done)
            {
                _report = _report with
                {
                    BytesReceived = _report.BytesReceived + input.Slice(input.Start, consumed).Length
                };
                Handle(card);
                input = input.Slice(consumed);
                continue;
            }

            if (status == OperationStatus.NeedMoreData && !(isFinal && !input.IsEmpty)) return;

            Fail(SyncFaultKind.Protocol, isFinal ? "the server's reply is cut" : "the server's reply is malformed");
        }

        consumed = input.End;
    }

    /// <summary>The reply is complete: commits the round, or takes it back, and decides how to go on.</summary>
    public void EndReply()
    {
        Invariant.Require(_inReply);
        _inReply = false;
        var isCommitted = false;
        try
        {
            if (_report.Fault is null) _arrivals.Flush(_canWrite, Pulls);
            _progressed |= _arrivals.HasChanges;
            if (_report.Fault is null && _arrivals.Count > 0 && _clone is null) _store.LinkArrived();
            if (_report.Fault is null) ConcludeRound();
            if (_report.Fault is null && _canWrite)
            {
                isCommitted = true;
                if (!_store.TryCommit(out var fault))
                    Fail(SyncFaultKind.DamagedArtifact, ArtifactCard.TextOf(fault.Outcome, fault.Id));
            }
        }
        finally
        {
            if (!isCommitted) _store.Rollback();
        }

        _isOver |= _report.Fault is not null;
        if (_isOver) _pull.ReleaseClaims();
        Observe();
    }

    /// <summary>
    /// The request or its reply was lost, or refused for its size (<paramref name="tooLarge"/>: HTTP 413): takes back
    /// what the reply brought so far, and makes the next request carry the same again, smaller if need be.
    /// </summary>
    public void OnLost(bool tooLarge = false)
    {
        if (_inReply) _store.Rollback();
        Invariant.Require(_requestIsOut || _inReply);
        (_requestIsOut, _inReply) = (false, false);
        ForgetRequest(tooLarge);
    }

    private void ForgetRequest(bool tooLarge)
    {
        _arrivals.OnLost();
        _pull.ReleaseClaims();
        _push.OnLost();
        _unversioned.OnLost();
        _clone?.OnLost();
        _scope.CatalogRequested = false;
        _config.OnLost();
        if (tooLarge) _budget.Shrink();
    }

    /// <summary>
    /// A reply of which only the front has come, decoded: artifacts that are whole are kept, so that the next request
    /// asks for the rest alone and a link that breaks again and again brings everything in the end. True if anything
    /// was.
    /// </summary>
    public bool ReceiveFront(Instant now, ReadOnlyMemory<byte> front)
    {
        BeginReply(now);
        Feed(new ReadOnlySequence<byte>(front), isFinal: false, out _);
        if (!_canWrite || _replyIsOver || _clone is not null || (_arrivals.Count == 0 && !_progressed))
        {
            // A clone asks by position, not by name, so a part of a round is no help to it.
            OnLost();
            _isOver |= _report.Fault is not null;
            return false;
        }

        _arrivals.Flush(_canWrite, Pulls);
        if (_arrivals.Count > 0) _store.LinkArrived();
        if (!_store.TryCommit(out var fault))
            Fail(SyncFaultKind.DamagedArtifact, ArtifactCard.TextOf(fault.Outcome, fault.Id));
        (_inReply, _isOver) = (false, _report.Fault is not null);
        ForgetRequest(tooLarge: false);
        return !_isOver;
    }

    /// <summary>
    /// Ends the session without another request, for a reason that lies outside (cancelled, unreachable).
    /// </summary>
    public void Dispose()
    {
        if (_inReply) _store.Rollback();
        _inReply = _requestIsOut = false;
        _isOver = true;
        _pull.ReleaseClaims();
        _stream.Dispose();
    }

    private bool Does(SyncActions action) => (_scope.Actions & action) != 0;

    private bool Pulls => Does(SyncActions.Pull) || _clone is not null;

    // --- building ----------------------------------------------------------------------------------------------------

    private bool HasWork()
    {
        if (_report.Fault is not null) return false;
        if (_idleRounds >= _options.IdleRoundsMax) return false;

        return _isDueAgain
            || _clone is { IsDone: false }
            || _config.HasWork
            || (Does(SyncActions.Push) && _push.HasWork)
            || (Does(SyncActions.Unversioned) && _unversioned.HasWork)
            || _tables is { HasWork: true }
            || (Pulls && _pull.HasWork());
    }

    private void WriteBody(XferWriter writer)
    {
        var budget = _budget.Next();
        var isFirst = _report.Rounds == 0;
        _options.Version.Write(writer, "client-version"u8);
        if (Does(SyncActions.Private)) writer.Pragma("send-private"u8);
        _clone?.Write(writer);
        WriteProjectCards(writer, isFirst);
        if (_store.Config.Get("cookie") is { Length: > 0 } cookie) writer.Cookie(cookie);
        if (Does(SyncActions.Pull) || _clone is { AsksForPhantoms: true })
        {
            _deltaCycles.Write(writer, _pull.HasWork());
            _pull.WriteGimmes(writer, isFirst);

            // Spec: 2.26: clusters lead to what the announcements of new artifacts do not name.
            if (_report.Rounds == 2 && _pull.GimmesWritten > 0 && _server.Version.KnowsClusterRequest)
                writer.Pragma("req-clusters"u8);
        }

        if (Does(SyncActions.Push)) _push.Write(writer, _server.Version, budget);
        _config.Write(writer, isFirst);

        // In a clone the first round may not be logged in, so the rest waits for the second.
        if (_clone is null || !isFirst)
        {
            if (Does(SyncActions.Unversioned)) _unversioned.Write(writer, budget);
            _tables?.Write(writer, budget, mayPush: !_scope.PushRefused);
        }

        if (_clone is null) _lock.Write(writer);
        ClientLogin.WriteRandom(_entropy, writer);
    }

    private void WriteProjectCards(XferWriter writer, bool isFirst)
    {
        _scope.CatalogRequested = Does(SyncActions.Push) && _push.WantsCatalog;
        var withCatalog = _scope.CatalogRequested || (Does(SyncActions.Verily) && isFirst)
            || _clone is { WantsCatalog: true };
        if (Does(SyncActions.Pull) || _scope.CatalogRequested || _clone is { IsPull: true })
        {
            writer.Pull(_store.ServerCode, _options.OtherProjectCode ?? _store.ProjectCode ?? "");
            if (withCatalog) writer.Pragma("send-catalog"u8);
        }

        if (Does(SyncActions.Push)) writer.Push(_store.ServerCode, _store.ProjectCode ?? "");
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    private void Handle(in XferCard card)
    {
        if (card.Kind is not (CardKind.IGot or CardKind.Private)) _arrivals.Flush(_canWrite, Pulls);
        switch (card.Kind)
        {
            case CardKind.Blank:
                break;
            case CardKind.Comment:
                _server.OnComment(card.Line, _asked, _now);
                break;
            case CardKind.File or CardKind.CFile:
                if (!_arrivals.TryReceive(card, isWanted: _canWrite && Pulls, out var damage))
                    Fail(damage!.Kind, damage.Text);
                else if (_arrivals.Count % 256 == 255) Observe();
                break;
            case CardKind.Private:
                _arrivals.ExpectPrivate();
                break;
            case CardKind.IGot when IGotCard.TryParse(card, out var igot):
                _arrivals.Announce(igot, _canWrite, Pulls);
                break;
            case CardKind.Gimme when GimmeCard.TryParse(card, out var gimme):
                if (Does(SyncActions.Push)) _push.OnGimme(gimme.Id);
                break;
            case CardKind.IGot or CardKind.Gimme:
                // A name that is none (upper case): nothing to have, nothing to send.
                break;
            case CardKind.UvIGot when UvIGotCard.TryParse(card, out var igot):
                if (Does(SyncActions.Unversioned) && _canWrite) _unversioned.OnAnnounced(igot);
                break;
            case CardKind.UvFile when UvFileCard.TryParse(card, out var file):
                if (!Does(SyncActions.Unversioned) || !_canWrite) break;
                if (!_unversioned.TryReceive(file, card.Payload))
                    Fail(
                        SyncFaultKind.DamagedArtifact,
                        $"the unversioned file {file.Name} does not have the announced hash");
                _progressed = true;
                break;
            case CardKind.Push when ProjectCard.TryParse(card, out var project):
                if (_clone?.TryAcceptProject(project.ProjectCode) == false)
                    Fail(SyncFaultKind.WrongProject, "the clone that was begun is of another one");
                break;
            case CardKind.CloneSeqno when CloneSeqnoCard.TryParse(card, out var seqno):
                if (!_options.Faults.At(FaultSite.ClientCloneSeqnoDrop)) _clone?.OnSeqno(seqno.Next);
                break;
            case CardKind.Config when ConfigCard.TryParse(card, out var config):
                if (_canWrite && _config.TryReceive(config)) _progressed = true;
                break;
            case CardKind.Cookie when TextCard.TryParse(card, out var cookie):
                if (_canWrite) _store.Config.Set("cookie", cookie.Text, _now.UnixSeconds);
                break;
            case CardKind.Message when TextCard.TryParse(card, out var message):
                HandleMessage(message.Text);
                break;
            case CardKind.Error when TextCard.TryParse(card, out var error):
                HandleError(error.Text);
                break;
            case CardKind.Pragma when card.Count >= 2:
                HandlePragma(card);
                break;
            case CardKind.Schema or CardKind.XIGot or CardKind.XGimme or CardKind.XRow or CardKind.XDelete:
                if (_tables is null || !_canWrite) break;
                if (!_tables.TryReceive(card, out var changed))
                    Fail(SyncFaultKind.Protocol, "the server sent a malformed table card");
                _progressed |= changed;
                break;
            default:
                Fail(SyncFaultKind.NotAServer, SyncFault.TextOfUnknown(card));
                break;
        }
    }

    private void HandleMessage(string text)
    {
        if (text.StartsWith("pull only ", StringComparison.Ordinal) && Does(SyncActions.Push)) _scope.RefusePush();
        else _server.OnMessage(text);
    }

    private void HandleError(string text)
    {
        // In a clone's first round the login could not be right yet; the codes come along, so the second will do.
        if (_clone is not null && _report.Rounds == 1) return;
        if (!_scope.TryNarrow(text, _push, _deltaCycles, _unversioned))
        {
            Fail(SyncFault.KindOf(text), text);
            return;
        }

        _replyIsOver = true;
        _progressed = true;
    }

    private void HandlePragma(in XferCard card)
    {
        if (_server.TryTake(card)) return;

        var name = card[1];
        if (name.SequenceEqual("uv-push-ok"u8)) _unversioned.OnPermission(mayPush: true);
        else if (name.SequenceEqual("uv-pull-only"u8))
        {
            // Spec: every answer to a clone card says that, whatever the user may do.
            if (!_deltaCycles.IsRequested) _unversioned.OnPermission(mayPush: false);
        }
        else if (name.SequenceEqual("ci-lock-fail"u8) && card.Count == 4) _lock.OnRefused(card);
    }

    private void ConcludeRound()
    {
        if (_replyIsOver)
        {
            // An error that only narrows the session: the request is due again without what was refused.
            _config.OnLost();
            _isDueAgain = true;
            return;
        }

        _push.RemoteHas.UnionWith(_arrivals.Announced);
        if (Does(SyncActions.Push))
        {
            _push.OnReplyEnd(_server.Version, _scope.CatalogRequested, _canWrite);
            _progressed |= _push.FilesSent + _push.DeltasSent > 0 || _scope.CatalogRequested;
            _report = _report with
            {
                ArtifactsSent = _report.ArtifactsSent + _push.FilesSent + _push.DeltasSent,
                DeltasSent = _report.DeltasSent + _push.DeltasSent,
            };
        }

        if (Pulls) _pull.OnReplyEnd(_arrivals.Announced, _arrivals.Count);
        if (_arrivals.HasDeltaCycle && Does(SyncActions.Pull) && _deltaCycles.SwitchToCloneMode())
        {
            _arrivals.GiveUpWaiting();
            _pull.StartAgain();
            _progressed = true;
        }

        if (Does(SyncActions.Unversioned)) _unversioned.OnReplyEnd();
        if (_clone is null || _report.Rounds > 1) _tables?.OnReplyEnd();
        _config.OnReplyEnd();
        _lock.OnReplyEnd();
        _progressed |= _clone is not null && _clone.OnReplyEnd(_arrivals.Count, _report.Rounds, _pull.HasWork(), _now);
        _budget.Grow();
        _idleRounds = _progressed ? 0 : _idleRounds + 1;
        if (_clone is { Failure: { } failure }) Fail(SyncFaultKind.Stalled, failure);
        if (_canWrite && Does(SyncActions.Push) && _report.Fault is null && !HasWork()) _push.NoteEnd(_now);
    }

    private void Fail(SyncFaultKind kind, string text)
    {
        _replyIsOver = true;
        if (_report.Fault is null) _report = _report with { Fault = new SyncFault(kind, text) };
    }

    private void EndSession(Instant now)
    {
        if (_report.Fault is not null) return;
        if (_clone is not null) _clone.Finish(now);
        else if (!Does(SyncActions.Pull) || _idleRounds < _options.IdleRoundsMax) return;

        _pull.NoteMissing(now);
    }

    private void Observe() => _observer?.Invoke(new SyncProgress(
        _report.Rounds, _report.ArtifactsSent, _arrivals.Total, _report.BytesSent, _report.BytesReceived, _clone?.Seqno
        ?? 0));
}
