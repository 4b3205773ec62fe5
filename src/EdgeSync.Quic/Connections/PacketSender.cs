using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Recovery;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Decides which datagram goes out next, and which packets go into it. Spec: RFC 9000 §8, §9, §12.2, §14; RFC 9002
/// §7.
/// </summary>
internal sealed class PacketSender(ConnectionState state)
{
    /// <summary>Answers to addresses without a path, each second: they are larger than challenges.</summary>
    private const int OffPathAnswersMax = 64;

    private readonly PacketBuilder _builder = new(state);
    private readonly FrameFiller _filler = new(state);
    private readonly byte[] _copied = new byte[MtuSearch.Base];
    private Instant? _pacedUntil;
    private int _copiedBytes;
    private int _copiesLeft;
    private Instant _answersSince;
    private int _answers;

    /// <summary>When more can be sent, if pacing holds something back.</summary>
    public Instant? PacedUntil => _pacedUntil;

    /// <summary>Writes the next datagram; false when there is none now.</summary>
    public bool TryWrite(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        _pacedUntil = null;
        datagram = default;
        if (state.Phase == ConnectionPhase.Closing) return TryWriteClose(now, buffer, out datagram);
        if (!state.IsOpen) return false;
        if (TryWriteCopy(buffer, out datagram) || TryWriteElsewhere(now, buffer, out datagram)) return true;

        // Paths without data send little, and should not wait for the one with data.
        foreach (var path in state.Paths.All)
            if (path != state.Path && TryWriteOn(now, path, buffer, out datagram)) return true;
        return TryWriteOn(now, state.Path, buffer, out datagram);
    }

    private bool TryWriteOn(Instant now, QuicPath path, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        if (!path.RemoteIds.HasAny || (path.IsAbandoned && path != state.Path)) return false;
        return TryWriteMtuProbe(now, path, buffer, out datagram) || TryWritePackets(now, path, buffer, out datagram);
    }

    private bool TryWritePackets(Instant now, QuicPath path, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var route = path.Route;
        // Probes go in datagrams that every route carries: it may be the size that does not arrive (RFC 8899 §4.3).
        var isProbing = path.Space.ProbesDue > 0
            || (path.Id == 0 && state.InitialSpace.ProbesDue + state.HandshakeSpace.ProbesDue > 0);
        var sizeMax = isProbing ? MtuSearch.Base : route.Mtu.Current;
        var size = (int)Math.Min(Math.Min(buffer.Length, sizeMax), route.Allowance);
        if (state.IsBlocked(path)) return false;

        var mayElicit = MayElicit(now, path, size);
        var target = buffer[..size];
        var position = 0;
        var last = default(OpenPacket);
        var (hasInitial, hasEliciting, mustPad) = (false, false, false);
        for (var level = path.Id == 0 ? EncryptionLevel.Initial : EncryptionLevel.OneRtt;
            level <= EncryptionLevel.OneRtt; level++)
        {
            if (!state.HasKeys(level)) continue;
            var packet = _builder.Open(target, position, level, path);
            if (packet.End == 0 || !TryFill(now, target, ref packet, mayElicit, ref mustPad)) continue;
            if (last.HasFrames) _builder.Seal(now, target, ref last, route, 0, isMtuProbe: false);
            last = packet;
            position = packet.End;
            hasInitial |= level == EncryptionLevel.Initial;
            hasEliciting |= packet.IsAckEliciting;
        }

        if (!last.HasFrames) return false;
        // Initial packets come in full datagrams: a client's always, a server's when they want an answer (§14.1).
        var padTo = (hasInitial && (!state.IsServer || hasEliciting)) || mustPad ? Math.Min(MtuSearch.Base, size) : 0;
        position = _builder.Seal(now, target, ref last, route, padTo, isMtuProbe: false);
        datagram = Finish(now, path, position);
        Copy(target[..position]);
        return true;
    }

    /// <summary>While no address of the server has answered, all of them get what the first one gets.</summary>
    private void Copy(ReadOnlySpan<byte> datagram)
    {
        if (state.FanOut.Length == 0 || datagram.Length > _copied.Length) return;
        datagram.CopyTo(_copied);
        (_copiedBytes, _copiesLeft) = (datagram.Length, state.FanOut.Length);
    }

