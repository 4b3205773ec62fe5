using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Takes datagrams apart: packets, their protection, and their frames. Spec: RFC 9000 §12, §13, §19; RFC 9001 §5, §6.
/// </summary>
internal sealed class PacketReceiver(ConnectionState state, LossDetector loss, HandshakeDriver handshake)
{
    /// <summary>Answers to challenges that may wait at the same time.</summary>
    private const int ResponsesMax = 4;

    /// <summary>Packets of the peer since we have closed.</summary>
    private int _whileClosing;

    /// <summary>Takes a datagram; it is decrypted in place.</summary>
    public void Receive(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram)
    {
        state.BytesReceived += datagram.Length;
        if (state.RouteByTuple(tuple) is { } route) route.BytesReceived += datagram.Length;
        var isFirst = true;
        ConnectionId firstId = default;
        for (var rest = datagram; !rest.IsEmpty && state.Phase != ConnectionPhase.Closed;)
        {
            if (PacketHeader.TryRead(rest, state.Options.LocalIdBytes, out var header) != HeaderFault.None)
            {
                if (isFirst) CheckReset(now, datagram);
                return;
            }

            var id = new ConnectionId(header.DestinationId);
            if (isFirst) (isFirst, firstId) = (false, id);
            // Packets of another connection do not belong into one datagram (RFC 9000 §12.2).
            var packet = rest[..header.PacketLength];
            if (id == firstId && !Take(now, tuple, ecn, datagram.Length, packet, header)
                && header.Type == PacketType.OneRtt)
                CheckReset(now, datagram);
            rest = rest[packet.Length..];
        }
    }

    /// <summary>Takes one packet; false when it could not be opened.</summary>
    private bool Take(
        Instant now, FourTuple tuple, EcnMark ecn, int datagramBytes, Span<byte> packet, in PacketHeader header)
    {
        switch (header.Type)
        {
            case PacketType.VersionNegotiation:
                handshake.OnVersionNegotiation(header);
                return true;
            case PacketType.Retry:
                handshake.OnRetry(header, packet);
                return true;
            case PacketType.ZeroRtt:
                return true;
        }

        var level = header.Type switch
        {
            PacketType.Initial => EncryptionLevel.Initial,
            PacketType.Handshake => EncryptionLevel.Handshake,
            _ => EncryptionLevel.OneRtt,
        };
        // What cannot be opened yet is dropped; it will be sent again.
        if (!state.HasKeys(level)) return true;
        if (!TryOpen(now, level, packet, header, out var number, out var payload, out var reserved)) return false;

        if (state.Phase is not (ConnectionPhase.Handshake or ConnectionPhase.Connected))
        {
            OnPacketWhileClosing(now, payload);
            return true;
        }

        if (!handshake.AcceptsSource(level, header, tuple)) return true;
        if (reserved)
        {
            state.Fail(now, QuicError.Violation(0, "reserved bits are set"));
            return true;
        }

        if (!state.SpaceOf(level).IsNew(number)) return true;
        state.PacketsReceived++;
        (state.LastReceived, state.LastActivity, state.ElicitedSinceReceived) = (now, now, false);
        handshake.OnOpened(level, now);
        TakeFrames(now, tuple, ecn, datagramBytes, level, number, payload, header.DestinationId);
        return true;
    }

    private bool TryOpen(
        Instant now, EncryptionLevel level, Span<byte> packet, in PacketHeader header, out ulong number,
        out Span<byte> payload, out bool reserved)
    {
        (number, reserved) = (0, false);
        payload = default;
        var mask = level switch
        {
            EncryptionLevel.Initial => state.InitialKeys!.ReceiveMask,
            EncryptionLevel.Handshake => state.HandshakeKeys!.ReceiveMask,
            _ => state.OneRttKeys!.ReceiveMask,
        };
        if (!HeaderProtection.TryRemove(mask, packet, header.NumberOffset, out var truncated, out var size))
            return false;

        var space = state.SpaceOf(level);
        number = PacketNumbers.Expand(truncated, size, space.LargestReceived + 1 ?? 0);
        var payloadAt = header.NumberOffset + size;
        var head = packet[..payloadAt];
        var body = packet[payloadAt..];
        var opened = level switch
        {
            EncryptionLevel.Initial => state.InitialKeys!.Receive.TryOpen(head, body, number),
            EncryptionLevel.Handshake => state.HandshakeKeys!.Receive.TryOpen(head, body, number),
            _ => TryOpenOneRtt(now, head, body, number),
        };
        if (!opened) return false;
        payload = body[..^PacketKeys.TagBytes];
        reserved = (head[0] & (level == EncryptionLevel.OneRtt ? 0x18 : 0x0c)) != 0;
        return true;
    }

