using System.Globalization;
using EdgeSync.Can.Assets;
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
/// <see cref="Replica"/>, about content in <see cref="ContentExchange"/>.
/// </summary>
/// <remarks>
/// Two connected nodes keep equal records: changes are sent to all peers but the one that they came from, and each ping
/// has the sum of all records, so a difference that nothing else has found is compared again.
/// </remarks>
public sealed class SyncNode
{
    private const int KnownMax = 1024;
    private const int HeldMax = 100_000;
    private const int SeekMax = 100_000;
    private const int SeekAgainMax = 1000;

    /// <summary>Of a message that should not have been; keys of a comparison cost an eighth.</summary>
    private const int CostOfOne = 8;

    private static readonly TimeSpan CompareInterval = TimeSpan.FromSeconds(5);

    private readonly ISyncStore _store;
    private readonly EndpointId _self;
    private readonly SyncOptions _options;
    private readonly ProofFactory _prove;
    private readonly Prng _prng;
    private readonly Replica _replica;
    private readonly PeerClocks _clocks = new();
    private readonly ProofGate _gate = new();
    private readonly DeletionGuard _peerGuard;
    private readonly DeletionGuard _localGuard;
    private readonly ContentExchange _content;
    private readonly Queue<SyncEffect> _effects = new();
    private readonly SortedDictionary<long, PeerSession> _sessions = [];
    private readonly Dictionary<EndpointId, Contact> _contacts = [];
    private readonly Dictionary<AssetHash, SyncRecord> _held = [];
    private readonly List<AssetHash> _lost = [];
    private readonly List<(AssetHash Key, ulong Token, long SerialMax)> _expiring = [];
    private ulong _token;
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
        (_store, _self, _options, _prng, _prove) = (store, self, options, prng, prove);
        _replica = new Replica(store);
        _content = new ContentExchange(store, options, _effects);
        _peerGuard = new DeletionGuard(options.DeletionsMin, options.DeletionsShare);
        _localGuard = new DeletionGuard(options.DeletionsMin, options.DeletionsShare);
        _replica.Announce(at.Wall, options.Name, self.ToString());
        var lost = new List<AssetHash>();
        foreach (var record in store.Records())
        {
            Learn(at, record);
            if (record is { Kind: RecordKind.Asset, IsPurged: false } && store.IsLost(record.Key)) lost.Add(record.Key);
            else WantIfMissing(record);
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
                    ? Instant.Earlier(session.PingAt, session.HeardAt + _options.SilenceMax)
                    : session.StartedAt + _options.ProofTime;
                deadline = Instant.Earlier(deadline, next);
            }

            if (_sessions.Count < _options.SessionsMax)
            {
                foreach (var contact in _contacts.Values)
                {
                    if (contact.IsIdle) deadline = Instant.Earlier(deadline, contact.DialAt);
                }
            }

