using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Acknowledgements, loss and probe timeouts over all packet-number spaces. Spec: RFC 9002 §5, §6, appendix A;
/// draft-ietf-quic-multipath §5.
/// </summary>
internal sealed class LossDetector(ConnectionState state)
{
    private const ulong PacketThreshold = 3;
    private const int PersistentCongestionPtos = 3;

    /// <summary>
    /// Probe timeouts of a connection that is up grow no further, so that a broken link heals soon; still less when
    /// silence ends the path soon.
    /// </summary>
    private static readonly TimeSpan PtoMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PtoMaxOfShortIdle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortIdle = TimeSpan.FromSeconds(25);

    /// <summary>Takes an ACK or PATH_ACK frame.</summary>
    /// <param name="space">Of the packets that it is about.</param>
    public QuicError? OnAck(Instant now, PacketSpace space, in Frame frame)
    {
        var ack = frame.Ack;
        if (ack.Largest >= space.Sent.Next)
            return QuicError.Violation(frame.Type, "acknowledges a packet that was not sent");

        var isNewest = space.LargestAcked is null || ack.Largest > space.LargestAcked;
        if (isNewest) space.LargestAcked = ack.Largest;
        var (any, anyEliciting, anyEct) = (false, false, 0UL);
        Instant? largestSentAt = null;
        foreach (var (smallest, largest) in ack)
        {
            for (var number = Math.Max(smallest, space.Sent.First); number <= largest; number++)
            {
                ref var packet = ref space.Sent[number];
                if (packet.State != SentState.Outstanding) continue;
                any = true;
                anyEliciting |= packet.IsAckEliciting;
                if (packet.IsEct0) anyEct++;
                if (packet.RouteId == space.Path.Route.Id) space.OnAckedOnRoute(packet.RouteId, number);
                if (number == ack.Largest && packet.RouteId >= 0) largestSentAt = packet.SentAt;
                OnPacketAcked(now, space, ref packet);
            }
        }

        if (!any) return null;
        if (anyEliciting && largestSentAt is { } sentAt) AddSample(now - sentAt, ack.Delay, space);
        if (isNewest) CheckEcn(now, space, ack, anyEct, largestSentAt ?? now);
        DetectLost(now, space);
        Trim(space);
        // A server that has not validated the client's address may not have had it all (RFC 9002 §6.2.1).
        if (state.IsServer || space != state.InitialSpace) space.Path.PtoCount = 0;
        return null;
    }

    /// <summary>Notes a packet that was sent.</summary>
    public static void OnSent(PacketSpace space, in SentPacket packet)
    {
        space.Sent.Add(packet);
        if (!packet.IsAckEliciting) return;
        space.ElicitingInFlight++;
        space.LastElicitingSentAt = packet.SentAt;
    }

    /// <summary>The keys of a space are gone: its packets no longer matter (RFC 9002 §6.4).</summary>
    public static void Drop(PacketSpace space)
    {
        while (!space.Sent.IsEmpty)
        {
            ref var packet = ref space.Sent[space.Sent.First];
            if (packet.State == SentState.Outstanding && packet.Bytes > 0)
                space.Path.RouteOf(packet.RouteId)?.Congestion.Forget(packet.Bytes);
            space.Sent.RemoveFirst();
        }

        (space.ElicitingInFlight, space.LossTime, space.LastElicitingSentAt, space.ProbesDue) = (0, null, null, 0);
        space.Path.PtoCount = 0;
    }