    private bool TryWriteCopy(Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        if (_copiesLeft == 0 || state.FanOut.Length == 0) return false;
        _copied.AsSpan(0, _copiedBytes).CopyTo(buffer);
        datagram = new OutgoingDatagram(_copiedBytes, state.FanOut[^_copiesLeft--], EcnMark.NotEct);
        return true;
    }

    /// <summary>Answers to challenges from other addresses, challenges on the route before, probes.</summary>
    private bool TryWriteElsewhere(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        if (state.OneRttKeys is null) return false;
        for (var i = 0; i < state.Responses.Count;)
        {
            var response = state.Responses[i];
            var isUseless = response.Path.IsAbandoned || !response.Path.RemoteIds.HasAny;
            if (!isUseless && response.Tuple == response.Path.Route.Tuple)
            {
                i++;
                continue;
            }

            state.Responses.RemoveAt(i);
            if (isUseless || !MayAnswer(now)) continue;
            WriteResponse(now, buffer, response.Path, response.Tuple, response.Data, out datagram);
            return true;
        }

        foreach (var path in state.Paths.All)
        {
            if (path.Fallback is not { ChallengePending: true } fallback) continue;
            fallback.OnChallengeSent(now, fallback.Rtt.Pto(state.PeerMaxAckDelay));
            WriteSingle(now, buffer, path, fallback.Tuple, pads: true, fallback.Challenge, default, out datagram);
            return true;
        }

        return TryWriteProbe(now, buffer, out datagram);
    }

    /// <summary>An authenticated peer that lies about addresses gets no more than this sent to them.</summary>
    private bool MayAnswer(Instant now)
    {
        if (now - _answersSince > TimeSpan.FromSeconds(1)) (_answersSince, _answers) = (now, 0);
        return ++_answers <= OffPathAnswersMax;
    }

    private void WriteResponse(
        Instant now, Span<byte> buffer, QuicPath path, FourTuple tuple, ulong data, out OutgoingDatagram datagram)
    {
        Span<byte> response = stackalloc byte[8];
        Span<byte> challenge = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(response, data);
        var traverses = state.Nat.IsNegotiated;
        // A client sends a challenge back: an answer proves the address, even of a server that no candidate names.
        var asks = traverses && !state.IsServer && path.RouteByTuple(tuple) is null;
        if (asks) state.Nat.WriteChallenge(tuple.Remote, challenge);
        // Without NAT traversal the answer is no larger than three times what came (RFC 9000 §8.1).
        var pads = traverses || !state.IsServer || path.RouteByTuple(tuple) is { IsValidated: true };
        WriteSingle(now, buffer, path, tuple, pads, asks ? challenge : default, response, out datagram);
    }

    /// <summary>Probes go with the ids and numbers of a path, to an address that is none, and are small.</summary>
    private bool TryWriteProbe(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        if (!state.Path.IsUsable || !state.Nat.TryTakeProbe(out var address)) return false;
        Span<byte> challenge = stackalloc byte[8];
        state.Nat.WriteChallenge(address, challenge);
        WriteSingle(
            now, buffer, state.Path, new FourTuple(default, address), pads: false, challenge, default, out datagram);
        return true;
    }

    private void WriteSingle(
        Instant now, Span<byte> buffer, QuicPath path, FourTuple tuple, bool pads, ReadOnlySpan<byte> challenge,
        ReadOnlySpan<byte> response, out OutgoingDatagram datagram)
    {
        var target = buffer[..Math.Min(buffer.Length, MtuSearch.Base)];
        var packet = _builder.Open(target, 0, EncryptionLevel.OneRtt, path);
        var writer = packet.Continue(target);
        if (!response.IsEmpty) FrameWriter.WritePath(ref writer, FrameType.PathResponse, response);
        if (!challenge.IsEmpty) FrameWriter.WritePath(ref writer, FrameType.PathChallenge, challenge);
        packet.Advance(writer, isAckEliciting: true);
        var route = path.RouteByTuple(tuple);
        var length = _builder.Seal(now, target, ref packet, route, pads ? target.Length : 0, isMtuProbe: false);
        datagram = new OutgoingDatagram(length, tuple, EcnMark.NotEct);
        Count(now, length, path, route);
    }

