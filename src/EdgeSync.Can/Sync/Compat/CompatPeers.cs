using System.Globalization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>
/// The peers that speak the original's protocol: which are connected, what they are told, and when they are given up.
/// What comes of them is in <see cref="CompatIntake"/>, what goes to them in <see cref="CompatSender"/>.
/// <code>
/// dialling side   opens the first stream     HASH_SET, assets, details, DONE       both at once
/// accepting side  answers on that stream     HASH_SET, assets, details, DONE
/// then both       a stream for each batch    assets, details, DONE
/// </code>
/// Spec: can.md §8. The protocol proves nothing of the passphrase, so only endpoints that a user has named get more
/// than a refusal (ADR 89).
/// </summary>
internal sealed class CompatPeers(
    ISyncStore store, ContentExchange content, CompatIntake intake, CompatSender sender, SyncOptions options,
    ChangedAssets changed, Queue<SyncEffect> effects)
{
    private const int CommitsMax = 16;
    private const int PendingMax = 3;

    private readonly SortedDictionary<long, CompatSession> _sessions = [];
    private readonly HashSet<EndpointId> _named = [];

    /// <summary>Connections, also such as are closing.</summary>
    public int Count => _sessions.Count;

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? deadline = null;
            foreach (var session in _sessions.Values)
            {
                if (session.IsClosing) continue;

                deadline = Instant.Earlier(deadline, session.Exchange.Deadline);
                deadline = Instant.Earlier(deadline, session.AgainAt);
                if (session.IsWaiting) deadline = Instant.Earlier(deadline, session.HeardAt + options.CompatSilenceMax);
            }

            return deadline;
        }
    }

    /// <summary>Names the endpoints that may speak this protocol; connections with others are closed.</summary>
    public void SetNamed(IEnumerable<EndpointId> named)
    {
        _named.Clear();
        _named.UnionWith(named);
        foreach (var session in _sessions.Values)
        {
            if (!_named.Contains(session.Peer)) Close(session, SyncClose.Passphrase, "it is not named any longer");
        }
    }

    /// <summary>Whether the connection is one of these.</summary>
    public bool Has(long id) => _sessions.ContainsKey(id);

    public void OnConnected(Instant now, long id, EndpointId self, EndpointId peer, bool isDialler)
    {
        var session = new CompatSession(id, peer, isDialler, now);
        _sessions.Add(id, session);
        if (!_named.Contains(peer)) Close(session, SyncClose.Passphrase, "it is not named in sync_original");
        else if (content.IsPaused) Close(session, SyncClose.Done, "contents are paused");
        else if (peer == self) Close(session, SyncClose.Store, "this is the same endpoint");
        else if (!IsDouble(session, self) && isDialler) Tell(session);
    }

    /// <summary>Whether the shell may read from a stream.</summary>
    public bool CanReceive(Instant now, long id, int lane)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return false;

        var pending = session.Incoming.GetValueOrDefault(lane)?.Arrival?.Pending ?? 0;
        var isOpen = pending < PendingMax && session.Commits < CommitsMax && content.IsOpen(now);
        // Not the peer is waited for.
        if (!isOpen) session.HeardAt = now;
        return isOpen;
    }

    /// <summary>Bytes of a stream, cut anywhere.</summary>
    public void Receive(Moment at, long id, int lane, ReadOnlySpan<byte> bytes)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing) return;

        session.HeardAt = at.Now;
        if (!session.Incoming.TryGetValue(lane, out var incoming))
        {
            // What follows the end of a stream, or comes on a stream that this store has opened for itself.
            if (!session.IsPeerLane(lane))
            {
                session.Charge(1 + (bytes.Length / CompatIntake.BytesPerCost));
                if (session.Budget < 0) Close(session, SyncClose.Budget, "too much of no use");
                return;
            }

            if (!session.IsLive || session.Incoming.Count >= options.UploadsMax)
            {
                Close(session, SyncClose.Protocol, "a stream before its time, or too many");
                return;
            }

            session.Incoming.Add(lane, incoming = new CompatIncoming());
        }

        if (session.Told is null) Tell(session);
        if (session.IsClosing) return;

        while (!session.IsClosing)
        {
            switch (incoming.Reader.Read(ref bytes, out var piece))
            {
                case CompatPart.NeedMore: return;
                case CompatPart.Digest when lane == 0 && !session.HasHeard: Hear(session, incoming.Reader); break;
                case CompatPart.HashSetEnd when lane == 0 && !session.HasHeard: session.HasHeard = true; break;
                case CompatPart.Content when session.HasHeard:
                    content.Take(at.Now, piece.Length);
                    intake.Append(session, incoming, piece);
                    break;
                case CompatPart.Bundle when session.HasHeard: intake.End(session, incoming); break;
                case CompatPart.Meta when session.HasHeard: intake.Apply(at, session, incoming.Reader.Meta!); break;
                case CompatPart.Done when session.HasHeard:
                    EndIncoming(session, lane);
                    return;
                default:
                    Close(session, SyncClose.Protocol, "malformed");
                    return;
            }

            if (session.Budget < 0) Close(session, SyncClose.Budget, "too much of no use");
            else if (session.Mismatches >= CompatIntake.MismatchesMax)
                Close(session, SyncClose.Budget, "content is not what it says");
        }
    }

    public void OnSent(Instant now, long id, int lane, int bytes)
    {
        if (!_sessions.TryGetValue(id, out var session)) return;

        session.HeardAt = now;
        if (session.Outgoing.TryGetValue(lane, out var outgoing)) outgoing.Outstanding -= bytes;
    }

    /// <summary>The peer has ended or reset a stream.</summary>
    public void OnLaneEnded(long id, int lane)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.IsClosing
            || !session.Incoming.ContainsKey(lane)) return;

        // A batch that breaks off is sent again at the next connection; the first stream is the connection.
        if (lane == 0) Close(session, SyncClose.Protocol, "the first stream broke off");
        else EndIncoming(session, lane);
    }

    /// <returns>Whether both had told what they have; null: it is none of these connections.</returns>
    public (EndpointId Peer, bool WasLive)? OnClosed(long id)
    {
        if (!_sessions.Remove(id, out var session)) return null;

        foreach (var incoming in session.Incoming.Values) intake.Drop(incoming);
        session.Dispose();
        return (session.Peer, session.IsLive);
    }

    public void OnDeadline(Instant now)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.AgainAt is { } again && now >= again) ConnectAgain(now, session);
            if (!session.IsWaiting) session.HeardAt = now;
            else if (now >= session.HeardAt + options.CompatSilenceMax) Close(session, SyncClose.Timeout, "silent");
        }
    }

    /// <summary>No content is fetched or sent: then there is nothing left of this protocol.</summary>
    public void Pause()
    {
        foreach (var session in _sessions.Values) Close(session, SyncClose.Done, "contents are paused");
    }

    /// <summary>The end of each step: what has changed here, and what a connection takes.</summary>
    public void Pump(Instant now)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.IsClosing) continue;

            if (!session.IsWaiting) session.HeardAt = now;
            // When the limit lets more pass, what has arrived is read on.
            if (session.Incoming.Count > 0) content.MayPass(now);
            session.Changed.UnionWith(changed.Keys);
            if (session is { HasHeard: true, IsLive: false, Told: not null }) GoLive(session);
            if (session.IsLive) TellChanges(now, session);
            sender.Pump(now, session);
        }

        changed.Clear();
    }

    /// <summary>Those that are connected, for status.</summary>
    public IEnumerable<PeerStatus> Status() =>
        _sessions.Values.Where(s => s is { IsLive: true, IsClosing: false }).Select(s => new PeerStatus(
            s.Id, s.Peer, null, s.IsInSync && content.Missing == 0,
            s.Commits + s.Incoming.Values.Count(i => i.Arrival is not null), s.Outgoing.Count,
            s.Unsent + s.Exchange.LeftOut));

    private void Close(CompatSession session, SyncClose code, string reason)
    {
        if (session.IsClosing) return;

        session.IsClosing = true;
        effects.Enqueue(new SyncEffect.Close(session.Id, code, reason));
        if (code is not (SyncClose.Done or SyncClose.Double))
            effects.Enqueue(new SyncEffect.Report("can.peer_closed", $"{session.Peer.ToShortString()}: {reason}"));
    }

    // Of two connections between the same endpoints the one that the lesser id has dialled stays, as both sides see it.
    private bool IsDouble(CompatSession session, EndpointId self)
    {
        foreach (var other in _sessions.Values)
        {
            if (other == session || other.Peer != session.Peer || other.IsClosing) continue;

            var isOtherKept = other.IsDialler != session.IsDialler && other.IsDialler == (self < session.Peer);
            Close(isOtherKept ? session : other, SyncClose.Double, "another connection is kept");
            if (isOtherKept) return true;
        }

        return false;
    }

    private void Tell(CompatSession session)
    {
        var own = new List<CompatDigest>();
        foreach (var record in store.Records())
        {
            if (sender.DigestOf(record) is { } digest) own.Add(digest);
        }

        foreach (var forgotten in store.ForgottenDeletions()) own.Add(CompatSender.DigestOf(forgotten));
        session.Told = own;
        if (!CompatSender.TrySendHashSet(session, own))
            Close(session, SyncClose.Budget, "there are more assets here than one frame of can-sync/2 holds");
    }

    private void Hear(CompatSession session, CompatReader reader)
    {
        if (++session.Heard > options.CompatHashesMax) Close(session, SyncClose.Budget, "too many hashes");
        else session.Exchange.OnReceived(
            reader.Digest.Hash, reader.Digest.MetaUpdatedAtMs, reader.Digest.IsTrashed);
    }

    private void GoLive(CompatSession session)
    {
        session.IsLive = true;
        var outgoing = session.Outgoing[0];
        foreach (var send in session.Exchange.Begin(session.Told!)) outgoing.Sends.Enqueue(send);
        outgoing.IsEnded = true;
        session.Told = [];
        effects.Enqueue(new SyncEffect.Report("can.peer_connected", $"{session.Peer} {CompatFrames.Protocol}"));
        if (session.Exchange.LeftOut > 0)
        {
            effects.Enqueue(new SyncEffect.Report(
                "can.original_left_out", session.Exchange.LeftOut.ToString(CultureInfo.InvariantCulture)));
        }
    }

    // The protocol has no way to ask for an asset.
    private void ConnectAgain(Instant now, CompatSession session)
    {
        session.AgainAt = null;
        session.Lacking.RemoveWhere(hash => !content.IsWanted(hash));
        if (session.Lacking.Count == 0 && !session.HasRefused) return;

        if (session.IsSettled) Close(session, SyncClose.Done, "contents are missing here");
        else session.AgainAt = now + options.CompatAgainTime;
    }

    private void TellChanges(Instant now, CompatSession session)
    {
        var leftOut = session.Exchange.LeftOut;
        foreach (var key in session.Changed)
        {
            if (sender.DigestOf(key) is { } digest) session.Exchange.OnLocal(now, digest);
            else if (content.IsWanted(key) && session.Exchange.IsKnown(key)) session.Lacking.Add(key);
        }

        if (session.Lacking.Count > 0 || session.HasRefused) session.AgainAt ??= now + options.CompatAgainTime;

        session.Changed.Clear();
        if (session.Exchange.LeftOut > leftOut)
            effects.Enqueue(new SyncEffect.Report(
                "can.original_left_out", session.Exchange.LeftOut.ToString(CultureInfo.InvariantCulture)));
        if (session.Exchange.TakeBatch(now) is not { Count: > 0 } batch) return;

        var outgoing = new CompatOutgoing { IsEnded = true };
        foreach (var send in batch) outgoing.Sends.Enqueue(send);
        session.Outgoing.Add(session.NextLane(), outgoing);
    }

    private void EndIncoming(CompatSession session, int lane)
    {
        session.Incoming.Remove(lane, out var incoming);
        intake.Drop(incoming!);
        // This side of a batch of the peer, on which nothing is sent.
        if (lane != 0) effects.Enqueue(new SyncEffect.EndLane(session.Id, lane, IsAbort: false));
    }
}

/// <summary>Assets whose records or contents have changed in a step.</summary>
internal sealed class ChangedAssets
{
    private readonly HashSet<AssetHash> _keys = [];

    public IReadOnlyCollection<AssetHash> Keys => _keys;

    public void Add(AssetHash key) => _keys.Add(key);

    public void Clear() => _keys.Clear();
}
