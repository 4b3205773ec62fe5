using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Relay;

/// <summary>The frames of the relay protocol; each is one binary message of a WebSocket.</summary>
internal enum RelayFrameType : byte
{
    ServerChallenge = 0,
    ClientAuth = 1,
    ServerConfirmsAuth = 2,
    ServerDeniesAuth = 3,
    ClientToRelayDatagram = 4,
    ClientToRelayBatch = 5,
    RelayToClientDatagram = 6,
    RelayToClientBatch = 7,
    EndpointGone = 8,
    Ping = 9,
    Pong = 10,
    Health = 11,
    Restarting = 12,
    Status = 13,
}

internal enum RelayFrameFault
{
    None,

    /// <summary>A type that came after this version: to be skipped.</summary>
    Unknown,

    /// <summary>The body does not fit the type.</summary>
    Malformed,
}

/// <summary>
/// One frame: <c>type body</c>, the type as a QUIC varint.
/// <code>
///  0 challenge(16)                       6 source(32) ecn datagram
///  1 id(32) 40 signature(64)             7 source(32) ecn segment-size(u16) datagrams
///  2                                     8 id(32)
///  3 length text                         9, 10 payload(8)
///  4 destination(32) ecn datagram       11 text
///  5 destination(32) ecn segment-size(u16) datagrams
/// 12 reconnect-in(u32 ms) try-for(u32 ms)     13 status(u8)
/// </code>
/// </summary>
internal readonly ref struct RelayFrame
{
    public const int ChallengeBytes = 16;
    public const int PingBytes = 8;

    /// <summary>Of the datagrams in a frame.</summary>
    public const int PayloadBytesMax = 64 * 1024;

    /// <summary>Of a WebSocket message.</summary>
    public const int MessageBytesMax = 1 << 20;

    private const int AuthBytes = EndpointId.Bytes + 1 + SignatureBytes;
    private const int SignatureBytes = 64;
    private const int TypesEnd = 0x40;

    public RelayFrameType Type { get; private init; }

    /// <summary>The source, the destination, or the endpoint that is gone.</summary>
    public EndpointId Peer { get; private init; }

    public EcnMark Ecn { get; private init; }

    /// <summary>Bytes of each datagram but the last; 0 when there is one.</summary>
    public int SegmentBytes { get; private init; }

    /// <summary>Challenge, signature, datagrams, ping, text or status.</summary>
    public ReadOnlySpan<byte> Payload { get; private init; }

    public string Text => Encoding.UTF8.GetString(Payload);

    public static RelayFrameFault TryRead(ReadOnlySpan<byte> message, out RelayFrame frame)
    {
        frame = default;
        if (message.IsEmpty) return RelayFrameFault.Malformed;
        if (message[0] >= TypesEnd || message[0] > (byte)RelayFrameType.Status) return RelayFrameFault.Unknown;

        var type = (RelayFrameType)message[0];
        var body = message[1..];
        return type switch
        {
            RelayFrameType.ServerChallenge => OfSize(type, body, ChallengeBytes, out frame),
            RelayFrameType.ClientAuth => OfAuth(body, out frame),
            RelayFrameType.ServerConfirmsAuth => OfSize(type, body, 0, out frame),
            RelayFrameType.ServerDeniesAuth => OfDenial(body, out frame),
            RelayFrameType.ClientToRelayDatagram or RelayFrameType.RelayToClientDatagram =>
                OfDatagram(type, body, out frame),
            RelayFrameType.ClientToRelayBatch or RelayFrameType.RelayToClientBatch => OfBatch(type, body, out frame),
            RelayFrameType.EndpointGone => OfGone(body, out frame),
            RelayFrameType.Ping or RelayFrameType.Pong => OfSize(type, body, PingBytes, out frame),
            RelayFrameType.Health => OfText(type, body, out frame),
            RelayFrameType.Restarting => OfSize(type, body, 2 * sizeof(uint), out frame),
            _ => OfSize(type, body, 1, out frame),
        };
    }

    /// <summary>The two times of <see cref="RelayFrameType.Restarting"/>.</summary>
    public (TimeSpan ReconnectIn, TimeSpan TryFor) RestartTimes() => (
        TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32BigEndian(Payload)),
        TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32BigEndian(Payload[sizeof(uint)..])));

    public static byte[] Bare(RelayFrameType type, params ReadOnlySpan<byte> body) => [(byte)type, .. body];

    public static byte[] Auth(EndpointId id, ReadOnlySpan<byte> signature) =>
        [(byte)RelayFrameType.ClientAuth, .. id.ToArray(), SignatureBytes, .. signature];

    public static byte[] Denial(string text)
    {
        var writer = new PostcardWriter();
        writer.WriteText(text);
        return Bare(RelayFrameType.ServerDeniesAuth, writer.Written);
    }

    public static byte[] Health(string text) => Bare(RelayFrameType.Health, Encoding.UTF8.GetBytes(text));

    public static byte[] Gone(EndpointId id) => Bare(RelayFrameType.EndpointGone, id.ToArray());

    public static byte[] Restarting(TimeSpan reconnectIn, TimeSpan tryFor)
    {
        var message = new byte[1 + (2 * sizeof(uint))];
        message[0] = (byte)RelayFrameType.Restarting;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(1), (uint)reconnectIn.TotalMilliseconds);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(1 + sizeof(uint)), (uint)tryFor.TotalMilliseconds);
        return message;
    }

    /// <summary>Datagrams to a peer, as a client sends them.</summary>
    /// <param name="peer">The destination.</param>
    /// <param name="ecn">Of the datagrams' IP header, had they one.</param>
    /// <param name="segmentBytes">Bytes of each datagram but the last; 0 for a single datagram.</param>
    /// <param name="datagrams">At most <see cref="PayloadBytesMax"/>.</param>
    public static byte[] Datagrams(EndpointId peer, EcnMark ecn, int segmentBytes, ReadOnlySpan<byte> datagrams)
    {
        var isBatch = segmentBytes > 0 && segmentBytes < datagrams.Length;
        var head = 2 + EndpointId.Bytes + (isBatch ? sizeof(ushort) : 0);
        var message = new byte[head + datagrams.Length];
        message[0] = (byte)(isBatch ? RelayFrameType.ClientToRelayBatch : RelayFrameType.ClientToRelayDatagram);
        peer.CopyTo(message.AsSpan(1));
        message[1 + EndpointId.Bytes] = (byte)ecn;
        if (isBatch) BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(head - 2), (ushort)segmentBytes);
        datagrams.CopyTo(message.AsSpan(head));
        return message;
    }

    /// <summary>A client's datagram frame as its receiver gets it: the source instead of the destination.</summary>
    public static byte[] Forwarded(ReadOnlySpan<byte> message, EndpointId source)
    {
        var forwarded = message.ToArray();
        forwarded[0] += RelayFrameType.RelayToClientDatagram - RelayFrameType.ClientToRelayDatagram;
        source.CopyTo(forwarded.AsSpan(1));
        return forwarded;
    }

    private static RelayFrameFault OfSize(
        RelayFrameType type, ReadOnlySpan<byte> body, int size, out RelayFrame frame)
    {
        frame = new RelayFrame { Type = type, Payload = body };
        return body.Length == size ? RelayFrameFault.None : RelayFrameFault.Malformed;
    }

    private static RelayFrameFault OfAuth(ReadOnlySpan<byte> body, out RelayFrame frame)
    {
        frame = default;
        if (body.Length != AuthBytes || body[EndpointId.Bytes] != SignatureBytes) return RelayFrameFault.Malformed;

        frame = new RelayFrame
        {
            Type = RelayFrameType.ClientAuth,
            Peer = new EndpointId(body[..EndpointId.Bytes]),
            Payload = body[(EndpointId.Bytes + 1)..],
        };
        return RelayFrameFault.None;
    }

    private static RelayFrameFault OfDenial(ReadOnlySpan<byte> body, out RelayFrame frame)
    {
        frame = default;
        var reader = new PostcardReader(body);
        return reader.TryReadCounted(out var text) && reader.IsAtEnd
            ? OfText(RelayFrameType.ServerDeniesAuth, text, out frame) : RelayFrameFault.Malformed;
    }

    private static RelayFrameFault OfText(RelayFrameType type, ReadOnlySpan<byte> text, out RelayFrame frame)
    {
        frame = new RelayFrame { Type = type, Payload = text };
        return Utf8.IsValid(text) ? RelayFrameFault.None : RelayFrameFault.Malformed;
    }

    private static RelayFrameFault OfGone(ReadOnlySpan<byte> body, out RelayFrame frame)
    {
        frame = default;
        if (body.Length != EndpointId.Bytes) return RelayFrameFault.Malformed;

        frame = new RelayFrame { Type = RelayFrameType.EndpointGone, Peer = new EndpointId(body) };
        return RelayFrameFault.None;
    }

    private static RelayFrameFault OfDatagram(RelayFrameType type, ReadOnlySpan<byte> body, out RelayFrame frame)
    {
        frame = default;
        if (body.Length is <= EndpointId.Bytes or > EndpointId.Bytes + 1 + PayloadBytesMax)
            return RelayFrameFault.Malformed;

        frame = new RelayFrame
        {
            Type = type,
            Peer = new EndpointId(body[..EndpointId.Bytes]),
            Ecn = (EcnMark)(body[EndpointId.Bytes] & 3),
            Payload = body[(EndpointId.Bytes + 1)..],
        };
        return RelayFrameFault.None;
    }

    private static RelayFrameFault OfBatch(RelayFrameType type, ReadOnlySpan<byte> body, out RelayFrame frame)
    {
        const int Head = EndpointId.Bytes + 1 + sizeof(ushort);
        frame = default;
        if (body.Length is < Head or > Head + PayloadBytesMax) return RelayFrameFault.Malformed;

        var segment = BinaryPrimitives.ReadUInt16BigEndian(body[(EndpointId.Bytes + 1)..]);
        if (segment == 0) return RelayFrameFault.Malformed;

        frame = new RelayFrame
        {
            Type = type,
            Peer = new EndpointId(body[..EndpointId.Bytes]),
            Ecn = (EcnMark)(body[EndpointId.Bytes] & 3),
            SegmentBytes = segment,
            Payload = body[Head..],
        };
        return RelayFrameFault.None;
    }
}
