using System.Buffers;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// One exchange with a server until both sides have what was requested. Independent of the transport:
/// <code>
///   while (session.TryBuildRequest(now, buffer))          // a decoded message
///   {
///       var reply = post(buffer);                          // or session.OnLost() and once more
///       session.Receive(now, reply);                       // or BeginReply, Feed ..., EndReply while it streams
///   }
///   session.Report
/// </code>
/// A reply is one round of the store: it is committed whole, or nothing of it is. Faults of the peer end the session
/// and stand in the report, never as exceptions. The session keeps the order of rounds and cards; what the cards are
/// about is up to <see cref="ClientArtifacts"/> and the <see cref="IClientExchange"/> parts. Spec: xfer.c client_sync.
/// </summary>
public sealed class ClientSession : IDisposable
{
    private readonly IArtifactStore _store;
    private readonly ClientOptions _options;
    private readonly Entropy _entropy;
    private readonly Action<SyncProgress>? _observer;
    private readonly ArrayBufferWriter<byte> _body = new(4096);
    private readonly ServerMetadata _server = new();
    private readonly RequestBudget _budget;
    private readonly ClientRound _round = new();
    private readonly ClientArtifacts _artifacts;
    private readonly ClientUnversioned _unversioned;
    private readonly ClientReply _reply;
    private readonly IClientExchange[] _exchanges;   // in the order of their cards in a request

    private long _bytesSent;
    private int _idleRounds;
    private bool _requestIsOut;
    private bool _inReply;
    private bool _isDueAgain;
    private bool _isOver;

    public ClientSession(
        IArtifactStore store, ClientOptions options, Entropy entropy, Action<SyncProgress>? observer = null)
    {
        Invariant.Require(
            options.Actions != SyncActions.None || options.ConfigPull is not null || options.ConfigPush != 0);
        (_store, _options, _entropy, _observer) = (store, options, entropy, observer);
        _budget = new RequestBudget(options);
        _artifacts = new ClientArtifacts(store, options);
        _unversioned = new ClientUnversioned(store, options);
        _exchanges = [
            new ClientConfig(store, options), _unversioned,
            new ClientTables(store.Tables, options), new ClientLock(options)];
        _reply = new ClientReply(store, options, _round, _server, _artifacts, _exchanges, () => Observe());
    }

    /// <summary>What happened so far; final once <see cref="TryBuildRequest"/> answers false.</summary>
    public SyncReport Report
    {
        get
        {
            var report = new SyncReport
            {
                Rounds = _round.Number,
                BytesSent = _bytesSent,
                BytesReceived = _reply.BytesReceived,
                Fault = _round.Fault,
            };
            report = _artifacts.AddTo(_server.AddTo(report));
            foreach (var exchange in _exchanges) report = exchange.AddTo(report);
            return report;
        }
    }

    /// <summary>
    /// Writes the next request, decoded. False: the session is over. A request stays due until its reply was received
    /// or <see cref="OnLost"/> reports it lost.
    /// </summary>
    public bool TryBuildRequest(Instant now, IBufferWriter<byte> output)
    {
        Invariant.Require(!_requestIsOut && !_inReply);
        if (_isOver) return false;

        _artifacts.OnTurn(now);
        Invariant.Require(_store.Begin(StoreAccess.Read, now));
        try
        {
            if (_round.Number > 0 && !HasWork())
            {
                _isOver = true;
                return false;
            }

            _isDueAgain = false;
            _body.ResetWrittenCount();
            _artifacts.Prepare(now);
            WriteBody(new XferWriter(_body));
            ClientLogin.Write(_options, _store.ProjectCode, _body.WrittenSpan, output);
            output.Write(_body.WrittenSpan);
            _bytesSent += _body.WrittenCount;
        }
        finally
        {
            _store.Rollback();
            if (_isOver && _round.Fault is null) _artifacts.Finish(now, isStalled: IsStalled);
        }

        _requestIsOut = true;
        _round.AskedAt = now;
        Observe(SyncStep.Request);
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
        (_requestIsOut, _inReply) = (false, true);
        _artifacts.OnTurn(now);
        var canWrite = _store.Begin(StoreAccess.Write, now);
        if (!canWrite) Invariant.Require(_store.Begin(StoreAccess.Read, now));
        _round.Start(now, canWrite);
        _reply.Start();
        _artifacts.OnReplyStart(_round);
    }

