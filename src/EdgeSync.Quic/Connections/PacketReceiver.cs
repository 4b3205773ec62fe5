using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Takes datagrams apart: packets, their protection, and their frames. Spec: RFC 9000 §12, §13, §19; RFC 9001 §5,
/// §6; draft-ietf-quic-multipath §3, §4.
/// </summary>
internal sealed class PacketReceiver(ConnectionState state, LossDetector loss, HandshakeDriver handshake)
{
    /// <summary>Answers to challenges that may wait at the same time.</summary>
    private const int ResponsesMax = 16;

    /// <summary>Packets of the peer since we have closed.</summary>
    private int _whileClosing;

    /// <summary>Takes a datagram; it is decrypted in place.</summary>
    public void Receive(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram)
    {
        state.BytesReceived += datagram.Length;
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
            if (isFirst)
            {
                (isFirst, firstId) = (false, id);
                // Bytes count for the limit of what is sent before the peer is validated (RFC 9000 §8.1).
                if (PathOf(header, id)?.RouteByTuple(tuple) is { } route) route.BytesReceived += datagram.Length;
            }

            // Packets of another connection do not belong into one datagram (RFC 9000 §12.2).
            var packet = rest[..header.PacketLength];
            if (id == firstId && !Take(now, tuple, ecn, datagram.Length, packet, header)
                && header.Type == PacketType.OneRtt)
                CheckReset(now, datagram);
            rest = rest[packet.Length..];
        }
    }

    /// <summary>The open path of a packet.</summary>
    private QuicPath? PathOf(in PacketHeader header, in ConnectionId id) =>
        header.Type != PacketType.OneRtt || !state.Paths.IsMultipath ? state.Paths.First
        : state.Paths.FindByDestination(id) is { } ids ? state.Paths.Find(ids.PathId)
        : null;

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
        var id = new ConnectionId(header.DestinationId);
        // A path that the client opens: it is one when its first packet can be opened.
        var path = PathOf(header, id) ?? state.PrepareFor(now, tuple, id, datagramBytes);
        if (path is null) return true;
        if (!TryOpen(now, level, path, packet, header, out var number, out var payload, out var reserved))
            return false;

        if (state.Phase is not (ConnectionPhase.Handshake or ConnectionPhase.Connected))
        {
            OnPacketWhileClosing(now, payload);
            return true;
        }

        if (!handshake.AcceptsSource(level, path, header, tuple)) return true;
        if (reserved)
        {
            state.Fail(now, QuicError.Violation(0, "reserved bits are set"));
            return true;
        }

        if (!state.SpaceOf(level, path).IsNew(number)) return true;
        if (state.Paths.Find(path.Id) is null && path.Id != 0) Adopt(path);
        state.PacketsReceived++;
        path.BytesReceived += packet.Length;
        (state.LastActivity, state.ElicitedSinceReceived) = (now, false);
        path.LearnLocal(tuple);
        if (path.RouteByTuple(tuple) is not null) path.LastReceived = now;
        handshake.OnOpened(level, tuple);
        TakeFrames(now, tuple, ecn, datagramBytes, level, path, number, payload, header.DestinationId);
        return true;
    }

    private void Adopt(QuicPath path)
    {
        state.Paths.Adopt(path);
        path.Route.SearchMtu(handshake.MtuMax);
        state.Events.Enqueue(new QuicEvent(QuicEventKind.PathsChanged));
    }

    private bool TryOpen(
        Instant now, EncryptionLevel level, QuicPath path, Span<byte> packet, in PacketHeader header,
        out ulong number, out Span<byte> payload, out bool reserved)
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

        var space = state.SpaceOf(level, path);
        number = PacketNumbers.Expand(truncated, size, space.LargestReceived + 1 ?? 0);
        var payloadAt = header.NumberOffset + size;
        var head = packet[..payloadAt];
        var body = packet[payloadAt..];
        var opened = level switch
        {
            EncryptionLevel.Initial => state.InitialKeys!.Receive.TryOpen(head, body, number),
            EncryptionLevel.Handshake => state.HandshakeKeys!.Receive.TryOpen(head, body, number),
            _ => TryOpenOneRtt(now, path, head, body, number),
        };
        if (!opened) return false;
        payload = body[..^PacketKeys.TagBytes];
        reserved = (head[0] & (level == EncryptionLevel.OneRtt ? 0x18 : 0x0c)) != 0;
        return true;
    }

    private bool TryOpenOneRtt(Instant now, QuicPath path, Span<byte> head, Span<byte> body, ulong number)
    {
        var keys = state.OneRttKeys!;
        var opened = keys.TryOpen(
            head, body, number, (head[0] & 0x04) != 0, now, state.LongestPto() * 3, ref path.ReceivedPhase,
            out var updated, path.Id);
        if (updated) state.OnPhaseBegun();
        if (keys.Failed >= OneRttKeys.FailedMax)
        {
            state.Abandon(new CloseReason(
                CloseKind.LocalError, TransportErrorCode.AeadLimitReached, "too many packets could not be opened"));
        }

        return opened;
    }

    /// <summary>The peer has not received our close, or closes too.</summary>
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
        Instant now, FourTuple tuple, EcnMark ecn, int datagramBytes, EncryptionLevel level, QuicPath path,
        ulong number, Span<byte> payload, ReadOnlySpan<byte> destination)
    {
        var space = state.SpaceOf(level, path);
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
            error ??= TakeFrame(now, tuple, level, path, frame, destination);
            if (error is not null) state.Fail(now, error);
            if (!state.IsOpen) return;
        }

        // The keys may be gone: the packet was the last of its level.
        if (!state.HasKeys(level)) return;
        // What comes on a path that is given up is acknowledged at once: the peer is about to discard it.
        var mayWait = level == EncryptionLevel.OneRtt && !path.IsAbandoned;
        var delay = mayWait ? state.Options.MaxAckDelay : TimeSpan.Zero;
        space.OnReceived(now, number, isEliciting, ecn, delay);
        if (level == EncryptionLevel.OneRtt && isNewest && !isProbing) FollowPeer(path, tuple, datagramBytes);
    }

    private QuicError? TakeFrame(
        Instant now, FourTuple tuple, EncryptionLevel level, QuicPath path, in Frame frame,
        ReadOnlySpan<byte> destination)
    {
        if (frame.IsStream) return state.Streams.OnStream(frame);
        if (FrameType.IsOfMultipath(frame.Type)) return OnPathFrame(now, frame, destination);
        if (FrameType.IsOfNatTraversal(frame.Type)) return OnNatFrame(now, frame);
        switch (frame.Type)
        {
            case FrameType.ObservedAddressV4 or FrameType.ObservedAddressV6: return OnObservedAddress(path, frame);
            case FrameType.Padding or FrameType.Ping: return null;
            // An ACK without a path is about path 0.
            case FrameType.Ack or FrameType.AckEcn:
                return loss.OnAck(now, state.SpaceOf(level, state.Paths.First), frame);
            case FrameType.Crypto: return handshake.OnCrypto(now, level, frame);
            case FrameType.ResetStream: return state.Streams.OnReset(frame);
            case FrameType.StopSending: return state.Streams.OnStopSending(frame);
            case FrameType.MaxStreamData: return state.Streams.OnMaxStreamData(frame);
            case FrameType.StreamDataBlocked: return state.Streams.OnStreamDataBlocked(frame);
            case FrameType.MaxData: state.Streams.OnMaxData(frame.Value); return null;
            case FrameType.MaxStreamsBidi or FrameType.MaxStreamsUni:
                state.Streams.OnMaxStreams(frame.IsUnidirectional ? 1 : 0, frame.Value);
                return null;
            case FrameType.NewConnectionId: return state.Paths.OnNewId(frame);
            case FrameType.RetireConnectionId: return state.Paths.OnRetiredId(frame, destination);
            case FrameType.PathChallenge:
                if (state.Responses.Count >= ResponsesMax) state.Responses.RemoveAt(0);
                state.Responses.Add((path, tuple, BinaryPrimitives.ReadUInt64BigEndian(frame.Data)));
                return null;
            case FrameType.PathResponse: OnPathResponse(now, path, tuple, frame.Data); return null;
            case FrameType.ConnectionClose or FrameType.ApplicationClose: OnClose(now, frame); return null;
            case FrameType.HandshakeDone: return handshake.OnHandshakeDone();
            case FrameType.NewToken:
                if (state.IsServer) return QuicError.Violation(frame.Type, "a client sent it");
                state.NewToken = frame.Data.ToArray();
                return null;
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

    /// <summary>A peer's text is displayed: ASCII without control characters.</summary>
    private static string Printable(ReadOnlySpan<byte> text)
    {
        Span<char> shown = stackalloc char[Math.Min(text.Length, 200)];
        for (var i = 0; i < shown.Length; i++) shown[i] = text[i] is >= 0x20 and < 0x7f ? (char)text[i] : '?';
        return new string(shown);
    }

    private QuicError? OnPathFrame(Instant now, in Frame frame, ReadOnlySpan<byte> destination)
    {
        var paths = state.Paths;
        if (!paths.IsMultipath) return QuicError.Violation(frame.Type, "multipath was not negotiated");
        switch (frame.Type)
        {
            case FrameType.PathAck or FrameType.PathAckEcn:
                if (paths.Find(frame.PathId) is { } acked) return loss.OnAck(now, acked.Space, frame);
                return paths.IsAbandoned(frame.PathId)
                    ? null
                    : QuicError.Violation(frame.Type, "acknowledges packets of a path that was not opened");
            case FrameType.PathAbandon: return OnAbandon(now, frame);
            case FrameType.PathStatusBackup or FrameType.PathStatusAvailable: return paths.OnStatus(frame);
            case FrameType.PathNewConnectionId: return paths.OnNewId(frame);
            case FrameType.PathRetireConnectionId: return paths.OnRetiredId(frame, destination);
            case FrameType.MaxPathId: paths.OnMaxPathId(frame.PathId); return null;
            default: return paths.OnBlocked(frame);
        }
    }

    /// <summary>The peer gives up a path, or agrees that this endpoint has.</summary>
    private QuicError? OnAbandon(Instant now, in Frame frame)
    {
        var paths = state.Paths;
        if (frame.PathId > paths.LocalMax) return PathTable.Beyond(frame);
        var wasOpen = paths.Find(frame.PathId) is { IsAbandoned: false };
        paths.Abandon(frame.PathId, PathErrorCode.Abandoned);
        if (paths.Find(frame.PathId) is not { } path) return null;

        path.DrainDeadline ??= now + loss.DrainTime(path);
        if (!wasOpen) return null;
        loss.MoveFrom(path);
        state.Events.Enqueue(new QuicEvent(QuicEventKind.PathsChanged));
        // Without a path there is time to open one, and then no more (draft-ietf-quic-multipath §3.4).
        if (paths.CountOpen() == 0) state.NoPathDeadline = now + loss.DrainTime(path);
        return null;
    }

    private QuicError? OnNatFrame(Instant now, in Frame frame)
    {
        if (!state.Nat.IsNegotiated) return QuicError.Violation(frame.Type, "NAT traversal was not negotiated");
        return frame.Type is FrameType.ReachOutV4 or FrameType.ReachOutV6
            ? state.Nat.OnReachOut(now, frame)
            : state.Nat.OnAddress(frame);
    }

    private QuicError? OnObservedAddress(QuicPath path, in Frame frame)
    {
        if (!state.Addresses.IsReported)
            return QuicError.Violation(frame.Type, "address discovery was not negotiated");
        if (AddressReports.Take(path, frame)) state.Events.Enqueue(new QuicEvent(QuicEventKind.AddressObserved));
        return null;
    }

    private void OnPathResponse(Instant now, QuicPath path, FourTuple tuple, ReadOnlySpan<byte> data)
    {
        if (state.Nat.OnPathResponse(tuple, data))
        {
            // The address is proved, by a small packet; the path is not yet.
            if (!state.IsServer) state.OpenPath(now, tuple, handshake.MtuMax);
            return;
        }

        // A response proves the route of its challenge, wherever it came from (RFC 9000 §8.2.3).
        if (path.IsAbandoned) return;
        foreach (var route in new[] { path.Route, path.Fallback })
        {
            if (route?.Challenge is not { } challenge
                || !System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(challenge, data)) continue;
            route.Validate();
            if (route == path.Route) path.Fallback = null;
            state.Events.Enqueue(new QuicEvent(QuicEventKind.PathsChanged));
            return;
        }
    }

    /// <summary>A packet came from another address, and is the newest: the peer moved there (RFC 9000 §9.3).</summary>
    private void FollowPeer(QuicPath path, FourTuple tuple, int datagramBytes)
    {
        if (tuple == path.Route.Tuple || !state.IsServer || !state.IsConfirmed || path.IsAbandoned) return;

        if (path.Fallback?.Tuple == tuple)
        {
            path.Route.StopValidation();
            (path.Route, path.Fallback) = (path.Fallback, null);
        }
        else
        {
            var onlyPort = tuple.Remote.Bits == path.Route.Tuple.Remote.Bits && !tuple.Remote.IsRelayed;
            var route = new Route(
                onlyPort ? path.Route.Id : state.Paths.NextRouteId++, tuple, state.Options.InitialRtt,
                isValidated: false)
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

            route.SearchMtu(handshake.MtuMax);
            route.StartValidation(state.Entropy);
            path.Route = route;
        }

        if (path == state.Path) state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
    }

    /// <summary>A datagram that nothing opens may be the peer's stateless reset (RFC 9000 §10.3.1).</summary>
    public bool CheckReset(Instant now, ReadOnlySpan<byte> datagram)
    {
        const int BytesMin = 21;
        if (datagram.Length < BytesMin
            || !state.Paths.IsResetToken(datagram[^TransportParameters.ResetTokenBytes..]))
            return false;
        state.Drain(now, new CloseReason(CloseKind.StatelessReset, 0, "the peer has lost the connection"));
        return true;
    }
}
