using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Compat;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>What became of a change that a user made.</summary>
public enum LocalOutcome
{
    Unchanged,
    Changed,

    /// <summary>It is one deletion too many (<see cref="DeletionGuard"/>): nothing was done.</summary>
    Stopped,
}

/// <summary>
/// One store of a mirror: connects to the others, proves the passphrase, compares records, fetches content. A state
/// machine: time, bytes and changes of users in, effects out. What is decided about records is in
/// <see cref="Replica"/>, about content in <see cref="ContentExchange"/>, about messages in
/// <see cref="ControlExchange"/>.
/// </summary>
/// <remarks>
/// Two connected nodes keep equal records: changes are sent to all peers but the one that they came from, and each ping
/// has the sum of all records, so a difference that nothing else has found is compared again.
/// </remarks>
public sealed class SyncNode
{
    private readonly ISyncStore _store;
    private readonly EndpointId _self;
    private readonly SyncOptions _options;
    private readonly ProofFactory _prove;
    private readonly Replica _replica;
    private readonly ProofGate _gate = new();
    private readonly DeletionGuard _localGuard;
    private readonly ContentExchange _content;
    private readonly Contacts _contacts;
    private readonly RecordIntake _intake;
    private readonly ControlExchange _control;
    private readonly CompatPeers _compat;
    private readonly CompatIntake _compatIntake;
    private readonly CompatSender _compatSender;
    private readonly Queue<SyncEffect> _effects = new();
    private readonly SortedDictionary<long, PeerSession> _sessions = [];
    private readonly List<AssetHash> _lost = [];
    private readonly List<(AssetHash Key, ulong Token, long SerialMax)> _expiring = [];
    private (UInt128 Sum, int Missing) _state;
    private long _serial;

    /// <param name="store">The records and what is here of the content.</param>
    /// <param name="keys">Of the passphrase.</param>
    /// <param name="self">This endpoint.</param>
    /// <param name="options">Limits and intervals.</param>
    /// <param name="entropy">For proofs.</param>
    /// <param name="prng">For waiting times.</param>
    /// <param name="at">The time.</param>
    public SyncNode(
        ISyncStore store, SyncKeys keys, EndpointId self, SyncOptions options, Entropy entropy, Prng prng, Moment at)
        : this(
            store, self, options, prng, at,
            (isDialler, peer, binding) => new PassphraseProof(isDialler, keys, self, peer, binding, entropy))
    {
    }

