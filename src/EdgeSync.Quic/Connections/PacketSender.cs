using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Recovery;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Builds datagrams: which packets go into one, which frames into a packet. Spec: RFC 9000 §12.2, §13, §14; RFC 9002
/// §7.
/// </summary>
internal sealed class PacketSender(ConnectionState state, LossDetector loss)
{
    /// <summary>A packet that is being filled.</summary>
    private struct OpenPacket
    {
        public EncryptionLevel Level;
        public int Start;
        public int LengthAt;
        public int NumberAt;
        public int NumberSize;
        public int End;
        public ulong Number;
        public ulong FirstFrame;
        public int FrameCount;
        public bool IsAckEliciting;
        public bool HasFrames;
    }

    /// <summary>Bytes without which no packet is begun.</summary>
    private const int DatagramMin = 128;

    private Instant? _pacedUntil;
    private bool _windowLimited;

    /// <summary>When more can be sent, if pacing holds something back.</summary>
    public Instant? PacedUntil => _pacedUntil;

    /// <summary>The peer's address is not validated, and nothing more may go there (RFC 9000 §8.1).</summary>
    public bool IsBlocked => state.Path.Route.Allowance < DatagramMin;

    /// <summary>Writes the next datagram; false when there is none now.</summary>
    public bool TryWrite(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        _pacedUntil = null;
        datagram = default;
        if (state.Phase == ConnectionPhase.Closing) return TryWriteClose(now, buffer, out datagram);
        if (!state.IsOpen) return false;
        return TryWriteElsewhere(now, buffer, out datagram)
            || TryWriteMtuProbe(now, buffer, out datagram)
            || TryWriteMain(now, buffer, out datagram);
    }

    private bool TryWriteMain(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var route = state.Path.Route;
        // Probes go in datagrams that every route carries: it may be the size that does not arrive (RFC 8899 §4.3).
        var isProbing = state.InitialSpace.ProbesDue + state.HandshakeSpace.ProbesDue + state.Path.Space.ProbesDue > 0;
        var sizeMax = isProbing ? MtuSearch.Base : route.Mtu.Current;
        var size = (int)Math.Min(Math.Min(buffer.Length, sizeMax), route.Allowance);
        if (size < DatagramMin) return false;

        var mayElicit = MayElicit(now, route, size);
        var target = buffer[..size];
        var position = 0;
        var last = default(OpenPacket);
        var (hasInitial, hasEliciting, mustPad) = (false, false, false);
        for (var level = EncryptionLevel.Initial; level <= EncryptionLevel.OneRtt; level++)
        {
            if (!state.HasKeys(level)) continue;
            var packet = Open(target, position, level, state.Path.RemoteIds.Current);
            if (packet.End == 0 || !TryFill(now, target, ref packet, route, mayElicit, ref mustPad)) continue;
            if (last.HasFrames) Seal(now, target, ref last, route, 0, isMtuProbe: false);
            last = packet;
            position = packet.End;
            hasInitial |= level == EncryptionLevel.Initial;
            hasEliciting |= packet.IsAckEliciting;
        }

        if (!last.HasFrames) return false;
        // Initial packets come in full datagrams: a client's always, a server's when they want an answer (§14.1).
        var padTo = (hasInitial && (!state.IsServer || hasEliciting)) || mustPad ? Math.Min(MtuSearch.Base, size) : 0;
        position = Seal(now, target, ref last, route, padTo, isMtuProbe: false);
        datagram = Finish(now, route, position);
        return true;
    }

    /// <summary>Answers to challenges from other addresses, and challenges on the route before.</summary>
    private bool TryWriteElsewhere(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        if (state.OneRttKeys is null) return false;
        if (state.Responses.TryPeek(out var response) && response.Tuple != state.Path.Route.Tuple)
        {
            state.Responses.Dequeue();
            Span<byte> data = stackalloc byte[8];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(data, response.Data);
            return TryWriteSingle(now, buffer, state.RouteByTuple(response.Tuple), FrameType.PathResponse, data,
                response.Tuple, out datagram);
        }

        if (state.Path.Fallback is not { ChallengePending: true } fallback) return false;
        fallback.OnChallengeSent(now, fallback.Rtt.Pto(state.PeerMaxAckDelay));
        return TryWriteSingle(
            now, buffer, fallback, FrameType.PathChallenge, fallback.Challenge, fallback.Tuple, out datagram);
    }