            return deadline;
        }
    }

    /// <summary>The records of this store.</summary>
    public Replica Replica => _replica;

    /// <summary>Assets of which the content is not here yet.</summary>
    public int Missing => _content.Missing;

    /// <summary>Whether <see cref="Pause"/> holds.</summary>
    public bool IsPaused => _content.IsPaused;

    public bool TryTake(out SyncEffect effect) => _effects.TryDequeue(out effect!);

    /// <summary>The peers of now, for status.</summary>
    public IEnumerable<PeerStatus> Peers()
    {
        var sum = _replica.Index.FingerprintOf(KeyPrefix.All).Sum;
        return _sessions.Values.Where(s => s is { IsLive: true, IsClosing: false }).Select(s => new PeerStatus(
            s.Id, s.Peer, s.Store!.Value, s.PeerSum == sum && _content.Missing == 0 && s.PeerMissing == 0,
            s.Downloads.Count, s.Uploads.Count, s.PeerMissing));
    }

    // -- changes of users ---------------------------------------------------------------------------------------------

    /// <summary>An asset was added here; its content is in the store.</summary>
    public LocalOutcome Add(
        Moment at, AssetHash hash, long timestampMs, long size,
        IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        var isChanged = _replica.Add(WallOf(at), hash, timestampMs, size, details);
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

        return Local(at, hash, _replica.Edit(WallOf(at), hash, changes));
    }

    /// <summary>An asset is deleted here for good.</summary>
    public LocalOutcome Purge(Moment at, AssetHash hash)
    {
        if (!_replica.TryGet(hash, out var record) || record.IsPurged) return LocalOutcome.Unchanged;
        if (!MayDelete(at)) return LocalOutcome.Stopped;

        return Local(at, hash, _replica.Purge(WallOf(at), hash));
    }

    /// <summary>A store does not come back: deletions are not kept for it any longer.</summary>
    public bool Retire(Moment at, StoreId store)
    {
        var isChanged = _replica.Retire(WallOf(at), store);
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
            default: AnswerHeld(at, isMeant); break;
        }

        Finish(at);
    }

    /// <summary>No content is fetched or sent until <see cref="Resume"/>; records go on.</summary>
    public void Pause(Moment at)
    {
        _content.Pause(_sessions.Values);
        Finish(at);
    }

    public void Resume(Moment at)
    {
        _content.Resume();
        foreach (var session in _sessions.Values) SeekMissing(session, SeekMax);
        Finish(at);
    }

    /// <summary>Bytes per second of content, sent and received together; null: no limit.</summary>
    public void SetLimit(Moment at, long? bytesPerSecond)
    {
        _content.SetLimit(at.Now, bytesPerSecond);
        Finish(at);
    }

    // -- connections --------------------------------------------------------------------------------------------------

    /// <summary>An endpoint with the passphrase was found.</summary>
    public void OnPeerFound(Moment at, EndpointId peer)
    {
        Meet(at, peer);
        Finish(at);
    }

    public void OnDialFailed(Moment at, EndpointId peer)
    {
        if (_contacts.TryGetValue(peer, out var contact)) Postpone(at, contact);
        Finish(at);
    }

    /// <summary>A connection is there; nothing was sent on it yet.</summary>
    /// <param name="at">The time.</param>
    /// <param name="id">Names the session from now on.</param>
    /// <param name="peer">As the handshake proved it.</param>
    /// <param name="isDialler">Whether this side dialled.</param>
    /// <param name="binding">Keying material of the connection; see <see cref="PassphraseProof"/>.</param>
    public void OnConnected(Moment at, long id, EndpointId peer, bool isDialler, ReadOnlySpan<byte> binding)
    {
        if (_contacts.TryGetValue(peer, out var contact))
        {
            contact.IsDialling = false;
            contact.Sessions++;
        }

        var session = new PeerSession(
            id, ++_serial, peer, isDialler, _prove(isDialler, peer, binding), _options, at.Now);
        var unproved = _sessions.Values.Count(s => !s.IsDialler && s.Proof.State == ProofState.Pending);
        _sessions.Add(id, session);
        if (!isDialler && unproved >= _options.UnprovedMax) Close(session, SyncClose.Budget, "too many connections");
        else if (!_gate.MayTry(at.Now, peer)) Close(session, SyncClose.Budget, "too many failed proofs");
        else if (peer == _self) Close(session, SyncClose.Store, "this is the same endpoint");
        else if (!IsDouble(session)) SendProof(session);
        Finish(at);
    }

    /// <summary>Whether the shell may read from a stream: what was read before is dealt with.</summary>
    public bool CanReceive(Instant now, long id, int lane)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return false;
        return lane == 0 ? session.Queue.IsFlowing : _content.CanReceive(now, session, lane);
    }

    /// <summary>Bytes of a stream, cut anywhere.</summary>
    public void Receive(Moment at, long id, int lane, ReadOnlySpan<byte> bytes)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return;

        session.HeardAt = at.Now;
        if (lane == 0) ReceiveControl(at, session, bytes);
        else if (!session.IsLive) Close(session, SyncClose.Protocol, "a stream before the proof");
        else if (_content.Receive(at.Now, session, lane, bytes) is { } fault) Close(session, fault, "content");
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

        Finish(at);
    }

    /// <summary>The peer has ended or reset a stream.</summary>
    public void OnLaneEnded(Moment at, long id, int lane)
    {
        if (_sessions.TryGetValue(id, out var session))
        {
            if (lane == 0) Close(session, SyncClose.Done, "the peer has ended");
            else _content.OnLaneEnded(session, lane);
        }

        Finish(at);
    }

    public void OnClosed(Moment at, long id)
    {
        if (!_sessions.Remove(id, out var session)) return;

        // The confirmation was compared with a guess, and the peer did not come back: one guess.
        if (session is { HasAnswered: true, Proof.State: ProofState.Pending }) _gate.OnFailure(at.Now, session.Peer);
        _content.OnClosed(session);
        if (_contacts.TryGetValue(session.Peer, out var contact))
        {
            contact.Sessions--;
            if (session.IsLive) contact.Failures = 0;
            Postpone(at, contact);
        }

        Finish(at);
    }

    // -- answers to effects -------------------------------------------------------------------------------------------

    /// <summary>A group was read; null when it could not be.</summary>
    public void OnGroupRead(Moment at, long token, ReadOnlyMemory<byte>? bytes)
    {
        _content.OnGroupRead(at.Now, token, bytes);
        Finish(at);
    }

    /// <summary>A group was written, or the disk refused.</summary>
    public void OnGroupWritten(Moment at, long token, bool isWritten)
    {
        _content.OnGroupWritten(token, isWritten);
        Finish(at);
    }

    public void OnCommitted(Moment at, AssetHash hash, CommitOutcome outcome)
    {
        if (_content.OnCommitted(hash, outcome, _sessions.Values) is { } stored)
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
                if (at.Now >= session.StartedAt + _options.ProofTime) Close(session, SyncClose.Timeout, "no proof");
                continue;
            }

            if (at.Now >= session.HeardAt + _options.SilenceMax) Close(session, SyncClose.Timeout, "silent");
            else if (at.Now >= session.PingAt) OnPingTime(at, session);
        }

        foreach (var (peer, contact) in _contacts)
        {
            if (_sessions.Count >= _options.SessionsMax) break;
            if (!contact.IsIdle || at.Now < contact.DialAt) continue;

            contact.IsDialling = true;
            _effects.Enqueue(new SyncEffect.Dial(peer));
        }

        Finish(at);
    }

    private Instant WallOf(Moment at) => _clocks.Correct(at.Wall);

    private LocalOutcome Local(Moment at, AssetHash key, bool isChanged)
    {
        if (isChanged) OnChanged(key, null);
        Finish(at);
        return isChanged ? LocalOutcome.Changed : LocalOutcome.Unchanged;
    }

    private bool MayDelete(Moment at)
    {
        var wasTripped = _localGuard.IsTripped;
        if (_localGuard.Allows(at.Now, _replica.AssetCount)) return true;

        if (!wasTripped) _effects.Enqueue(new SyncEffect.Ask(SyncQuestion.LocalDeletes, 1, _replica.AssetCount));
        return false;
    }

    private void FetchAgain(IReadOnlyList<AssetHash> hashes)
    {
        foreach (var hash in hashes)
        {
            if (!_replica.TryGet(hash, out var record)) continue;

            WantIfMissing(record);
            foreach (var session in _sessions.Values)
            {
                if (session.IsLive) session.Queue.Seek(hash);
            }
        }
    }

    private void AnswerHeld(Moment at, bool isMeant)
    {
        if (isMeant) _peerGuard.Open(at.Now);
        else _peerGuard.Reset();
        foreach (var (key, incoming) in _held)
        {
            if (isMeant)
            {
                if (_replica.Preview(incoming) is { } merged) Accept(at, merged, null);
            }
            else if (_replica.Restore(WallOf(at), incoming)) OnChanged(key, null);
        }

        _held.Clear();
    }

    // All peers but the one that it came from.
    private void OnChanged(AssetHash key, PeerSession? source)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.IsLive && session != source) session.Queue.Record(key);
        }

        if (_replica.TryGet(key, out var record) && record.IsPurged) _content.OnPurged(key, _sessions.Values);
    }

    private void WantIfMissing(SyncRecord record)
    {
        if (record.Kind == RecordKind.Asset && !record.IsPurged && !_store.HasContent(record.Key))
            _content.Want(record.Key, record.Size, record.TimestampMs);
    }

    private void Learn(Moment at, SyncRecord record)
    {
        if (record.Kind == RecordKind.Store && record.Key != SyncRecord.KeyOf(_replica.Id)
            && record[RecordField.Retired] is null
            && EndpointId.TryParse(record[RecordField.Endpoint], out var endpoint)) Meet(at, endpoint);
    }

    private void Meet(Moment at, EndpointId peer)
    {
        if (peer == _self || _contacts.ContainsKey(peer) || _contacts.Count >= KnownMax) return;

        _contacts.Add(
            peer, new Contact { DialAt = at.Now, Sessions = _sessions.Values.Count(s => s.Peer == peer) });
    }

    // Doubling, with some chance so that two that lost each other do not dial in step.
    private void Postpone(Moment at, Contact contact)
    {
        var wait = _options.RedialMin * Math.Pow(2, Math.Min(contact.Failures, 10));
        if (wait > _options.RedialMax) wait = _options.RedialMax;
        contact.Failures++;
        (contact.IsDialling, contact.DialAt) = (false, at.Now + (wait * (0.75 + (_prng.NextDouble() / 2))));
    }

    // Of two connections between the same endpoints the one that the lesser id has dialled stays, as both sides see it.
    private bool IsDouble(PeerSession session)
    {
        foreach (var other in _sessions.Values)
        {
            if (other == session || other.Peer != session.Peer || other.IsClosing) continue;

            // The same side dialled twice: it has lost the first one.
            var isOtherKept = other.IsDialler != session.IsDialler && other.IsDialler == (_self < session.Peer);
            Close(isOtherKept ? session : other, SyncClose.Double, "another connection is kept");
            if (isOtherKept) return true;
        }

        return false;
    }

    private void Close(PeerSession session, SyncClose code, string reason)
    {
        if (session.IsClosing) return;

        session.IsClosing = true;
        _effects.Enqueue(new SyncEffect.Close(session.Id, code, reason));
        if (code is not (SyncClose.Done or SyncClose.Double))
            _effects.Enqueue(new SyncEffect.Report("can.peer_closed", $"{session.Peer.ToShortString()}: {reason}"));
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
                _gate.OnFailure(at.Now, session.Peer);
                Close(session, SyncClose.Passphrase, "another passphrase");
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
                || (message is not null && !OnMessage(at, session, message)))
            {
                Close(session, SyncClose.Protocol, "malformed");
                return;
            }

            if (session.Budget < 0) Close(session, SyncClose.Budget, "too much of no use");
        }
    }

    private bool OnMessage(Moment at, PeerSession session, MirrorMessage message)
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
                if (_store.HasContent(damaged.Hash)) _effects.Enqueue(new SyncEffect.Verify(damaged.Hash));
                return true;
            default: return false;
        }
    }

    private bool OnHello(Moment at, PeerSession session, MirrorMessage.Hello hello)
    {
        if (hello.Store == _replica.Id || _replica.IsRetired(hello.Store))
        {
            Close(session, SyncClose.Store, hello.Store == _replica.Id ? "the same store" : "a retired store");
            return true;
        }

        session.Store = hello.Store;
        _effects.Enqueue(new SyncEffect.Report("can.peer_connected", $"{session.Peer} {hello.Store}"));
        ObserveClock(at, hello.Store, hello.WallMs);
        if (session.IsDialler) Compare(at, session);
        SeekMissing(session, SeekMax);
        return true;
    }

    private void ObserveClock(Moment at, StoreId store, long wallMs)
    {
        if (_clocks.Observe(store, at.Wall, Instant.FromUnixMilliseconds(wallMs)))
        {
            _effects.Enqueue(new SyncEffect.Report(
                "can.clock_corrected", _clocks.Correction.ToString("c", CultureInfo.InvariantCulture)));
        }
    }

    private void Compare(Moment at, PeerSession session)
    {
        session.ComparedAt = at.Now;
        session.Queue.ResetOverflow();
        session.Queue.Claim(Reconciliation.Begin(_replica.Index));
    }

    private void SeekMissing(PeerSession session, int countMax)
    {
        if (!session.IsLive || _content.IsPaused) return;
        foreach (var hash in _content.Unoffered(session).Take(countMax)) session.Queue.Seek(hash);
    }

    private void OnRanges(PeerSession session, IReadOnlyList<RangeClaim> claims)
    {
        foreach (var claim in claims)
            session.Charge(CostOfOne + (claim is RangeClaim.Keys keys ? keys.Entries.Count : 0));
        var outcome = Reconciliation.Answer(_replica.Index, claims);
        foreach (var claim in outcome.Claims) session.Queue.Claim(claim);
        foreach (var key in outcome.Get) session.Queue.Get(key);
        foreach (var key in outcome.Send) session.Queue.Record(key);
        foreach (var offer in outcome.Offers)
        {
            foreach (var (key, _) in _replica.Index.EntriesOf(offer)) session.Queue.Record(key);
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
                    if (_replica.Index.TryGet(hash, out _)) session.Queue.Record(hash);
                    break;
                case MirrorFrame.Seek: session.Queue.Sought(hash, _store.HasContent(hash)); break;
                default:
                    if (!_content.Offer(session, hash)) session.Charge(CostOfOne);
                    break;
            }
        }
    }

    private void OnRecord(Moment at, PeerSession session, SyncRecord incoming, bool hasContent)
    {
        if (incoming.Kind == RecordKind.Asset && _content.Missing >= _options.MissingMax
            && !_replica.Index.TryGet(incoming.Key, out _))
        {
            session.Charge(CostOfOne);
            return;
        }

        if (_replica.Preview(incoming) is not { } merged) OnKnown(session, incoming);
        else if (IsHeld(at, merged, incoming)) session.Charge(1);
        else
        {
            session.Charge(-CostOfOne);
            Accept(at, merged, session);
            // Both had what the other lacked.
            if (merged.Digest != incoming.Digest) session.Queue.Record(incoming.Key);
        }

        if (hasContent) _content.Offer(session, incoming.Key);
    }

    private void OnKnown(PeerSession session, SyncRecord incoming)
    {
        session.Charge(1);
        // The peer's is older than what is here: it gets this one.
        if (_replica.Index.TryGet(incoming.Key, out var digest) && digest != incoming.Digest
            && _replica.TryGet(incoming.Key, out var own) && own.Kind == incoming.Kind)
            session.Queue.Record(incoming.Key);
    }

    private void Accept(Moment at, SyncRecord merged, PeerSession? source)
    {
        _replica.Accept(WallOf(at), merged);
        Learn(at, merged);
        WantIfMissing(merged);
        OnChanged(merged.Key, source);
    }

    // A deletion of something that is here counts; beyond the limit it waits for a person.
    private bool IsHeld(Moment at, SyncRecord merged, SyncRecord incoming)
    {
        if (merged.Kind != RecordKind.Asset || !_store.HasContent(merged.Key)
            || !_replica.TryGet(merged.Key, out var own)
            || !((merged.IsPurged && !own.IsPurged) || (merged.IsTrashed && !own.IsTrashed))) return false;

        if (_held.ContainsKey(merged.Key) || !_peerGuard.Allows(at.Now, _replica.AssetCount))
        {
            if (_held.Count == 0)
                _effects.Enqueue(new SyncEffect.Ask(SyncQuestion.PeerDeletes, 1, _replica.AssetCount));
            if (_held.TryGetValue(merged.Key, out var before)) incoming = SyncRecord.Merge(before, incoming);
            if (_held.Count < HeldMax) _held[merged.Key] = incoming;
            return true;
        }

        return false;
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

        var isDifferent = ping.Sum != _replica.Index.FingerprintOf(KeyPrefix.All).Sum || session.Queue.HasOverflowed;
        if (session.IsDialler && isDifferent && session.Queue.IsIdle && at.Now - session.ComparedAt >= CompareInterval)
            Compare(at, session);
    }

    private void OnPingTime(Moment at, PeerSession session)
    {
        session.PingAt = at.Now + _options.PingInterval;
        session.Charge(-CostOfOne * (_options.BudgetRefill + (_replica.Index.Count / CostOfOne)));
        SendPing(at, session, ++_token);
        if (session.Offers.Count == 0) SeekMissing(session, SeekAgainMax);
    }

    private void SendPing(Moment at, PeerSession session, ulong token)
    {
        session.PingToken = token;
        session.Queue.Say(PingOf(at, token, isAnswer: false));
    }

    private MirrorMessage.Ping PingOf(Moment at, ulong token, bool isAnswer) => new(
        isAnswer, token, Math.Max(0, at.Wall.UnixMilliseconds), _replica.Index.FingerprintOf(KeyPrefix.All).Sum,
        _content.Missing);

    // The end of each step: deletions that all have, messages, fetches.
    private void Finish(Moment at)
    {
        Expire(at);
        _content.BeginStep();
        foreach (var session in _sessions.Values)
        {
            if (session.IsClosing || session.Proof.State != ProofState.Proved) continue;

            if (session.IsLive) _content.Pump(at.Now, session);
            while (session.Queue.TryTake(_store, out var frame))
                _effects.Enqueue(new SyncEffect.Send(session.Id, 0, frame));
        }
    }

    // A deletion that every store has is forgotten when each connection of now has answered a ping, or is closed: a
    // record that was sent before its sender had the deletion has come by then.
    private void Expire(Moment at)
    {
        var isAny = false;
        while (_replica.TryTakeSettled(out var key))
        {
            if (!isAny) _token++;
            isAny = true;
            _expiring.Add((key, _token, _serial));
        }

        if (isAny)
        {
            foreach (var session in _sessions.Values)
            {
                if (session is { IsLive: true, IsClosing: false }) SendPing(at, session, _token);
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

    /// <summary>An endpoint that may be dialled.</summary>
    private sealed class Contact
    {
        public Instant DialAt { get; set; }

        public int Failures { get; set; }

        public bool IsDialling { get; set; }

        /// <summary>Connections with it.</summary>
        public int Sessions { get; set; }

        public bool IsIdle => !IsDialling && Sessions == 0;
    }
}

/// <summary>A peer, as status shows it.</summary>
/// <param name="Session">As the shell named it.</param>
/// <param name="Peer">The endpoint.</param>
/// <param name="Store">The store.</param>
/// <param name="IsInSync">Records are equal, and no content is missing on either side.</param>
/// <param name="Downloads">Assets that are being fetched from it.</param>
/// <param name="Uploads">Assets that are being sent to it.</param>
/// <param name="Missing">Assets of which it lacks the content.</param>
public sealed record PeerStatus(
    long Session, EndpointId Peer, StoreId Store, bool IsInSync, int Downloads, int Uploads, long Missing);
