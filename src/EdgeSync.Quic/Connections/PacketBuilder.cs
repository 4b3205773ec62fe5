using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>A packet that is being filled.</summary>
internal struct OpenPacket
{
    public EncryptionLevel Level;
    public PacketSpace Space;
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

    /// <summary>A writer behind what the packet holds, that leaves room for its tag.</summary>
    public readonly WireWriter Continue(Span<byte> target) =>
        new(target[(End - PacketKeys.TagBytes)..^PacketKeys.TagBytes]);

    /// <summary>Takes in what was written behind it.</summary>
    public void Advance(in WireWriter writer, bool isAckEliciting)
    {
        if (writer.Position == 0) return;
        End += writer.Position;
        HasFrames = true;
        IsAckEliciting |= isAckEliciting;
    }

    /// <summary>Notes a frame whose loss or arrival matters.</summary>
    public void Note(in SentFrame frame)
    {
        Space.Frames.Add(frame);
        FrameCount++;
    }
}

/// <summary>
/// Begins packets and closes them: header, number, padding, protection, and the record that it was sent. Spec: RFC 9000
/// §12.2, §14, §17; RFC 9001 §5.
/// </summary>
internal sealed class PacketBuilder(ConnectionState state)
{
    /// <summary>Begins a packet behind another one; its <c>End</c> is 0 when it does not fit.</summary>
    public OpenPacket Open(Span<byte> target, int position, EncryptionLevel level, QuicPath path)
    {
        var space = state.SpaceOf(level, path);
        var number = space.Sent.Next;
        var packet = new OpenPacket
        {
            Level = level,
            Space = space,
            Start = position,
            Number = number,
            NumberSize = PacketNumbers.SizeOf(number, space.LargestAcked),
            FirstFrame = space.Frames.Next,
        };
        var token = level == EncryptionLevel.Initial ? state.Token : [];
        var headerMax = level == EncryptionLevel.OneRtt
            ? PacketWriter.ShortHeaderMax
            : PacketWriter.LongHeaderMax + token.Length;
        if (target.Length - position < headerMax + PacketKeys.TagBytes + 4) return packet;

        var destination = path.RemoteIds.Current;
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

    /// <summary>Pads, encrypts and masks a packet, and notes that it was sent; returns where it ends.</summary>
    /// <param name="route">Null when the packet goes to an address that is not a route of ours.</param>
    public int Seal(Instant now, Span<byte> target, ref OpenPacket packet, Route? route, int padTo, bool isMtuProbe)
    {
        // The sample of header protection needs four bytes of number and payload.
        var end = Math.Max(Math.Max(packet.End, padTo), packet.NumberAt + 4 + PacketKeys.TagBytes);
        target[(packet.End - PacketKeys.TagBytes)..end].Clear();
        if (packet.LengthAt > 0) PacketWriter.WriteLength(target[packet.LengthAt..], end - packet.NumberAt);
        Protect(target, packet, end);
        Record(now, packet, route, packet.IsAckEliciting || padTo > 0 ? end - packet.Start : 0, isMtuProbe);
        if (packet.Level != EncryptionLevel.Handshake || state.IsServer || state.InitialKeys is null) return end;

        // A client needs Initial packets no longer (RFC 9001 §4.9.1).
        state.InitialKeys.Dispose();
        state.InitialKeys = null;
        LossDetector.Drop(state.InitialSpace);
        return end;
    }

    private void Protect(Span<byte> target, in OpenPacket packet, int end)
    {
        var payloadAt = packet.NumberAt + packet.NumberSize;
        var whole = target[packet.Start..end];
        var header = whole[..(payloadAt - packet.Start)];
        var payload = target[payloadAt..end];
        var numberAt = packet.NumberAt - packet.Start;
        if (packet.Level == EncryptionLevel.OneRtt)
        {
            state.OneRttKeys!.Seal(header, payload, packet.Number, packet.Space.Path.Id);
            HeaderProtection.Apply(state.OneRttKeys.SendMask, whole, numberAt, packet.NumberSize);
            return;
        }

        var keys = packet.Level == EncryptionLevel.Initial ? state.InitialKeys! : state.HandshakeKeys!;
        keys.Send.Seal(header, payload, packet.Number);
        HeaderProtection.Apply(keys.SendMask, whole, numberAt, packet.NumberSize);
    }

    /// <param name="bytes">That count as in flight; 0 for packets that are not acknowledged.</param>
    private void Record(Instant now, in OpenPacket packet, Route? route, int bytes, bool isMtuProbe)
    {
        LossDetector.OnSent(packet.Space, new SentPacket
        {
            SentAt = now,
            Bytes = route is null ? 0 : bytes,
            RouteId = route?.Id ?? -1,
            FirstFrame = packet.FirstFrame,
            FrameCount = packet.FrameCount,
            // A packet to an address that is not a route is not tracked for loss.
            IsAckEliciting = packet.IsAckEliciting && route is not null,
            IsMtuProbe = isMtuProbe,
            IsEct0 = route is { UsesEcn: true },
            WasWindowLimited = route is not null && (route.Congestion.InFlight + bytes) * 2 >= route.Congestion.Window,
        });
        route?.Congestion.OnSent(bytes);
        if (bytes > 0) route?.Pacer.OnSent(bytes);
        state.PacketsSent++;
        if (!packet.IsAckEliciting || state.ElicitedSinceReceived) return;
        state.ElicitedSinceReceived = true;
        state.LastActivity = now;
    }
}