    private bool TryWriteSingle(
        Instant now, Span<byte> buffer, Route? route, ulong type, ReadOnlySpan<byte> data, FourTuple tuple,
        out OutgoingDatagram datagram)
    {
        var target = buffer[..Math.Min(buffer.Length, MtuSearch.Base)];
        var packet = Open(target, 0, EncryptionLevel.OneRtt, state.Path.RemoteIds.Current);
        var writer = Continue(target, packet);
        FrameWriter.WritePath(ref writer, type, data);
        Advance(ref packet, writer, isAckEliciting: true);
        // An answer to an address that is not validated is no larger than three times what came (RFC 9000 §8.1).
        var padTo = route?.IsValidated == true || !state.IsServer ? target.Length : 0;
        var length = Seal(now, target, ref packet, route, padTo, isMtuProbe: false);
        datagram = new OutgoingDatagram(length, tuple, EcnMark.NotEct);
        Count(now, length, route);
        return true;
    }

    private bool TryWriteMtuProbe(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var route = state.Path.Route;
        if (!state.IsConfirmed || !route.IsValidated) return false;
        var size = route.Mtu.NextProbe(now);
        if (size == 0 || size > buffer.Length || !route.Congestion.CanSend(size)) return false;

        var target = buffer[..size];
        var packet = Open(target, 0, EncryptionLevel.OneRtt, state.Path.RemoteIds.Current);
        var writer = Continue(target, packet);
        FrameWriter.WriteType(ref writer, FrameType.Ping);
        Advance(ref packet, writer, isAckEliciting: true);
        route.Mtu.OnProbeSent();
        datagram = Finish(now, route, Seal(now, target, ref packet, route, size, isMtuProbe: true));
        return true;
    }

    private bool TryWriteClose(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        datagram = default;
        var route = state.Path.Route;
        if (!state.NeedsClose || route.Allowance < DatagramMin) return false;
        state.NeedsClose = false;
        var target = buffer[..(int)Math.Min(Math.Min(buffer.Length, MtuSearch.Base), route.Allowance)];
        var position = 0;
        var last = default(OpenPacket);
        var hasInitial = false;
        for (var level = EncryptionLevel.Initial; level <= EncryptionLevel.OneRtt; level++)
        {
            if (!state.HasKeys(level)) continue;
            var packet = Open(target, position, level, state.Path.RemoteIds.Current);
            if (packet.End == 0) continue;
            WriteCloseFrame(target, ref packet);
            if (last.HasFrames) Seal(now, target, ref last, route, 0, isMtuProbe: false);
            last = packet;
            position = packet.End;
            hasInitial |= level == EncryptionLevel.Initial;
        }

        if (!last.HasFrames) return false;
        var padTo = hasInitial && !state.IsServer ? target.Length : 0;
        position = Seal(now, target, ref last, route, padTo, isMtuProbe: false);
        datagram = Finish(now, route, position);
        return true;
    }

    private void WriteCloseFrame(Span<byte> target, ref OpenPacket packet)
    {
        var reason = state.CloseReason!;
        var writer = Continue(target, packet);
        Span<byte> text = stackalloc byte[128];
        var length = System.Text.Encoding.UTF8.GetByteCount(reason.Text) <= text.Length
            ? System.Text.Encoding.UTF8.GetBytes(reason.Text, text)
            : 0;
        var isApplication = reason.Kind == CloseKind.Local;
        if (isApplication && packet.Level == EncryptionLevel.OneRtt)
            FrameWriter.WriteClose(ref writer, FrameType.ApplicationClose, reason.Code, 0, text[..length]);
        else if (isApplication)
            // What an application says is not for packets that anyone could read (RFC 9000 §10.2.3).
            FrameWriter.WriteClose(ref writer, FrameType.ConnectionClose, TransportErrorCode.ApplicationError, 0, []);
        else
            FrameWriter.WriteClose(
                ref writer, FrameType.ConnectionClose, reason.Code, state.BlamedFrameType, text[..length]);
        Advance(ref packet, writer, isAckEliciting: false);
    }