    /// <summary>A path does not answer, or is given up: what was sent on it is sent again elsewhere.</summary>
    public void MoveFrom(QuicPath path)
    {
        var space = path.Space;
        for (var number = space.Sent.First; number < space.Sent.Next; number++)
        {
            ref var packet = ref space.Sent[number];
            if (packet.State != SentState.Outstanding) continue;
            packet.State = SentState.Lost;
            if (packet.Bytes > 0) path.RouteOf(packet.RouteId)?.Congestion.Forget(packet.Bytes);
            if (packet.IsMtuProbe) path.RouteOf(packet.RouteId)?.Mtu.OnProbeForgotten();
            Requeue(space, packet);
        }

        (space.ElicitingInFlight, space.LossTime, space.ProbesDue) = (0, null, 0);
        Trim(space);
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline()
    {
        Instant? earliest = null;
        foreach (var path in state.Paths.All)
        {
            var deadline = LossTimeOf(path) ?? PtoDeadline(path)?.At;
            if (deadline is not null && (earliest is null || deadline < earliest)) earliest = deadline;
        }

        return earliest;
    }

    public void OnDeadline(Instant now)
    {
        for (var i = 0; i < state.Paths.All.Count; i++)
        {
            var path = state.Paths.All[i];
            if (DetectOverdue(now, path) || PtoDeadline(path) is not { } pto || pto.At > now) continue;
            path.PtoCount++;
            Probe(pto.Space);
        }
    }

    /// <summary>Looks for losses whose time has come; true when there was any to look for.</summary>
    private bool DetectOverdue(Instant now, QuicPath path)
    {
        var detected = false;
        for (var level = FirstLevelOf(path); level <= EncryptionLevel.OneRtt; level++)
        {
            var space = state.SpaceOf(level, path);
            if (space.LossTime is null || space.LossTime > now) continue;
            DetectLost(now, space);
            Trim(space);
            detected = true;
        }

        return detected;
    }

    private Instant? LossTimeOf(QuicPath path)
    {
        Instant? earliest = null;
        for (var level = FirstLevelOf(path); level <= EncryptionLevel.OneRtt; level++)
        {
            var time = state.SpaceOf(level, path).LossTime;
            if (time is not null && (earliest is null || time < earliest)) earliest = time;
        }

        return earliest;
    }

    /// <summary>The handshake goes on path 0.</summary>
    private static EncryptionLevel FirstLevelOf(QuicPath path) =>
        path.Id == 0 ? EncryptionLevel.Initial : EncryptionLevel.OneRtt;

    /// <summary>Frames of a packet that are to be sent again.</summary>
    private void Requeue(PacketSpace space, in SentPacket packet)
    {
        for (var i = 0UL; i < (ulong)packet.FrameCount; i++)
        {
            var frame = space.Frames[packet.FirstFrame + i];
            switch (frame.Kind)
            {
                case SentKind.Crypto:
                    state.Crypto[(int)state.LevelOf(space)].Send.OnLost(frame.Offset, frame.Length, fin: false);
                    break;
                case SentKind.HandshakeDone: state.NeedsHandshakeDone = true; break;
                case SentKind.MaxData: state.Streams.NeedsMaxData = true; break;
                case SentKind.MaxStreamsBidi: state.Streams.NeedsMaxStreams[0] = true; break;
                case SentKind.MaxStreamsUni: state.Streams.NeedsMaxStreams[1] = true; break;
                case SentKind.NewToken: state.NeedsToken = true; break;
                case SentKind.Ack: break;
                case SentKind.ObservedAddress: AddressReports.OnLost(state.Paths.Find(frame.Offset), frame.Id); break;
                case SentKind.NewConnectionId or SentKind.RetireConnectionId
                    or (>= SentKind.MaxPathId and <= SentKind.RemoveAddress):
                    RequeueOfPaths(frame);
                    break;
                default: state.Streams.OnLost(frame); break;
            }
        }
    }

    private void RequeueOfPaths(in SentFrame frame)
    {
        switch (frame.Kind)
        {
            case SentKind.NewConnectionId: state.Paths.FindIds(frame.Offset)?.Local.OnLost(frame.Id); break;
            case SentKind.RetireConnectionId: state.Paths.FindIds(frame.Offset)?.Remote.OnRetireLost(frame.Id); break;
            case SentKind.MaxPathId: state.Paths.NeedsMaxPathId = true; break;
            case SentKind.PathAbandon: state.Paths.Abandons.Enqueue(((uint)frame.Id, frame.Offset)); break;
            case SentKind.PathStatus:
                if (state.Paths.Find(frame.Id) is { IsAbandoned: false } path) path.NeedsStatus = true;
                break;
            default: state.Nat.OnLost(frame); break;
        }
    }

    private void OnPacketAcked(Instant now, PacketSpace space, ref SentPacket packet)
    {
        packet.State = SentState.Acked;
        if (packet.IsAckEliciting) space.ElicitingInFlight--;
        if (packet.Bytes > 0 && space.Path.RouteOf(packet.RouteId) is { } route)
        {
            var congestion = route.Congestion;
            if (packet.IsMtuProbe)
            {
                route.Mtu.OnProbeAcked(now, packet.Bytes);
                congestion.DatagramBytes = route.Mtu.Current;
            }
            else
            {
                route.Mtu.OnAcked(packet.Bytes);
            }

            congestion.OnAcked(now, packet.Bytes, packet.SentAt, route.Rtt.Smoothed, packet.WasWindowLimited);
        }

        for (var i = 0UL; i < (ulong)packet.FrameCount; i++)
        {
            var frame = space.Frames[packet.FirstFrame + i];
            switch (frame.Kind)
            {
                case SentKind.Ack: AckedSpace(space, frame.Offset)?.OnAckAcked(frame.Id); break;
                case SentKind.PathAbandon:
                    // The peer has received it, so it sends no reset for packets on their way.
                    if (state.Paths.Find(frame.Id) is { } path) path.DrainDeadline ??= now + DrainTime(path);
                    break;
                case SentKind.Crypto:
                    state.Crypto[(int)state.LevelOf(space)].Send.OnAcked(frame.Offset, frame.Length, fin: false);
                    break;
                case SentKind.Stream or SentKind.ResetStream: state.Streams.OnAcked(frame); break;
                default: break;
            }
        }
    }

    /// <summary>How long packets of a path that was given up may still come.</summary>
    public TimeSpan DrainTime(QuicPath path) => path.Route.Rtt.Pto(state.PeerMaxAckDelay) * 3;

    /// <summary>The space whose packets an acknowledgement named, which may have gone on another path.</summary>
    private PacketSpace? AckedSpace(PacketSpace space, ulong pathId) =>
        state.LevelOf(space) == EncryptionLevel.OneRtt ? state.Paths.Find(pathId)?.Space : space;

    private void AddSample(TimeSpan latest, ulong delay, PacketSpace space)
    {
        var ackDelay = TimeSpan.Zero;
        if (state.LevelOf(space) == EncryptionLevel.OneRtt)
        {
            var exponent = (int)state.PeerParameters.AckDelayExponent;
            var microseconds = Math.Min(delay, 1UL << 40) << exponent;
            ackDelay = TimeSpan.FromMicroseconds(Math.Min(microseconds, state.PeerParameters.MaxAckDelay * 1000));
        }

        space.Path.Route.Rtt.Add(latest, ackDelay);
    }

    /// <summary>Marks off ECN when counts do not add up, and takes marks of congestion (RFC 9000 §13.4.2.1).</summary>
    private static void CheckEcn(Instant now, PacketSpace space, in AckFields ack, ulong newlyMarked, Instant sentAt)
    {
        var route = space.Path.Route;
        if (!route.UsesEcn) return;
        var before = space.PeerEcn;
        if (!ack.HasEcn)
        {
            if (newlyMarked > 0) route.UsesEcn = false;
            return;
        }

        var counts = new EcnCounts(ack.Ect0, ack.Ect1, ack.Ce);
        if (counts.Ect0 < before.Ect0 || counts.Ce < before.Ce || counts.Ect1 > before.Ect1
            || counts.Ect0 - before.Ect0 + counts.Ce - before.Ce < newlyMarked)
        {
            route.UsesEcn = false;
            return;
        }

        space.PeerEcn = counts;
        if (counts.Ce > before.Ce) route.Congestion.OnCongestion(now, sentAt);
    }

    private void DetectLost(Instant now, PacketSpace space)
    {
        space.LossTime = null;
        if (space.LargestAcked is not { } largest) return;

        var route = space.Path.Route;
        var lossDelay = route.Rtt.LossDelay();
        Instant? lostAt = null;
        Instant? runStart = null;
        var longestRun = TimeSpan.Zero;
        for (var number = space.Sent.First; number <= largest && number < space.Sent.Next; number++)
        {
            ref var packet = ref space.Sent[number];
            if (packet.State == SentState.Acked) runStart = null;
            if (packet.State != SentState.Outstanding) continue;
            if (space.OvertakenBelow(packet.RouteId, route.Id) is not { } newest || newest <= number) continue;
            var expires = packet.SentAt + lossDelay;
            if (newest - number < PacketThreshold && expires > now)
            {
                if (space.LossTime is null || expires < space.LossTime) space.LossTime = expires;
                continue;
            }

            OnPacketLost(now, space, ref packet);
            if (packet.IsMtuProbe || packet.RouteId != route.Id) continue;
            lostAt = packet.SentAt;
            if (!packet.IsAckEliciting) continue;
            runStart ??= packet.SentAt;
            longestRun = packet.SentAt - runStart.Value > longestRun ? packet.SentAt - runStart.Value : longestRun;
        }

        if (lostAt is not { } latest) return;
        route.Congestion.OnCongestion(now, latest);
        if (route.Rtt.HasSample && longestRun > route.Rtt.Pto(state.PeerMaxAckDelay) * PersistentCongestionPtos)
            route.Congestion.OnPersistentCongestion();
    }

    private void OnPacketLost(Instant now, PacketSpace space, ref SentPacket packet)
    {
        packet.State = SentState.Lost;
        if (packet.IsAckEliciting) space.ElicitingInFlight--;
        if (packet.Bytes > 0 && space.Path.RouteOf(packet.RouteId) is { } route)
        {
            route.Congestion.Forget(packet.Bytes);
            if (packet.IsMtuProbe) route.Mtu.OnProbeLost(now, packet.Bytes);
            else route.Mtu.OnLost(now, packet.Bytes);
        }

        if (!packet.IsMtuProbe && packet.RouteId >= 0)
        {
            state.PacketsLost++;
            space.Path.PacketsLost++;
        }

        Requeue(space, packet);
    }

    /// <summary>Drops the oldest packets that are neither outstanding nor followed by one that is.</summary>
    private static void Trim(PacketSpace space)
    {
        while (!space.Sent.IsEmpty && space.Sent[space.Sent.First].State != SentState.Outstanding)
        {
            var packet = space.Sent[space.Sent.First];
            while (packet.FrameCount > 0 && space.Frames.First < packet.FirstFrame + (ulong)packet.FrameCount)
                space.Frames.RemoveFirst();
            space.Sent.RemoveFirst();
        }
    }

    private (Instant At, PacketSpace Space)? PtoDeadline(QuicPath path)
    {
        if (path.IsAbandoned || state.IsBlocked(path)) return null;
        (Instant At, PacketSpace Space)? earliest = null;
        for (var level = FirstLevelOf(path); level <= EncryptionLevel.OneRtt; level++)
        {
            var space = state.SpaceOf(level, path);
            if (space.ElicitingInFlight == 0 || !state.HasKeys(level)) continue;
            var at = space.LastElicitingSentAt!.Value + Backoff(level, path);
            if (earliest is null || at < earliest.Value.At) earliest = (at, space);
        }

        if (earliest is not null || state.IsServer || state.IsConfirmed) return earliest;

        // The server may be waiting for more bytes of ours before it can send any (RFC 9002 §6.2.2.1).
        var probed = state.HandshakeKeys is not null ? EncryptionLevel.Handshake : EncryptionLevel.Initial;
        return state.HasKeys(probed)
            ? (state.LastActivity + Backoff(probed, path), state.SpaceOf(probed, path))
            : null;
    }

    private TimeSpan Backoff(EncryptionLevel level, QuicPath path)
    {
        var delay = level == EncryptionLevel.OneRtt ? state.PeerMaxAckDelay : TimeSpan.Zero;
        var pto = path.Route.Rtt.Pto(delay);
        var grown = pto * (1 << Math.Min(path.PtoCount, 10));
        if (!state.IsConfirmed) return grown;
        var idle = state.PathIdleOf(path);
        var most = idle > TimeSpan.Zero && idle < ShortIdle ? PtoMaxOfShortIdle : PtoMax;
        return grown <= most ? grown : pto > most ? pto : most;
    }

    /// <summary>
    /// Two packets go out at once, with what was sent first and is not acknowledged (RFC 9002 §6.2.4).
    /// </summary>
    private void Probe(PacketSpace space)
    {
        space.ProbesDue = state.LevelOf(space) == EncryptionLevel.OneRtt ? 2 : 1;
        var requeued = 0;
        for (var number = space.Sent.First; number < space.Sent.Next && requeued < space.ProbesDue; number++)
        {
            ref var packet = ref space.Sent[number];
            if (packet.State != SentState.Outstanding || !packet.IsAckEliciting || packet.IsMtuProbe) continue;
            Requeue(space, packet);
            requeued++;
        }
    }
}
