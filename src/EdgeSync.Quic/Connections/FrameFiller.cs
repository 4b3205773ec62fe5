using System.Buffers.Binary;
using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// Puts frames into packets, and notes those whose loss or arrival matters. Spec: RFC 9000 §13, §19;
/// draft-ietf-quic-multipath §4.
/// </summary>
internal sealed class FrameFiller(ConnectionState state)
{
    /// <summary>Bytes that a stream sends before the next one has its turn: what a call of the kernel takes.</summary>
    private const int TurnBytesMax = 64 * 1024;

    /// <summary>Turns that fit into the congestion window, at least.</summary>
    private const int TurnsOfWindow = 16;

    public void FillCrypto(ref WireWriter writer, ref OpenPacket packet)
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
            packet.Note(new SentFrame(SentKind.Crypto, 0, offset, length));
        }
    }

    /// <summary>All frames that can be sent on a path now.</summary>
    /// <param name="carriesAll">Whether frames of the whole connection go here, or only those of the path.</param>
    /// <param name="mustPad">Set when the frames test whether full datagrams arrive (RFC 9000 §8.2.1).</param>
    public void FillOneRtt(
        Instant now, ref WireWriter writer, ref OpenPacket packet, bool carriesAll, ref bool mustPad)
    {
        FillValidation(now, ref writer, packet.Space.Path, ref mustPad);
        if (state.Addresses.TryWriteFrame(ref writer, packet.Space.Path, out var report)) packet.Note(report);
        if (!carriesAll) return;

        if (state.NeedsHandshakeDone && writer.Remaining > 0)
        {
            FrameWriter.WriteType(ref writer, FrameType.HandshakeDone);
            packet.Note(new SentFrame(SentKind.HandshakeDone));
            state.NeedsHandshakeDone = false;
        }

        FillPaths(ref writer, ref packet);
        while (state.Nat.TryWriteFrame(ref writer, out var sent)) packet.Note(sent);
        foreach (var ids in state.Paths.Ids) FillIds(ref writer, ref packet, ids);
        FillLimits(now, ref writer, ref packet);
        FillToken(ref writer, ref packet);
        FillDatagrams(ref writer);
        FillStreams(ref writer, ref packet);
    }

    /// <summary>Whether <see cref="FillOneRtt"/> would find anything.</summary>
    public bool HasOneRttFrames(QuicPath path, bool carriesAll) =>
        path.NeedsPing || path.Route.ChallengePending || HasResponse(path) || state.Addresses.Owes(path)
        || (carriesAll && HasConnectionFrames());

    private bool HasResponse(QuicPath path) => FindResponse(path) >= 0;

    /// <summary>Where an answer waits that goes on the path's route; -1 when none does.</summary>
    private int FindResponse(QuicPath path)
    {
        for (var i = 0; i < state.Responses.Count; i++)
            if (state.Responses[i].Path == path && state.Responses[i].Tuple == path.Route.Tuple) return i;
        return -1;
    }

    private bool HasConnectionFrames()
    {
        var paths = state.Paths;
        if (state.NeedsHandshakeDone || state.NeedsToken || state.Nat.HasFrames || paths.NeedsMaxPathId
            || paths.NeedsPathsBlocked || paths.IdsBlocked is not null || paths.Abandons.Count > 0
            || state.Streams.NeedsMaxData || state.Streams.NeedsMaxStreams[0] || state.Streams.NeedsMaxStreams[1]
            || state.Streams.HasControl || !state.DatagramsOut.IsEmpty || state.Streams.HasData)
            return true;
        foreach (var ids in paths.Ids)
            if (ids.Local.HasPending || ids.Remote.HasRetiring) return true;
        foreach (var path in paths.All)
            if (path.NeedsStatus) return true;
        return false;
    }

    private void FillValidation(Instant now, ref WireWriter writer, QuicPath path, ref bool mustPad)
    {
        var route = path.Route;
        if (route.ChallengePending && writer.Remaining >= FrameWriter.PathFrameSize)
        {
            FrameWriter.WritePath(ref writer, FrameType.PathChallenge, route.Challenge);
            route.OnChallengeSent(now, route.Rtt.Pto(state.PeerMaxAckDelay));
            mustPad = true;
        }

        Span<byte> data = stackalloc byte[8];
        while (FindResponse(path) is >= 0 and var at && writer.Remaining >= FrameWriter.PathFrameSize)
        {
            BinaryPrimitives.WriteUInt64BigEndian(data, state.Responses[at].Data);
            state.Responses.RemoveAt(at);
            FrameWriter.WritePath(ref writer, FrameType.PathResponse, data);
            mustPad = true;
        }
    }

    private void FillPaths(ref WireWriter writer, ref OpenPacket packet)
    {
        var paths = state.Paths;
        while (writer.Remaining >= FrameWriter.SmallMax && paths.Abandons.TryDequeue(out var abandon))
        {
            FrameWriter.WritePathValue(ref writer, FrameType.PathAbandon, abandon.PathId, abandon.Code);
            packet.Note(new SentFrame(SentKind.PathAbandon, abandon.PathId, abandon.Code));
        }

        foreach (var path in paths.All)
        {
            if (!path.NeedsStatus || writer.Remaining < FrameWriter.SmallMax) continue;
            var type = path.IsBackup ? FrameType.PathStatusBackup : FrameType.PathStatusAvailable;
            FrameWriter.WritePathValue(ref writer, type, path.Id, path.StatusSequence);
            packet.Note(new SentFrame(SentKind.PathStatus, path.Id));
            path.NeedsStatus = false;
        }

        if (writer.Remaining < 3 * FrameWriter.SmallMax) return;
        if (paths.NeedsMaxPathId)
        {
            FrameWriter.WriteValue(ref writer, FrameType.MaxPathId, paths.LocalMax);
            packet.Note(new SentFrame(SentKind.MaxPathId));
            paths.NeedsMaxPathId = false;
        }

        // The peer can do without these two: they are not sent again.
        if (paths.NeedsPathsBlocked) FrameWriter.WriteValue(ref writer, FrameType.PathsBlocked, paths.RemoteMax);
        if (paths.IdsBlocked is { } blocked)
            FrameWriter.WritePathValue(ref writer, FrameType.PathCidsBlocked, blocked, 0);
        (paths.NeedsPathsBlocked, paths.IdsBlocked) = (false, null);
    }

    private void FillIds(ref WireWriter writer, ref OpenPacket packet, PathIds ids)
    {
        Span<byte> token = stackalloc byte[TransportParameters.ResetTokenBytes];
        while (ids.Local.TryPeekPending(out var id)
            && writer.Remaining >= FrameWriter.SizeOfPathNewConnectionId(ids.PathId, id.Sequence, id.Id))
        {
            ids.Local.TakePending();
            ids.Local.WriteToken(id.Id, token);
            if (state.Paths.IsMultipath)
                FrameWriter.WritePathNewConnectionId(ref writer, ids.PathId, id.Sequence, id.Id, token);
            else
                FrameWriter.WriteNewConnectionId(ref writer, id.Sequence, 0, id.Id, token);
            packet.Note(new SentFrame(SentKind.NewConnectionId, id.Sequence, ids.PathId));
        }

        while (ids.Remote.HasRetiring && writer.Remaining >= FrameWriter.SmallMax)
        {
            var sequence = ids.Remote.TakeRetiring();
            if (state.Paths.IsMultipath)
                FrameWriter.WritePathValue(ref writer, FrameType.PathRetireConnectionId, ids.PathId, sequence);
            else
                FrameWriter.WriteValue(ref writer, FrameType.RetireConnectionId, sequence);
            packet.Note(new SentFrame(SentKind.RetireConnectionId, sequence, ids.PathId));
        }
    }

    private void FillToken(ref WireWriter writer, ref OpenPacket packet)
    {
        if (!state.NeedsToken || writer.Remaining < FrameWriter.SmallMax + state.NewToken!.Length) return;
        FrameWriter.WriteType(ref writer, FrameType.NewToken);
        writer.WriteCounted(state.NewToken);
        packet.Note(new SentFrame(SentKind.NewToken));
        state.NeedsToken = false;
    }

    private void FillLimits(Instant now, ref WireWriter writer, ref OpenPacket packet)
    {
        var (streams, rtt) = (state.Streams, state.Path.Route.Rtt);
        if (streams.NeedsMaxData && writer.Remaining >= FrameWriter.SmallMax)
        {
            streams.OnTelling(now, rtt);
            FrameWriter.WriteValue(ref writer, FrameType.MaxData, streams.ReceiveLimit);
            packet.Note(new SentFrame(SentKind.MaxData));
            streams.NeedsMaxData = false;
        }

        for (var direction = 0; direction < 2; direction++)
        {
            if (!streams.NeedsMaxStreams[direction] || writer.Remaining < FrameWriter.SmallMax) continue;
            var type = direction == 0 ? FrameType.MaxStreamsBidi : FrameType.MaxStreamsUni;
            FrameWriter.WriteValue(ref writer, type, streams.AcceptLimit(direction));
            packet.Note(new SentFrame(direction == 0 ? SentKind.MaxStreamsBidi : SentKind.MaxStreamsUni));
            streams.NeedsMaxStreams[direction] = false;
        }

        while (streams.HasControl && writer.Remaining >= 3 * FrameWriter.SmallMax
            && streams.TryTakeControl(out var stream))
        {
            if (stream.NeedsLimit) streams.OnTelling(now, rtt, stream);
            WriteControl(ref writer, ref packet, stream);
        }
    }

    private static void WriteControl(ref WireWriter writer, ref OpenPacket packet, QuicStream stream)
    {
        if (stream is { NeedsReset: true, Send: { } send })
        {
            stream.NeedsReset = false;
            FrameWriter.WriteResetStream(ref writer, stream.Id, stream.ResetCode!.Value, send.Next);
            packet.Note(new SentFrame(SentKind.ResetStream, stream.Id));
        }

        if (stream.NeedsStop)
        {
            stream.NeedsStop = false;
            FrameWriter.WriteStreamValue(ref writer, FrameType.StopSending, stream.Id, stream.StopCode!.Value);
            packet.Note(new SentFrame(SentKind.StopSending, stream.Id));
        }

        if (!stream.NeedsLimit) return;
        stream.NeedsLimit = false;
        FrameWriter.WriteStreamValue(ref writer, FrameType.MaxStreamData, stream.Id, stream.ReceiveLimit);
        packet.Note(new SentFrame(SentKind.MaxStreamData, stream.Id));
    }

    private void FillDatagrams(ref WireWriter writer)
    {
        while (!state.DatagramsOut.IsEmpty)
        {
            if (state.DatagramsOut.NextLength > state.DatagramMax)
            {
                // It was queued when larger ones arrived.
                state.DatagramsOut.RemoveNext();
                continue;
            }

            if (FrameWriter.SizeOfDatagram(state.DatagramsOut.NextLength) > writer.Remaining) return;
            FrameWriter.WriteDatagram(ref writer, state.DatagramsOut.Next);
            state.DatagramsOut.RemoveNext();
        }
    }

    private void FillStreams(ref WireWriter writer, ref OpenPacket packet)
    {
        const int RoomMin = 32;
        // On a slow route a turn is a packet, and nothing waits behind many bytes of another stream.
        var turnBytes = Math.Min(TurnBytesMax, state.Path.Route.Congestion.Window / TurnsOfWindow);
        while (writer.Remaining >= RoomMin && state.Streams.TryPeekSender(out var stream))
        {
            var send = stream.Send!;
            var sent = 0;
            while (writer.Remaining >= RoomMin
                && send.TryPeek(state.Streams.LimitOf(stream), out var offset, out var available, out var isNew))
            {
                var room = writer.Remaining - FrameWriter.SizeOfStream(stream.Id, offset, writer.Remaining);
                var length = (int)Math.Min((ulong)room, available);
                var fin = send.IsEnd(offset + (ulong)length);
                FrameWriter.WriteStream(ref writer, stream.Id, offset, length, fin);
                send.Read(offset, writer.Take(length));
                send.OnSent(offset, length);
                sent += length;
                if (isNew) state.Streams.OnSentNew((ulong)length);
                packet.Note(new SentFrame(SentKind.Stream, stream.Id, offset, length, fin));
            }

            state.Streams.EndTurn(stream, sent, turnBytes);
        }
    }
}
