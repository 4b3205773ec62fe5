using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Acknowledgements, loss and probe timeouts over all packet-number spaces. Spec: RFC 9002 §5, §6, appendix A.
/// </summary>
internal sealed class LossDetector(ConnectionState state)
{
    private const ulong PacketThreshold = 3;
    private const int PersistentCongestionPtos = 3;

    /// <summary>Probe timeouts of a connection that is up grow no further, so that a broken link heals soon.</summary>
    private static readonly TimeSpan PtoMax = TimeSpan.FromSeconds(2);

    private static readonly EncryptionLevel[] Levels =
        [EncryptionLevel.Initial, EncryptionLevel.Handshake, EncryptionLevel.OneRtt];

    /// <summary>Probe timeouts in a row.</summary>
    public int PtoCount { get; private set; }

    /// <summary>Takes an ACK frame.</summary>
    public QuicError? OnAck(Instant now, EncryptionLevel level, in Frame frame)
    {
        var space = state.SpaceOf(level);
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
                if (number == ack.Largest) largestSentAt = packet.SentAt;
                OnPacketAcked(now, space, ref packet);
            }
        }

        if (!any) return null;
        if (anyEliciting && largestSentAt is { } sentAt) AddSample(now - sentAt, ack.Delay, level);
        if (isNewest) CheckEcn(now, space, ack, anyEct, largestSentAt ?? now);
        DetectLost(now, space);
        Trim(space);
        // A server that has not validated the client's address may not have had it all (RFC 9002 §6.2.1).
        if (state.IsServer || level != EncryptionLevel.Initial) PtoCount = 0;
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
    public void Drop(PacketSpace space)
    {
        while (!space.Sent.IsEmpty)
        {
            ref var packet = ref space.Sent[space.Sent.First];
            if (packet.State == SentState.Outstanding && packet.Bytes > 0)
                state.RouteOf(packet.RouteId)?.Congestion.Forget(packet.Bytes);
            space.Sent.RemoveFirst();
        }

        (space.ElicitingInFlight, space.LossTime, space.LastElicitingSentAt, space.ProbesDue) = (0, null, null, 0);
        PtoCount = 0;
    }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant? Deadline(bool isBlocked)
    {
        Instant? lossTime = null;
        foreach (var level in Levels)
            if (state.SpaceOf(level).LossTime is { } time && (lossTime is null || time < lossTime)) lossTime = time;
        if (lossTime is not null) return lossTime;
        return isBlocked ? null : PtoDeadline()?.At;
    }

    public void OnDeadline(Instant now, bool isBlocked)
    {
        var detected = false;
        foreach (var level in Levels)
        {
            var space = state.SpaceOf(level);
            if (space.LossTime is null || space.LossTime > now) continue;
            DetectLost(now, space);
            Trim(space);
            detected = true;
        }

        if (detected || isBlocked || PtoDeadline() is not { } pto || pto.At > now) return;
        PtoCount++;
        Probe(pto.Level);
    }

    /// <summary>Frames of a packet that are to be sent again.</summary>
    private void Requeue(PacketSpace space, in SentPacket packet)
    {
        for (var i = 0UL; i < (ulong)packet.FrameCount; i++)
        {
            var frame = space.Frames[packet.FirstFrame + i];
            switch (frame.Kind)
            {
                case SentKind.Crypto:
                    state.Crypto[LevelOf(space)].Send.OnLost(frame.Offset, frame.Length, fin: false);
                    break;
                case SentKind.HandshakeDone: state.NeedsHandshakeDone = true; break;
                case SentKind.MaxData: state.Streams.NeedsMaxData = true; break;
                case SentKind.MaxStreamsBidi: state.Streams.NeedsMaxStreams[0] = true; break;
                case SentKind.MaxStreamsUni: state.Streams.NeedsMaxStreams[1] = true; break;
                case SentKind.NewConnectionId: state.Path.LocalIds.OnLost(frame.Id); break;
                case SentKind.RetireConnectionId: state.Path.RemoteIds.OnRetireLost(frame.Id); break;
                case SentKind.Ack: break;
                default: state.Streams.OnLost(frame); break;
            }
        }
    }

    private void OnPacketAcked(Instant now, PacketSpace space, ref SentPacket packet)
    {
        packet.State = SentState.Acked;
        if (packet.IsAckEliciting) space.ElicitingInFlight--;
        if (packet.Bytes > 0 && state.RouteOf(packet.RouteId) is { } route)
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
                case SentKind.Ack: space.OnAckAcked(frame.Id); break;
                case SentKind.Crypto:
                    state.Crypto[LevelOf(space)].Send.OnAcked(frame.Offset, frame.Length, fin: false);
                    break;
                case SentKind.Stream or SentKind.ResetStream: state.Streams.OnAcked(frame); break;
                default: break;
            }
        }
    }

    private int LevelOf(PacketSpace space) => (int)(
        space == state.InitialSpace ? EncryptionLevel.Initial
        : space == state.HandshakeSpace ? EncryptionLevel.Handshake
        : EncryptionLevel.OneRtt);

    private void AddSample(TimeSpan latest, ulong delay, EncryptionLevel level)
    {
        var ackDelay = TimeSpan.Zero;
        if (level == EncryptionLevel.OneRtt)
        {
            var exponent = (int)state.PeerParameters.AckDelayExponent;
            var microseconds = Math.Min(delay, 1UL << 40) << exponent;
            ackDelay = TimeSpan.FromMicroseconds(Math.Min(microseconds, state.PeerParameters.MaxAckDelay * 1000));
        }

        state.Path.Route.Rtt.Add(latest, ackDelay);
    }

    /// <summary>Marks off ECN when counts do not add up, and takes marks of congestion (RFC 9000 §13.4.2.1).</summary>
    private void CheckEcn(Instant now, PacketSpace space, in AckFields ack, ulong newlyMarked, Instant sentAt)
    {
        var route = state.Path.Route;
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

        var route = state.Path.Route;
        var lossDelay = route.Rtt.LossDelay();
        Instant? lostAt = null;
        Instant? runStart = null;
        var longestRun = TimeSpan.Zero;
        for (var number = space.Sent.First; number <= largest && number < space.Sent.Next; number++)
        {
            ref var packet = ref space.Sent[number];
            if (packet.State == SentState.Acked) runStart = null;
            if (packet.State != SentState.Outstanding) continue;
            var expires = packet.SentAt + lossDelay;
            if (largest - number < PacketThreshold && expires > now)
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
        if (packet.Bytes > 0 && state.RouteOf(packet.RouteId) is { } route)
        {
            route.Congestion.Forget(packet.Bytes);
            if (packet.IsMtuProbe) route.Mtu.OnProbeLost(now, packet.Bytes);
            else route.Mtu.OnLost(now, packet.Bytes);
        }

        if (!packet.IsMtuProbe) state.PacketsLost++;
        Requeue(space, packet);
    }

    /// <summary>Forgets the oldest packets that are neither outstanding nor followed by one that is.</summary>
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

    private (Instant At, EncryptionLevel Level)? PtoDeadline()
    {
        (Instant At, EncryptionLevel Level)? earliest = null;
        foreach (var level in Levels)
        {
            var space = state.SpaceOf(level);
            if (space.ElicitingInFlight == 0 || !state.HasKeys(level)) continue;
            var at = space.LastElicitingSentAt!.Value + Backoff(level);
            if (earliest is null || at < earliest.Value.At) earliest = (at, level);
        }

        if (earliest is not null || state.IsServer || state.IsConfirmed) return earliest;

        // The server may be waiting for more bytes of ours before it can send any (RFC 9002 §6.2.2.1).
        var probed = state.HandshakeKeys is not null ? EncryptionLevel.Handshake : EncryptionLevel.Initial;
        return state.HasKeys(probed) ? (state.LastActivity + Backoff(probed), probed) : null;
    }

    private TimeSpan Backoff(EncryptionLevel level)
    {
        var delay = level == EncryptionLevel.OneRtt ? state.PeerMaxAckDelay : TimeSpan.Zero;
        var pto = state.Path.Route.Rtt.Pto(delay);
        var grown = pto * (1 << Math.Min(PtoCount, 10));
        if (!state.IsConfirmed || grown <= PtoMax) return grown;
        return pto > PtoMax ? pto : PtoMax;
    }

    /// <summary>
    /// Two packets go out at once, with what was sent first and is not acknowledged (RFC 9002 §6.2.4).
    /// </summary>
    private void Probe(EncryptionLevel level)
    {
        var space = state.SpaceOf(level);
        space.ProbesDue = level == EncryptionLevel.OneRtt ? 2 : 1;
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