    private bool TryWriteMtuProbe(Instant now, QuicPath path, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var route = path.Route;
        if (!state.IsConfirmed || !route.IsValidated || path.IsAbandoned) return false;
        var size = route.Mtu.NextProbe(now);
        if (size == 0 || size > buffer.Length || !route.Congestion.CanSend(size)) return false;

        var target = buffer[..size];
        var packet = _builder.Open(target, 0, EncryptionLevel.OneRtt, path);
        var writer = packet.Continue(target);
        FrameWriter.WriteType(ref writer, FrameType.Ping);
        packet.Advance(writer, isAckEliciting: true);
        route.Mtu.OnProbeSent();
        datagram = Finish(now, path, _builder.Seal(now, target, ref packet, route, size, isMtuProbe: true));
        return true;
    }

    private bool TryWriteClose(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var path = state.Path;
        var route = path.Route;
        if (!state.NeedsClose || state.IsBlocked(path)) return false;
        state.NeedsClose = false;
        var target = buffer[..(int)Math.Min(Math.Min(buffer.Length, MtuSearch.Base), route.Allowance)];
        var position = 0;
        var last = default(OpenPacket);
        var hasInitial = false;
        for (var level = EncryptionLevel.Initial; level <= EncryptionLevel.OneRtt; level++)
        {
            if (!state.HasKeys(level)) continue;
            var packet = _builder.Open(target, position, level, path);
            if (packet.End == 0) continue;
            WriteCloseFrame(target, ref packet);
            if (last.HasFrames) _builder.Seal(now, target, ref last, route, 0, isMtuProbe: false);
            last = packet;
            position = packet.End;
            hasInitial |= level == EncryptionLevel.Initial;
        }

        if (!last.HasFrames) return false;
        var padTo = hasInitial && !state.IsServer ? target.Length : 0;
        position = _builder.Seal(now, target, ref last, route, padTo, isMtuProbe: false);
        datagram = Finish(now, path, position);
        return true;
    }

    private void WriteCloseFrame(Span<byte> target, ref OpenPacket packet)
    {
        var reason = state.CloseReason!;
        var writer = packet.Continue(target);
        Span<byte> text = stackalloc byte[128];
        var length = System.Text.Encoding.UTF8.GetByteCount(reason.Text) <= text.Length
            ? System.Text.Encoding.UTF8.GetBytes(reason.Text, text)
            : 0;
        var isApplication = reason.Kind == CloseKind.Local;
        if (isApplication && packet.Level == EncryptionLevel.OneRtt)
            FrameWriter.WriteClose(ref writer, FrameType.ApplicationClose, reason.Code, 0, text[..length]);
        else if (isApplication)
            // An application's code and reason are not sent in packets that are readable by others (RFC 9000 §10.2.3).
            FrameWriter.WriteClose(ref writer, FrameType.ConnectionClose, TransportErrorCode.ApplicationError, 0, []);
        else
            FrameWriter.WriteClose(
                ref writer, FrameType.ConnectionClose, reason.Code, state.BlamedFrameType, text[..length]);
        packet.Advance(writer, isAckEliciting: false);
    }

    private bool MayElicit(Instant now, QuicPath path, int size)
    {
        var route = path.Route;
        if (!route.Congestion.CanSend(size)) return false;
        // Without data there is nothing to spread.
        if (path != state.Path) return true;
        var next = route.Pacer.NextSend(
            now, size, route.Congestion.Window, route.Rtt.Smoothed, route.Congestion.DatagramBytes);
        if (next <= now) return true;
        _pacedUntil = next;
        return false;
    }