    private bool TryOpenOneRtt(Instant now, Span<byte> head, Span<byte> body, ulong number)
    {
        var keys = state.OneRttKeys!;
        var life = state.Path.Route.Rtt.Pto(state.PeerMaxAckDelay) * 3;
        var opened = keys.TryOpen(
            head, body, number, (head[0] & 0x04) != 0, now, life, out var updated, state.Path.Id);
        if (updated) state.FirstOfPhase = state.Path.Space.Sent.Next;
        if (keys.Failed >= OneRttKeys.FailedMax)
        {
            state.Abandon(new CloseReason(
                CloseKind.LocalError, TransportErrorCode.AeadLimitReached, "too many packets could not be opened"));
        }

        return opened;
    }

    /// <summary>The peer has not heard of our close, or closes too.</summary>
    private void OnPacketWhileClosing(Instant now, Span<byte> payload)
    {
        var reader = new FrameReader(payload);
        while (!reader.IsAtEnd && reader.Read(out var frame) is null)
        {
            if (frame.Type is not (FrameType.ConnectionClose or FrameType.ApplicationClose)) continue;
            state.Drain(now, new CloseReason(CloseKind.Peer, frame.ErrorCode, ""));
            return;
        }

        // Every power of two is answered, so that two closed endpoints fall silent (RFC 9000 §10.2.1).
        state.PacketsReceived++;
        if (state.Phase == ConnectionPhase.Closing && System.Numerics.BitOperations.IsPow2(++_whileClosing))
            state.NeedsClose = true;
    }

    private void TakeFrames(
        Instant now, FourTuple tuple, EcnMark ecn, int datagramBytes, EncryptionLevel level, ulong number,
        Span<byte> payload, ReadOnlySpan<byte> destination)
    {
        var space = state.SpaceOf(level);
        var isNewest = space.LargestReceived is null || number > space.LargestReceived;
        var (isEliciting, isProbing) = (false, true);
        if (payload.IsEmpty)
        {
            state.Fail(now, QuicError.Violation(0, "a packet without frames"));
            return;
        }

        var reader = new FrameReader(payload);
        while (!reader.IsAtEnd)
        {
            var error = reader.Read(out var frame);
            if (error is null && level != EncryptionLevel.OneRtt && !FrameType.IsAllowedInHandshake(frame.Type))
                error = QuicError.Violation(frame.Type, "the frame does not belong in a packet of the handshake");
            isEliciting |= FrameType.IsAckEliciting(frame.Type);
            isProbing &= FrameType.IsProbing(frame.Type);
            error ??= TakeFrame(now, tuple, level, frame, destination);
            if (error is not null) state.Fail(now, error);
            if (!state.IsOpen) return;
        }

        // The keys may be gone: the packet was the last of its level.
        if (!state.HasKeys(level)) return;
        var delay = level == EncryptionLevel.OneRtt ? state.Options.MaxAckDelay : TimeSpan.Zero;
        space.OnReceived(now, number, isEliciting, ecn, delay);
        if (level == EncryptionLevel.OneRtt && isNewest && !isProbing) FollowPeer(now, tuple, datagramBytes);
    }