    private bool MayElicit(Instant now, Route route, int size)
    {
        _windowLimited = !route.Congestion.CanSend(size);
        if (_windowLimited) return false;
        var next = route.Pacer.NextSend(
            now, size, route.Congestion.Window, route.Rtt.Smoothed, route.Congestion.DatagramBytes);
        if (next <= now) return true;
        _pacedUntil = next;
        return false;
    }

    /// <summary>Begins a packet behind another one; its <c>End</c> is 0 when there is no room.</summary>
    private OpenPacket Open(Span<byte> target, int position, EncryptionLevel level, in ConnectionId destination)
    {
        var space = state.SpaceOf(level);
        var number = space.Sent.Next;
        var packet = new OpenPacket
        {
            Level = level,
            Start = position,
            Number = number,
            NumberSize = PacketNumbers.SizeOf(number, space.LargestAcked),
            FirstFrame = space.Frames.Next,
        };
        var token = level == EncryptionLevel.Initial ? state.Token : [];
        if (target.Length - position < PacketWriter.LongHeaderMax + token.Length + PacketKeys.TagBytes + 4)
            return packet;

        var writer = new WireWriter(target[position..]);
        if (level == EncryptionLevel.OneRtt)
        {
            PacketWriter.WriteShort(
                ref writer, destination, spin: false, state.OneRttKeys!.Phase, number, packet.NumberSize);
        }
        else
        {
            var type = level == EncryptionLevel.Initial ? PacketType.Initial : PacketType.Handshake;
            packet.LengthAt = position + PacketWriter.WriteLong(
                ref writer, type, destination, state.LocalSource, token, number, packet.NumberSize);
        }

        packet.NumberAt = position + writer.Position - packet.NumberSize;
        packet.End = position + writer.Position + PacketKeys.TagBytes;
        return packet;
    }

    /// <summary>A writer behind what a packet holds, that leaves room for its tag.</summary>
    private static WireWriter Continue(Span<byte> target, in OpenPacket packet) =>
        new(target[(packet.End - PacketKeys.TagBytes)..^PacketKeys.TagBytes]);

    private static void Advance(ref OpenPacket packet, in WireWriter writer, bool isAckEliciting)
    {
        if (writer.Position == 0) return;
        packet.End += writer.Position;
        packet.HasFrames = true;
        packet.IsAckEliciting |= isAckEliciting;
    }

    private void Note(ref OpenPacket packet, in SentFrame frame)
    {
        state.SpaceOf(packet.Level).Frames.Add(frame);
        packet.FrameCount++;
    }

    /// <summary>Puts frames into a packet; false when there was nothing to say.</summary>
    private bool TryFill(
        Instant now, Span<byte> target, ref OpenPacket packet, Route route, bool mayElicit, ref bool mustPad)
    {
        var space = state.SpaceOf(packet.Level);
        var isProbe = space.ProbesDue > 0;
        var empty = packet;
        var hasAck = false;
        var writer = Continue(target, packet);
        if (space is { HasUnacknowledged: true, HasReceived: true })
        {
            hasAck = FrameWriter.TryWriteAck(
                ref writer, space.ReceivedRanges, AckDelay(now, packet.Level, space),
                space.ReceivedEcn == default ? null : space.ReceivedEcn);
            Advance(ref packet, writer, isAckEliciting: false);
        }

        var wanted = packet.Level == EncryptionLevel.OneRtt ? HasOneRttFrames(route) : HasCrypto(packet.Level);
        if (mayElicit || isProbe)
        {
            // The acknowledgement goes first among the packet's frames, so that its arrival is noted first.
            if (hasAck) Note(ref packet, new SentFrame(SentKind.Ack, space.ReceivedRanges[^1].End));
            writer = Continue(target, packet);
            if (packet.Level == EncryptionLevel.OneRtt) FillOneRtt(now, ref writer, ref packet, route, ref mustPad);
            else FillCrypto(ref writer, ref packet);
            if (writer.Position == 0 && (isProbe || (state.NeedsPing && packet.Level == EncryptionLevel.OneRtt)))
                FrameWriter.WriteType(ref writer, FrameType.Ping);
            Advance(ref packet, writer, isAckEliciting: true);
            if (packet.IsAckEliciting && packet.Level == EncryptionLevel.OneRtt) state.NeedsPing = false;
            if (packet.IsAckEliciting && isProbe) space.ProbesDue--;
        }
        else if (!wanted)
        {
            _pacedUntil = null;
        }

        if (!packet.IsAckEliciting)
        {
            if (!wanted) _pacedUntil = null;
            if (!hasAck || !space.IsAckDue(now))
            {
                // Nothing but an acknowledgement that can wait. Its record, if any, is the last one, and stays: the
                // next packet begins behind it.
                packet = empty;
                return false;
            }
        }

        if (hasAck) space.OnAckSent();
        return packet.HasFrames;
    }