    /// <summary>Puts frames into a packet; false when there was none.</summary>
    private bool TryFill(Instant now, Span<byte> target, ref OpenPacket packet, bool mayElicit, ref bool mustPad)
    {
        var (space, path) = (packet.Space, packet.Space.Path);
        var isOneRtt = packet.Level == EncryptionLevel.OneRtt;
        var isMain = path == state.Path;
        var isProbe = space.ProbesDue > 0;
        var empty = packet;
        var isAckDue = WriteAcks(now, target, ref packet, out var hasAcks);

        var wanted = isOneRtt ? _filler.HasOneRttFrames(path, isMain) : HasCrypto(packet.Level);
        if (mayElicit || isProbe)
        {
            // Acknowledgements go first among the packet's frames, so that their arrival is noted first.
            if (hasAcks) NoteAcks(ref packet);
            var writer = packet.Continue(target);
            if (isOneRtt) _filler.FillOneRtt(now, ref writer, ref packet, isMain, ref mustPad);
            else _filler.FillCrypto(ref writer, ref packet);
            if (writer.Position == 0 && (isProbe || (path.NeedsPing && isOneRtt)))
                FrameWriter.WriteType(ref writer, FrameType.Ping);
            packet.Advance(writer, isAckEliciting: true);
            if (packet.IsAckEliciting && isOneRtt) path.NeedsPing = false;
            if (packet.IsAckEliciting && isProbe) space.ProbesDue--;
        }

        if (!packet.IsAckEliciting)
        {
            if (!wanted && isMain) _pacedUntil = null;
            if (!hasAcks || !isAckDue)
            {
                // Nothing but an acknowledgement that can wait. Its record, if any, is the last one, and stays: the
                // next packet begins behind it.
                packet = empty;
                return false;
            }
        }

        if (hasAcks) FinishAcks(packet);
        return packet.HasFrames;
    }

    /// <summary>
    /// Writes the acknowledgements that a packet of a space carries: its own, and on the path with data those of paths
    /// that are given up.
    /// </summary>
    /// <returns>Whether one of them is due.</returns>
    private bool WriteAcks(Instant now, Span<byte> target, ref OpenPacket packet, out bool hasAcks)
    {
        var isDue = false;
        hasAcks = false;
        var writer = packet.Continue(target);
        foreach (var path in state.Paths.All)
        {
            var space = state.SpaceOf(packet.Level, path);
            if (!Acknowledges(packet, space) || (packet.Level != EncryptionLevel.OneRtt && path.Id != 0)) continue;
            uint? pathId = packet.Level == EncryptionLevel.OneRtt && state.Paths.IsMultipath ? path.Id : null;
            var isWritten = FrameWriter.TryWriteAck(
                ref writer, space.ReceivedRanges, AckDelay(now, packet.Level, space),
                space.ReceivedEcn == default ? null : space.ReceivedEcn, pathId);
            hasAcks |= isWritten;
            isDue |= isWritten && space.IsAckDue(now);
        }

        packet.Advance(writer, isAckEliciting: false);
        return isDue;
    }

    private bool Acknowledges(in OpenPacket packet, PacketSpace space)
    {
        if (!space.HasUnacknowledged || !space.HasReceived) return false;
        return space == packet.Space || (packet.Level == EncryptionLevel.OneRtt && packet.Space == state.Path.Space
            && space.Path.IsAbandoned);
    }

    private void NoteAcks(ref OpenPacket packet)
    {
        foreach (var path in state.Paths.All)
        {
            var space = state.SpaceOf(packet.Level, path);
            if (Acknowledges(packet, space))
                packet.Note(new SentFrame(SentKind.Ack, space.ReceivedRanges[^1].End, path.Id));
            if (packet.Level != EncryptionLevel.OneRtt) return;
        }
    }

    private void FinishAcks(in OpenPacket packet)
    {
        foreach (var path in state.Paths.All)
        {
            var space = state.SpaceOf(packet.Level, path);
            if (Acknowledges(packet, space)) space.OnAckSent();
        }
    }

    private static ulong AckDelay(Instant now, EncryptionLevel level, PacketSpace space)
    {
        if (level != EncryptionLevel.OneRtt) return 0;
        const int Exponent = 3;
        return (ulong)Math.Max(0, (now - space.LargestReceivedAt).Ticks / 10) >> Exponent;
    }

    private bool HasCrypto(EncryptionLevel level) => state.Crypto[(int)level].Send.HasPending;

    private OutgoingDatagram Finish(Instant now, QuicPath path, int length)
    {
        var route = path.Route;
        Count(now, length, path, route);
        return new OutgoingDatagram(length, route.Tuple, route.UsesEcn ? EcnMark.Ect0 : EcnMark.NotEct);
    }

    private void Count(Instant now, int length, QuicPath path, Route? route)
    {
        state.BytesSent += length;
        path.BytesSent += length;
        if (route is null) return;
        path.LastSent = now;
        route.BytesSent += length;
    }
}