    private QuicError? TakeFrame(
        Instant now, FourTuple tuple, EncryptionLevel level, in Frame frame, ReadOnlySpan<byte> destination)
    {
        if (frame.IsStream) return state.Streams.OnStream(frame);
        switch (frame.Type)
        {
            case FrameType.Padding or FrameType.Ping: return null;
            case FrameType.Ack or FrameType.AckEcn: return loss.OnAck(now, level, frame);
            case FrameType.Crypto: return handshake.OnCrypto(now, level, frame);
            case FrameType.ResetStream: return state.Streams.OnReset(frame);
            case FrameType.StopSending: return state.Streams.OnStopSending(frame);
            case FrameType.MaxStreamData: return state.Streams.OnMaxStreamData(frame);
            case FrameType.StreamDataBlocked: return state.Streams.OnStreamDataBlocked(frame);
            case FrameType.MaxData: state.Streams.OnMaxData(frame.Value); return null;
            case FrameType.MaxStreamsBidi or FrameType.MaxStreamsUni:
                state.Streams.OnMaxStreams(frame.IsUnidirectional ? 1 : 0, frame.Value);
                return null;
            case FrameType.NewConnectionId: return state.Path.RemoteIds.Add(frame);
            case FrameType.RetireConnectionId: return state.Path.LocalIds.OnRetired(frame.Sequence, destination);
            case FrameType.PathChallenge:
                if (state.Responses.Count < ResponsesMax)
                    state.Responses.Enqueue((tuple, BinaryPrimitives.ReadUInt64BigEndian(frame.Data)));
                return null;
            case FrameType.PathResponse: OnPathResponse(frame.Data); return null;
            case FrameType.ConnectionClose or FrameType.ApplicationClose: OnClose(now, frame); return null;
            case FrameType.HandshakeDone: return handshake.OnHandshakeDone();
            case FrameType.NewToken: return state.IsServer ? QuicError.Violation(frame.Type, "a client sent it") : null;
            case FrameType.Datagram or FrameType.DatagramWithLength: return OnDatagram(frame);
            default: return null;   // DATA_BLOCKED, STREAMS_BLOCKED: nothing that we do not know
        }
    }

    private QuicError? OnDatagram(in Frame frame)
    {
        if (state.Options.DatagramBuffer == 0) return QuicError.Violation(frame.Type, "datagrams were not offered");
        state.DatagramsIn.Add(frame.Data);
        state.Events.Enqueue(new QuicEvent(QuicEventKind.DatagramReceived));
        return null;
    }

    private void OnClose(Instant now, in Frame frame)
    {
        var kind = frame.Type == FrameType.ApplicationClose ? CloseKind.Peer : CloseKind.PeerError;
        state.Drain(now, new CloseReason(kind, frame.ErrorCode, Printable(frame.Data)));
    }

    /// <summary>A peer's text is shown to people: ASCII without control characters.</summary>
    private static string Printable(ReadOnlySpan<byte> text)
    {
        Span<char> shown = stackalloc char[Math.Min(text.Length, 200)];
        for (var i = 0; i < shown.Length; i++) shown[i] = text[i] is >= 0x20 and < 0x7f ? (char)text[i] : '?';
        return new string(shown);
    }

    private void OnPathResponse(ReadOnlySpan<byte> data)
    {
        // A response proves the route of its challenge, wherever it came from (RFC 9000 §8.2.3).
        foreach (var route in new[] { state.Path.Route, state.Path.Fallback })
        {
            if (route?.Challenge is not { } challenge
                || !System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(challenge, data)) continue;
            route.Validate();
            if (route == state.Path.Route) state.Path.Fallback = null;
            return;
        }
    }

    /// <summary>A packet came from another address, and is the newest: the peer moved there (RFC 9000 §9.3).</summary>
    private void FollowPeer(Instant now, FourTuple tuple, int datagramBytes)
    {
        var path = state.Path;
        if (tuple == path.Route.Tuple || !state.IsServer || !state.IsConfirmed) return;

        if (path.Fallback?.Tuple == tuple)
        {
            path.Route.StopValidation();
            (path.Route, path.Fallback) = (path.Fallback, null);
        }
        else
        {
            var onlyPort = tuple.Remote.Bits == path.Route.Tuple.Remote.Bits;
            var route = new Route(
                onlyPort ? path.Route.Id : state.NextRouteId++, tuple, state.Options.InitialRtt, isValidated: false)
            {
                BytesReceived = datagramBytes,
                UsesEcn = path.Route.UsesEcn,
            };
            if (onlyPort) route.Inherit(path.Route);
            if (path.Route.IsValidated)
            {
                path.Fallback = path.Route;
                path.Fallback.StartValidation(state.Entropy);
            }

            route.Mtu.Start(handshake.MtuMax);
            route.StartValidation(state.Entropy);
            path.Route = route;
        }

        state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
    }

    /// <summary>A datagram that nothing opens may be the peer's stateless reset (RFC 9000 §10.3.1).</summary>
    public bool CheckReset(Instant now, ReadOnlySpan<byte> datagram)
    {
        const int BytesMin = 21;
        if (datagram.Length < BytesMin
            || !state.Path.RemoteIds.IsResetToken(datagram[^TransportParameters.ResetTokenBytes..]))
            return false;
        state.Drain(now, new CloseReason(CloseKind.StatelessReset, 0, "the peer has lost the connection"));
        return true;
    }
}