    private static ulong AckDelay(Instant now, EncryptionLevel level, PacketSpace space)
    {
        if (level != EncryptionLevel.OneRtt) return 0;
        const int Exponent = 3;
        return (ulong)Math.Max(0, (now - space.LargestReceivedAt).Ticks / 10) >> Exponent;
    }

    private bool HasCrypto(EncryptionLevel level) => state.Crypto[(int)level].Send.HasPending;

    private bool HasOneRttFrames(Route route) =>
        state.NeedsHandshakeDone || state.NeedsPing || route.ChallengePending || state.Responses.Count > 0
        || state.Path.LocalIds.HasPending || state.Path.RemoteIds.HasRetiring || state.Streams.NeedsMaxData
        || state.Streams.NeedsMaxStreams[0] || state.Streams.NeedsMaxStreams[1] || state.Streams.HasControl
        || !state.DatagramsOut.IsEmpty || state.Streams.HasData;

    private void FillCrypto(ref WireWriter writer, ref OpenPacket packet)
    {
        var send = state.Crypto[(int)packet.Level].Send;
        while (send.TryPeek(ulong.MaxValue, out var offset, out var available, out _))
        {
            var room = writer.Remaining - FrameWriter.SizeOfCrypto(offset, writer.Remaining);
            if (room <= 0) return;
            var length = (int)Math.Min((ulong)room, available);
            FrameWriter.WriteCrypto(ref writer, offset, length);
            send.Read(offset, writer.Take(length));
            send.OnSent(offset, length);
            Note(ref packet, new SentFrame(SentKind.Crypto, 0, offset, length));
        }
    }

    private void FillOneRtt(Instant now, ref WireWriter writer, ref OpenPacket packet, Route route, ref bool mustPad)
    {
        if (route.ChallengePending && writer.Remaining >= FrameWriter.PathFrameSize)
        {
            FrameWriter.WritePath(ref writer, FrameType.PathChallenge, route.Challenge);
            route.OnChallengeSent(now, route.Rtt.Pto(state.PeerMaxAckDelay));
            mustPad = true;
        }

        Span<byte> data = stackalloc byte[8];
        while (state.Responses.TryPeek(out var response) && response.Tuple == route.Tuple
            && writer.Remaining >= FrameWriter.PathFrameSize)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(data, response.Data);
            FrameWriter.WritePath(ref writer, FrameType.PathResponse, data);
            state.Responses.Dequeue();
            mustPad = true;
        }

        if (state.NeedsHandshakeDone && writer.Remaining > 0)
        {
            FrameWriter.WriteType(ref writer, FrameType.HandshakeDone);
            Note(ref packet, new SentFrame(SentKind.HandshakeDone));
            state.NeedsHandshakeDone = false;
        }