    /// <summary>
    /// Takes the cards that are whole from the front of <paramref name="input"/>; the rest, from
    /// <paramref name="consumed"/> on, has to be given again together with what follows. After a fault everything is
    /// swallowed.
    /// </summary>
    public void Feed(ReadOnlySequence<byte> input, bool isFinal, out SequencePosition consumed)
    {
        Invariant.Require(_inReply);
        _reply.Feed(input, isFinal, out consumed);
    }

    /// <summary>The reply is complete: commits the round, or takes it back, and decides how to go on.</summary>
    public void EndReply()
    {
        Invariant.Require(_inReply);
        _inReply = false;
        var isCommitted = false;
        try
        {
            if (_round.Fault is null) _artifacts.Link(_round);
            if (_round.Fault is null) ConcludeRound();
            if (_round.Fault is null && _round.CanWrite)
            {
                isCommitted = true;
                Commit();
            }
        }
        finally
        {
            if (!isCommitted) _store.Rollback();
        }

        _isOver |= _round.Fault is not null;
        if (_isOver) _artifacts.ReleaseClaims();
        Observe(SyncStep.Reply);
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
        ForgetRequest();
        if (tooLarge) _budget.Shrink();
    }

    /// <summary>
    /// A reply of which only the front has come, decoded: artifacts that are whole are kept, so that the next request
    /// requests the rest alone, and a link that breaks again and again brings everything in the end. True if anything
    /// was.
    /// </summary>
    public bool ReceiveFront(Instant now, ReadOnlyMemory<byte> front)
    {
        BeginReply(now);
        Feed(new ReadOnlySequence<byte>(front), isFinal: false, out _);
        if (!_round.CanWrite || _round.IsOver || _artifacts.IsClone
            || (_artifacts.ReceivedInReply == 0 && !_round.HasProgress))
        {
            // A clone requests by position, not by name, so it discards a part of a round.
            OnLost();
            _isOver |= _round.Fault is not null;
            return false;
        }

        _artifacts.Link(_round);
        Commit();
        (_inReply, _isOver) = (false, _round.Fault is not null);
        ForgetRequest();
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
        _artifacts.ReleaseClaims();
        _reply.Dispose();
    }

    private bool IsStalled => _idleRounds >= _options.IdleRoundsMax;

    private bool HasWork()
    {
        if (_round.Fault is not null || IsStalled) return false;
        if (_isDueAgain) return true;

        foreach (var exchange in _exchanges)
            if (exchange.HasWork)
                return true;
        return _artifacts.HasWork();
    }

    private void WriteBody(XferWriter writer)
    {
        var budget = _budget.Next();
        var isFirst = _round.Number == 0;
        _options.Version.Write(writer, "client-version"u8);
        _artifacts.WriteProject(writer, isFirst);
        if (_store.Config.Get("cookie") is { Length: > 0 } cookie) writer.Cookie(cookie);
        _artifacts.Write(writer, _server.Version, budget, roundsDone: _round.Number);
        var request = new ClientRequest(
            budget, isFirst && _artifacts.IsClone, !_artifacts.PushRefused, _artifacts.AsksAsClone);
        foreach (var exchange in _exchanges) exchange.Write(writer, request);
        ClientLogin.WriteRandom(_entropy, writer);
    }

    private void ConcludeRound()
    {
        if (_round.IsOver)
        {
            // An error that only narrows the session: the request is due again without what was refused.
            foreach (var exchange in _exchanges) exchange.OnLost();
            _isDueAgain = true;
            return;
        }

        foreach (var exchange in _exchanges) exchange.OnReplyEnd();
        _artifacts.OnReplyEnd(_round, _server.Version);
        _budget.Grow();
        _idleRounds = _round.HasProgress ? 0 : _idleRounds + 1;
        if (_round is { CanWrite: true, Fault: null } && _artifacts.Pushes && !HasWork())
            _artifacts.NoteEnd(_round.AnsweredAt);
    }

    private void Commit()
    {
        if (!_store.TryCommit(out var fault))
            _round.Fail(SyncFaultKind.DamagedArtifact, ArtifactCard.TextOf(fault.Outcome, fault.Id));
    }

    private void ForgetRequest()
    {
        _artifacts.OnLost();
        foreach (var exchange in _exchanges) exchange.OnLost();
    }

    private void Observe(SyncStep step = SyncStep.Arrival) => _observer?.Invoke(
        new SyncProgress(
            _round.Number, _artifacts.Sent, _artifacts.Received, _bytesSent, _reply.BytesReceived,
            _artifacts.CloneSeqno)
        {
            Step = step,
            UnversionedSent = _unversioned.Sent,
            UnversionedReceived = _unversioned.Received,
        });
}