    internal SyncNode(
        ISyncStore store, EndpointId self, SyncOptions options, Prng prng, Moment at, ProofFactory prove)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_store, _self, _options, _prove) = (store, self, options, prove);
        _replica = new Replica(store);
        var changed = new ChangedAssets();
        _content = new ContentExchange(store, options, changed, _effects);
        _contacts = new Contacts(self, options, prng);
        _intake = new RecordIntake(store, _replica, _content, _contacts, options, _sessions.Values, changed, _effects);
        _control = new ControlExchange(store, _replica, _content, _intake, options, _effects);
        _compatSender = new CompatSender(store, _content, _effects);
        _compatIntake = new CompatIntake(store, _replica, _content, _intake, options, _sessions.Values, _effects);
        _compat = new CompatPeers(store, _content, _compatIntake, _compatSender, options, changed, _effects);
        _localGuard = new DeletionGuard(options.DeletionsMin, options.DeletionsShare);
        _localGuard.Restore(at.Now, store.DeletionCountOf(ofPeers: false));
        _intake.RestoreGuard(at.Now);
        if (_localGuard.IsTripped)
            _effects.Enqueue(new SyncEffect.Ask(SyncQuestion.LocalDeletes, 1, _replica.AssetCount));
        _replica.Announce(at.Wall, options.Name, self.ToString());
        var lost = new List<AssetHash>();
        foreach (var record in store.Records())
        {
            _intake.Learn(at, record);
            if (record is { Kind: RecordKind.Asset, IsPurged: false } && store.IsLost(record.Key)) lost.Add(record.Key);
            else _intake.WantIfMissing(record);
        }

        OnContentLost(at, lost);
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline
    {
        get
        {
            var deadline = _content.Deadline;
            foreach (var session in _sessions.Values)
            {
                if (session.IsClosing) continue;

                var next = session.IsLive
                    ? Instant.Earlier(Instant.Earlier(session.PingAt, session.TellAt), session.SilentAt(_options))
                    : session.StartedAt + _options.ProofTime;
                deadline = Instant.Earlier(deadline, next);
            }

            deadline = Instant.Earlier(deadline, _compat.Deadline);
            return MayDial ? Instant.Earlier(deadline, _contacts.Deadline) : deadline;
        }
    }

    /// <summary>The records of this store.</summary>
    public Replica Replica => _replica;

    /// <summary>Assets of which the content is not here yet.</summary>
    public int Missing => _content.Missing;

    /// <summary>Whether <see cref="Pause"/> holds.</summary>
    public bool IsPaused => _content.IsPaused;

    private bool MayDial => _sessions.Count + _compat.Count < _options.SessionsMax;

    public bool TryTake(out SyncEffect effect) => _effects.TryDequeue(out effect!);

    /// <summary>The peers of now, for status.</summary>
    public IEnumerable<PeerStatus> Peers()
    {
        var sum = _replica.Index.FingerprintOf(KeyPrefix.All).Sum;
        return _sessions.Values.Where(s => s is { IsLive: true, IsClosing: false }).Select(s => new PeerStatus(
            s.Id, s.Peer, s.Store!.Value, s.PeerSum == sum && _content.Missing == 0 && s.PeerMissing == 0,
            s.Downloads.Count, s.Uploads.Count, s.PeerMissing)).Concat(_compat.Status());
    }

    // -- changes of users ---------------------------------------------------------------------------------------------

    /// <summary>An asset was added here; its content is in the store.</summary>
    /// <inheritdoc cref="Records.Replica.Add"/>
    public LocalOutcome Add(
        Moment at, AssetHash hash, long timestampMs, long size, long updatedAtMs,
        IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        var isChanged = _replica.Add(
            _intake.Clocks.Correct(at.Wall), hash, timestampMs, size, updatedAtMs, details);
        _content.OnStored(hash, null, _sessions.Values);
        return Local(at, hash, isChanged);
    }

    /// <summary>Details or the trash state of an asset were changed here.</summary>
    public LocalOutcome Edit(Moment at, AssetHash hash, IReadOnlyList<(RecordField Field, string? Value)> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        if (changes.Any(c => c is { Field: RecordField.Trashed, Value: not null })
            && _replica.TryGet(hash, out var record) && !record.IsTrashed
            && !MayDelete(at)) return LocalOutcome.Stopped;

        return Local(at, hash, _replica.Edit(_intake.Clocks.Correct(at.Wall), hash, changes));
    }

    /// <summary>An asset is deleted here for good.</summary>
    public LocalOutcome Purge(Moment at, AssetHash hash)
    {
        if (!_replica.TryGet(hash, out var record) || record.IsPurged) return LocalOutcome.Unchanged;
        if (!MayDelete(at)) return LocalOutcome.Stopped;

        return Local(at, hash, _replica.Purge(_intake.Clocks.Correct(at.Wall), hash));
    }

    /// <summary>A store does not come back: deletions are not kept for it any longer.</summary>
    public bool Retire(Moment at, StoreId store)
    {
        var isChanged = _replica.Retire(_intake.Clocks.Correct(at.Wall), store);
        Local(at, SyncRecord.KeyOf(store), isChanged);
        return isChanged;
    }

    /// <summary>
    /// Content is not here any longer, or is corrupt: it is fetched again, unless too much is missing.
    /// </summary>
    public void OnContentLost(Moment at, IReadOnlyList<AssetHash> hashes)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        if (_localGuard.AllowsAtOnce(at.Now, hashes.Count, _replica.AssetCount)) FetchAgain(hashes);
        else
        {
            _lost.Clear();
            _lost.AddRange(hashes);
            _effects.Enqueue(new SyncEffect.Ask(SyncQuestion.MissingContent, hashes.Count, _replica.AssetCount));
        }

        Finish(at);
    }

    /// <summary>
    /// Content that was missing is here, by a user; what is known of the asset is in its record.
    /// </summary>
    public void OnContentFound(Moment at, AssetHash hash, long timestampMs, long size)
    {
        _replica.Prove(hash, timestampMs, size);
        _content.OnStored(hash, null, _sessions.Values);
        Finish(at);
    }

    /// <summary>A person has decided.</summary>
    /// <param name="at">The time.</param>
    /// <param name="question">That was asked.</param>
    /// <param name="isMeant">Whether it is to be done.</param>
    public void Answer(Moment at, SyncQuestion question, bool isMeant)
    {
        switch (question)
        {
            case SyncQuestion.MissingContent:
                _localGuard.Reset();
                if (isMeant) FetchAgain(_lost);
                _lost.Clear();
                break;
            case SyncQuestion.LocalDeletes when isMeant: _localGuard.Open(at.Now); break;
            case SyncQuestion.LocalDeletes: _localGuard.Reset(); break;
            default: _intake.Answer(at, isMeant); break;
        }

        _store.SaveDeletionCount(ofPeers: false, _localGuard.State);
        Finish(at);
    }

    /// <summary>No content is fetched or sent until <see cref="Resume"/>; records go on.</summary>
    public void Pause(Moment at)
    {
        _content.Pause(_sessions.Values);
        _compat.Pause();
        Finish(at);
    }

    public void Resume(Moment at)
    {
        _content.Resume();
        foreach (var session in _sessions.Values) _control.SeekMissing(session, ControlExchange.SeekMax);
        Finish(at);
    }

    /// <summary>Bytes per second of content, sent and received together; null: no limit.</summary>
    public void SetLimit(Moment at, long? bytesPerSecond)
    {
        _content.SetLimit(at.Now, bytesPerSecond);
        Finish(at);
    }

    // -- connections --------------------------------------------------------------------------------------------------

    /// <summary>
    /// The endpoints that may speak the original's protocol, which proves nothing of the passphrase (ADR 89); nobody
    /// else gets more than a refusal by it. They are dialled, too.
    /// </summary>
    public void SetOriginals(Moment at, IReadOnlyCollection<EndpointId> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _compat.SetNamed(peers);
        foreach (var peer in peers) _intake.Meet(at, peer);
        Finish(at);
    }

    /// <summary>An endpoint with the passphrase was found.</summary>
    public void OnPeerFound(Moment at, EndpointId peer)
    {
        _intake.Meet(at, peer);
        Finish(at);
    }

    /// <summary>
    /// An endpoint is elsewhere now, so it may have been started again: each connection with it must show within
    /// <see cref="SyncOptions.ProbeTime"/> that it is alive, so that the peer is not missed until it seems silent.
    /// </summary>
    public void OnPeerMoved(Moment at, EndpointId peer)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.Peer != peer || session.IsClosing || !session.IsLive || session.ProbedAt is not null) continue;

            session.ProbedAt = at.Now;
            _control.SendPing(at, session, _control.NextToken());
        }

        OnPeerFound(at, peer);
    }

    public void OnDialFailed(Moment at, EndpointId peer)
    {
        _contacts.OnDialFailed(at.Now, peer);
        Finish(at);
    }

    /// <summary>A connection is there; nothing was sent on it yet.</summary>
    /// <param name="at">The time.</param>
    /// <param name="id">Names the session from now on.</param>
    /// <param name="peer">As the handshake proved it.</param>
    /// <param name="isDialler">Whether this side dialled.</param>
    /// <param name="binding">Keying material of the connection; see <see cref="PassphraseProof"/>.</param>
    /// <param name="source">Whom failed proofs count for (<see cref="ProofGate"/>).</param>
    public void OnConnected(
        Moment at, long id, EndpointId peer, bool isDialler, ReadOnlySpan<byte> binding, string source = "")
    {
        _contacts.OnConnected(peer);
        var session = new PeerSession(
            id, ++_serial, peer, isDialler, _prove(isDialler, peer, binding), _options, at.Now)
        {
            Source = source,
        };
        var unproved = _sessions.Values.Count(s => !s.IsDialler && s.Proof.State == ProofState.Pending);
        _sessions.Add(id, session);
        if (!isDialler && unproved >= _options.UnprovedMax)
            session.Close(_effects, SyncClose.Budget, "too many connections");
        else if (!_gate.MayTry(at.Now, peer, source))
            session.Close(_effects, SyncClose.Budget, "too many failed proofs");
        else if (peer == _self) session.Close(_effects, SyncClose.Store, "this is the same endpoint");
        else if (!IsDouble(session)) SendProof(session);
        Finish(at);
    }

    /// <summary>The same, where the protocol of the connection is the original's.</summary>
    /// <param name="at">The time.</param>
    /// <param name="id">Names the session from now on.</param>
    /// <param name="peer">As the handshake proved it.</param>
    /// <param name="isDialler">Whether this side dialled.</param>
    public void OnOriginalConnected(Moment at, long id, EndpointId peer, bool isDialler)
    {
        _contacts.OnConnected(peer);
        _compat.OnConnected(at.Now, id, _self, peer, isDialler);
        Finish(at);
    }

    /// <summary>Whether the shell may read from a stream: what was read before is dealt with.</summary>
    public bool CanReceive(Instant now, long id, int lane)
    {
        if (_compat.Has(id)) return _compat.CanReceive(now, id, lane);
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return false;
        return lane == 0 ? session.Queue.IsFlowing : _content.CanReceive(now, session, lane);
    }

    /// <summary>Bytes of a stream, cut anywhere.</summary>
    public void Receive(Moment at, long id, int lane, ReadOnlySpan<byte> bytes)
    {
        if (_compat.Has(id))
        {
            _compat.Receive(at, id, lane, bytes);
            Finish(at);
            return;
        }

        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return;

        session.HeardAt = at.Now;
        if (lane == 0) ReceiveControl(at, session, bytes);
        else if (!session.IsLive) session.Close(_effects, SyncClose.Protocol, "a stream before the proof");
        else if (_content.Receive(at.Now, session, lane, bytes) is { } fault) session.Close(_effects, fault, "content");
        Finish(at);
    }

    /// <summary>The connection has taken bytes of a <see cref="SyncEffect.Send"/>.</summary>
    public void OnSent(Moment at, long id, int lane, int bytes)
    {
        if (_sessions.TryGetValue(id, out var session))
        {
            if (lane == 0) session.Queue.OnSent(bytes);
            else ContentExchange.OnSent(session, lane, bytes);
        }
        else _compat.OnSent(at.Now, id, lane, bytes);

        Finish(at);
    }

    /// <summary>The peer has ended or reset a stream.</summary>
    public void OnLaneEnded(Moment at, long id, int lane)
    {
        if (_sessions.TryGetValue(id, out var session))
        {
            if (lane == 0) session.Close(_effects, SyncClose.Done, "the peer has ended");
            else _content.OnLaneEnded(session, lane);
        }
        else _compat.OnLaneEnded(id, lane);

        Finish(at);
    }

    public void OnClosed(Moment at, long id)
    {
        if (_compat.OnClosed(id) is var (peer, wasLive))
        {
            _contacts.OnClosed(at.Now, peer, wasLive);
            Finish(at);
            return;
        }

        if (!_sessions.Remove(id, out var session)) return;

        // The confirmation was compared with a guess, and the peer did not come back: one guess.
        if (session is { HasAnswered: true, Proof.State: ProofState.Pending })
            _gate.OnFailure(at.Now, session.Peer, session.Source);
        _content.OnClosed(session);
        _contacts.OnClosed(at.Now, session.Peer, session.IsLive);
        Finish(at);
    }

    // -- answers to effects -------------------------------------------------------------------------------------------

    /// <summary>A group was read; null when it could not be. The bytes are copied.</summary>
    public void OnGroupRead(Moment at, long token, ReadOnlyMemory<byte>? bytes)
    {
        if (!_compatSender.OnGroupRead(at.Now, token, bytes)) _content.OnGroupRead(at.Now, token, bytes);
        Finish(at);
    }

    /// <summary>A group was written, or the disk refused.</summary>
    public void OnGroupWritten(Moment at, long token, bool isWritten)
    {
        if (!_compatIntake.OnWritten(token, isWritten)) _content.OnGroupWritten(token, isWritten);
        Finish(at);
    }

    public void OnCommitted(Moment at, AssetHash hash, CommitOutcome outcome)
    {
        if (!_compatIntake.OnCommitted(hash, outcome)
            && _content.OnCommitted(hash, outcome, _sessions.Values) is { } stored)
            _replica.Prove(hash, stored.TimestampMs, stored.Size);
        Finish(at);
    }

    public void OnDeadline(Moment at)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.IsClosing) continue;
            if (!session.IsLive)
            {
                if (at.Now >= session.StartedAt + _options.ProofTime)
                    session.Close(_effects, SyncClose.Timeout, "no proof");
                continue;
            }

            if (at.Now >= session.SilentAt(_options)) session.Close(_effects, SyncClose.Timeout, "silent");
            else if (at.Now >= session.PingAt) _control.OnPingTime(at, session);
            else if (at.Now >= session.TellAt) _control.SendPing(at, session, _control.NextToken());
        }

        _compat.OnDeadline(at.Now);
        while (MayDial && _contacts.TryTakeDue(at.Now, out var due))
            _effects.Enqueue(new SyncEffect.Dial(due.Value));

        Finish(at);
    }

    private LocalOutcome Local(Moment at, AssetHash key, bool isChanged)
    {
        if (isChanged) _intake.OnChanged(key, null);
        Finish(at);
        return isChanged ? LocalOutcome.Changed : LocalOutcome.Unchanged;
    }

    private bool MayDelete(Moment at)
    {
        var wasTripped = _localGuard.IsTripped;
        var isAllowed = _localGuard.Allows(at.Now, _replica.AssetCount);
        _store.SaveDeletionCount(ofPeers: false, _localGuard.State);
        if (isAllowed) return true;

        if (!wasTripped) _effects.Enqueue(new SyncEffect.Ask(SyncQuestion.LocalDeletes, 1, _replica.AssetCount));
        return false;
    }

    private void FetchAgain(IReadOnlyList<AssetHash> hashes)
    {
        foreach (var hash in hashes)
        {
            if (!_replica.TryGet(hash, out var record)) continue;

            _intake.WantIfMissing(record);
            foreach (var session in _sessions.Values)
            {
                if (session.IsLive) session.Queue.Seek(hash);
            }
        }
    }

    // Of two connections between the same endpoints the one that the lesser id has dialled stays, as both sides see it.
    private bool IsDouble(PeerSession session)
    {
        foreach (var other in _sessions.Values)
        {
            if (other == session || other.Peer != session.Peer || other.IsClosing) continue;

            // The same side dialled twice: it has lost the first one.
            var isOtherKept = other.IsDialler != session.IsDialler && other.IsDialler == (_self < session.Peer);
            (isOtherKept ? session : other).Close(_effects, SyncClose.Double, "another connection is kept");
            if (isOtherKept) return true;
        }

        return false;
    }

    private void SendProof(PeerSession session)
    {
        while (session.Proof.TryTakeOutput(out var output))
        {
            session.HasAnswered |= !session.IsDialler;
            // Not counted as messages are: 65 bytes at most.
            session.Queue.OnSent(-output.Length);
            _effects.Enqueue(new SyncEffect.Send(session.Id, 0, output));
        }
    }

    private void ReceiveControl(Moment at, PeerSession session, ReadOnlySpan<byte> bytes)
    {
        if (session.Proof.State == ProofState.Pending)
        {
            bytes = bytes[session.Proof.Receive(bytes)..];
            SendProof(session);
            if (session.Proof.State == ProofState.Failed)
            {
                _gate.OnFailure(at.Now, session.Peer, session.Source);
                session.Close(_effects, SyncClose.Passphrase, "another passphrase");
            }

            if (session.Proof.State != ProofState.Proved) return;

            _gate.OnProved(session.Peer);
            session.Queue.Say(new MirrorMessage.Hello(_replica.Id, Math.Max(0, at.Wall.UnixMilliseconds)));
        }

        session.Control.Append(bytes);
        while (!session.IsClosing)
        {
            var status = session.Control.Read(out var type, out var payload);
            if (status == System.Buffers.OperationStatus.NeedMoreData) return;
            if (status == System.Buffers.OperationStatus.InvalidData
                || !MirrorMessage.TryRead(type, payload, out var message)
                || (message is not null && !_control.Receive(at, session, message)))
            {
                session.Close(_effects, SyncClose.Protocol, "malformed");
                return;
            }

            if (session.Budget < 0) session.Close(_effects, SyncClose.Budget, "too much of no use");
        }
    }

    // The end of each step: deletions that all have, messages, fetches.
    private void Finish(Moment at)
    {
        Expire(at);
        var state = (_replica.Index.FingerprintOf(KeyPrefix.All).Sum, _content.Missing);
        var hasChanged = state != _state;
        _state = state;
        _content.BeginStep();
        foreach (var session in _sessions.Values)
        {
            if (session.IsClosing || session.Proof.State != ProofState.Proved) continue;

            if (session.IsLive)
            {
                if (hasChanged) session.TellAt ??= at.Now + _options.TellDelay;
                _content.Pump(at.Now, session);
            }

            while (session.Queue.TryTake(_store, out var frame))
                _effects.Enqueue(new SyncEffect.Send(session.Id, 0, frame));
        }

        _compat.Pump(at.Now);
    }

    // A deletion that every store has is forgotten when each connection of now has answered a ping, or is closed: a
    // record that was sent before its sender had the deletion has come by then.
    private void Expire(Moment at)
    {
        ulong? token = null;
        while (_replica.TryTakeSettled(out var key))
        {
            token ??= _control.NextToken();
            _expiring.Add((key, token.Value, _serial));
        }

        if (token is not null)
        {
            foreach (var session in _sessions.Values)
            {
                if (session is { IsLive: true, IsClosing: false }) _control.SendPing(at, session, token.Value);
            }
        }

        if (_expiring.Count == 0) return;

        _expiring.RemoveAll(e =>
        {
            if (_sessions.Values.Any(s => s.Serial <= e.SerialMax && s.PongToken < e.Token)) return false;

            _replica.Forget(e.Key);
            return true;
        });
    }
}

/// <summary>A peer, as status shows it.</summary>
/// <param name="Session">As the shell named it.</param>
/// <param name="Peer">The endpoint.</param>
/// <param name="Store">The store; null: a peer that speaks the original's protocol, and says nothing of that.</param>
/// <param name="IsInSync">Records are equal, and no content is missing on either side.</param>
/// <param name="Downloads">Assets that are being fetched from it.</param>
/// <param name="Uploads">Assets that are being sent to it.</param>
/// <param name="Missing">Assets of which it lacks the content.</param>
public sealed record PeerStatus(
    long Session, EndpointId Peer, StoreId? Store, bool IsInSync, int Downloads, int Uploads, long Missing);