        FillIds(ref writer, ref packet);
        FillLimits(ref writer, ref packet);
        FillDatagrams(ref writer);
        FillStreams(ref writer, ref packet);
    }

    private void FillIds(ref WireWriter writer, ref OpenPacket packet)
    {
        var ids = state.Path.LocalIds;
        Span<byte> token = stackalloc byte[TransportParameters.ResetTokenBytes];
        while (ids.TryPeekPending(out var id)
            && writer.Remaining >= FrameWriter.SizeOfNewConnectionId(id.Sequence, 0, id.Id))
        {
            ids.TakePending();
            ids.WriteToken(id.Id, token);
            FrameWriter.WriteNewConnectionId(ref writer, id.Sequence, 0, id.Id, token);
            Note(ref packet, new SentFrame(SentKind.NewConnectionId, id.Sequence));
        }

        while (state.Path.RemoteIds.HasRetiring && writer.Remaining >= FrameWriter.SmallMax)
        {
            var sequence = state.Path.RemoteIds.TakeRetiring();
            FrameWriter.WriteValue(ref writer, FrameType.RetireConnectionId, sequence);
            Note(ref packet, new SentFrame(SentKind.RetireConnectionId, sequence));
        }
    }

    private void FillLimits(ref WireWriter writer, ref OpenPacket packet)
    {
        var streams = state.Streams;
        if (streams.NeedsMaxData && writer.Remaining >= FrameWriter.SmallMax)
        {
            FrameWriter.WriteValue(ref writer, FrameType.MaxData, streams.ReceiveLimit);
            Note(ref packet, new SentFrame(SentKind.MaxData));
            streams.NeedsMaxData = false;
        }

        for (var direction = 0; direction < 2; direction++)
        {
            if (!streams.NeedsMaxStreams[direction] || writer.Remaining < FrameWriter.SmallMax) continue;
            var type = direction == 0 ? FrameType.MaxStreamsBidi : FrameType.MaxStreamsUni;
            FrameWriter.WriteValue(ref writer, type, streams.AcceptLimit(direction));
            Note(ref packet, new SentFrame(direction == 0 ? SentKind.MaxStreamsBidi : SentKind.MaxStreamsUni));
            streams.NeedsMaxStreams[direction] = false;
        }

        while (streams.HasControl && writer.Remaining >= 3 * FrameWriter.SmallMax
            && streams.TryTakeControl(out var stream))
            WriteControl(ref writer, ref packet, stream);
    }

    private void WriteControl(ref WireWriter writer, ref OpenPacket packet, QuicStream stream)
    {
        if (stream is { NeedsReset: true, Send: { } send })
        {
            stream.NeedsReset = false;
            FrameWriter.WriteResetStream(ref writer, stream.Id, stream.ResetCode!.Value, send.Next);
            Note(ref packet, new SentFrame(SentKind.ResetStream, stream.Id));
        }

        if (stream.NeedsStop)
        {
            stream.NeedsStop = false;
            FrameWriter.WriteStreamValue(ref writer, FrameType.StopSending, stream.Id, stream.StopCode!.Value);
            Note(ref packet, new SentFrame(SentKind.StopSending, stream.Id));
        }

        if (!stream.NeedsLimit) return;
        stream.NeedsLimit = false;
        FrameWriter.WriteStreamValue(ref writer, FrameType.MaxStreamData, stream.Id, stream.ReceiveLimit);
        Note(ref packet, new SentFrame(SentKind.MaxStreamData, stream.Id));
    }

    private void FillDatagrams(ref WireWriter writer)
    {
        while (!state.DatagramsOut.IsEmpty)
        {
            if (FrameWriter.SizeOfDatagram(state.DatagramsOut.NextLength) > writer.Remaining) return;
            FrameWriter.WriteDatagram(ref writer, state.DatagramsOut.Next);
            state.DatagramsOut.RemoveNext();
        }
    }

    private void FillStreams(ref WireWriter writer, ref OpenPacket packet)
    {
        const int RoomMin = 32;
        while (writer.Remaining >= RoomMin && state.Streams.TryTakeSender(out var stream))
        {
            var send = stream.Send!;
            while (writer.Remaining >= RoomMin
                && send.TryPeek(state.Streams.LimitOf(stream), out var offset, out var available, out var isNew))
            {
                var room = writer.Remaining - FrameWriter.SizeOfStream(stream.Id, offset, writer.Remaining);
                var length = (int)Math.Min((ulong)room, available);
                var fin = send.IsEnd(offset + (ulong)length);
                FrameWriter.WriteStream(ref writer, stream.Id, offset, length, fin);
                send.Read(offset, writer.Take(length));
                send.OnSent(offset, length);
                if (isNew) state.Streams.OnSentNew((ulong)length);
                Note(ref packet, new SentFrame(SentKind.Stream, stream.Id, offset, length, fin));
            }

            state.Streams.Queue(stream);
        }
    }

    /// <summary>Pads, encrypts and masks a packet, and notes that it was sent; returns where it ends.</summary>
    /// <param name="route">Null when the packet goes to an address that is no route of ours.</param>
    private int Seal(
        Instant now, Span<byte> target, ref OpenPacket packet, Route? route, int padTo, bool isMtuProbe)
    {
        // The sample of header protection needs four bytes of number and payload.
        var payloadAt = packet.NumberAt + packet.NumberSize;
        var end = Math.Max(Math.Max(packet.End, padTo), packet.NumberAt + 4 + PacketKeys.TagBytes);
        target[(packet.End - PacketKeys.TagBytes)..end].Clear();
        var whole = target[packet.Start..end];
        var header = whole[..(payloadAt - packet.Start)];
        if (packet.LengthAt > 0) PacketWriter.WriteLength(target[packet.LengthAt..], end - packet.NumberAt);
        var payload = target[payloadAt..end];
        var numberAt = packet.NumberAt - packet.Start;
        if (packet.Level == EncryptionLevel.OneRtt)
        {
            state.OneRttKeys!.Seal(header, payload, packet.Number, state.Path.Id);
            HeaderProtection.Apply(state.OneRttKeys.SendMask, whole, numberAt, packet.NumberSize);
        }
        else
        {
            var keys = packet.Level == EncryptionLevel.Initial ? state.InitialKeys! : state.HandshakeKeys!;
            keys.Send.Seal(header, payload, packet.Number);
            HeaderProtection.Apply(keys.SendMask, whole, numberAt, packet.NumberSize);
        }

        var inFlight = packet.IsAckEliciting || padTo > 0;
        var bytes = inFlight ? end - packet.Start : 0;
        LossDetector.OnSent(state.SpaceOf(packet.Level), new SentPacket
        {
            SentAt = now,
            Bytes = route is null ? 0 : bytes,
            RouteId = route?.Id ?? -1,
            FirstFrame = packet.FirstFrame,
            FrameCount = packet.FrameCount,
            IsAckEliciting = packet.IsAckEliciting,
            IsMtuProbe = isMtuProbe,
            IsEct0 = route is { UsesEcn: true },
            WasWindowLimited = route is not null && (route.Congestion.InFlight + bytes) * 2 >= route.Congestion.Window,
        });
        route?.Congestion.OnSent(bytes);
        if (inFlight) route?.Pacer.OnSent(bytes);
        state.PacketsSent++;
        if (packet.IsAckEliciting && !state.ElicitedSinceReceived)
        {
            state.ElicitedSinceReceived = true;
            state.LastActivity = now;
        }

        if (packet.Level == EncryptionLevel.Handshake && !state.IsServer && state.InitialKeys is not null)
        {
            // A client needs Initial packets no longer (RFC 9001 §4.9.1).
            state.InitialKeys.Dispose();
            state.InitialKeys = null;
            loss.Drop(state.InitialSpace);
        }

        return end;
    }

    private OutgoingDatagram Finish(Instant now, Route route, int length)
    {
        Count(now, length, route);
        return new OutgoingDatagram(length, route.Tuple, route.UsesEcn ? EcnMark.Ect0 : EcnMark.NotEct);
    }

    private void Count(Instant now, int length, Route? route)
    {
        state.BytesSent += length;
        state.LastSent = now;
        if (route is not null) route.BytesSent += length;
    }
}
