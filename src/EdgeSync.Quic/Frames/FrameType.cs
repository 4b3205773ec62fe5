namespace EdgeSync.Quic.Frames;

/// <summary>
/// Frame types as they are on the wire. Spec: RFC 9000 §19, RFC 9221 §4; multipath as iroh numbers it
/// (draft-ietf-quic-multipath §4), draft-bruynooghe-n0-quic-nat-traversal, draft-ietf-quic-address-discovery.
/// </summary>
internal static class FrameType
{
    public const ulong Padding = 0x00;
    public const ulong Ping = 0x01;
    public const ulong Ack = 0x02;
    public const ulong AckEcn = 0x03;
    public const ulong ResetStream = 0x04;
    public const ulong StopSending = 0x05;
    public const ulong Crypto = 0x06;
    public const ulong NewToken = 0x07;

    /// <summary>0x08 to 0x0f: bits for offset, length and FIN.</summary>
    public const ulong Stream = 0x08;
    public const ulong StreamLast = 0x0f;
    public const ulong StreamOffsetBit = 0x04;
    public const ulong StreamLengthBit = 0x02;
    public const ulong StreamFinBit = 0x01;

    public const ulong MaxData = 0x10;
    public const ulong MaxStreamData = 0x11;
    public const ulong MaxStreamsBidi = 0x12;
    public const ulong MaxStreamsUni = 0x13;
    public const ulong DataBlocked = 0x14;
    public const ulong StreamDataBlocked = 0x15;
    public const ulong StreamsBlockedBidi = 0x16;
    public const ulong StreamsBlockedUni = 0x17;
    public const ulong NewConnectionId = 0x18;
    public const ulong RetireConnectionId = 0x19;
    public const ulong PathChallenge = 0x1a;
    public const ulong PathResponse = 0x1b;
    public const ulong ConnectionClose = 0x1c;
    public const ulong ApplicationClose = 0x1d;
    public const ulong HandshakeDone = 0x1e;
    public const ulong Datagram = 0x30;
    public const ulong DatagramWithLength = 0x31;

    public const ulong PathAck = 0x3e;
    public const ulong PathAckEcn = 0x3f;
    public const ulong PathAbandon = 0x3e75;
    public const ulong PathStatusBackup = 0x3e76;
    public const ulong PathStatusAvailable = 0x3e77;
    public const ulong PathNewConnectionId = 0x3e78;
    public const ulong PathRetireConnectionId = 0x3e79;
    public const ulong MaxPathId = 0x3e7a;
    public const ulong PathsBlocked = 0x3e7b;
    public const ulong PathCidsBlocked = 0x3e7c;

    public const ulong AddAddressV4 = 0x3d7f90;
    public const ulong AddAddressV6 = 0x3d7f91;
    public const ulong ReachOutV4 = 0x3d7f92;
    public const ulong ReachOutV6 = 0x3d7f93;
    public const ulong RemoveAddress = 0x3d7f94;

    public const ulong ObservedAddressV4 = 0x9f81a6;
    public const ulong ObservedAddressV6 = 0x9f81a7;

    /// <summary>ACK, PADDING and CONNECTION_CLOSE elicit no acknowledgement (RFC 9002 §2).</summary>
    public static bool IsAckEliciting(ulong type) =>
        type is not (Padding or Ack or AckEcn or PathAck or PathAckEcn or ConnectionClose or ApplicationClose);

    /// <summary>Whether a packet with just this frame tests a path without moving to it (RFC 9000 §9.1).</summary>
    public static bool IsProbing(ulong type) =>
        type is Padding or PathChallenge or PathResponse or NewConnectionId or PathNewConnectionId
            or ObservedAddressV4 or ObservedAddressV6;

    /// <summary>Frames that only a connection with multipath may carry.</summary>
    public static bool IsOfMultipath(ulong type) =>
        type is PathAck or PathAckEcn or (>= PathAbandon and <= PathCidsBlocked);

    /// <summary>Frames that only a connection with NAT traversal may carry.</summary>
    public static bool IsOfNatTraversal(ulong type) => type is >= AddAddressV4 and <= RemoveAddress;

    /// <summary>What Initial and Handshake packets may carry (RFC 9000 §12.4, table 3).</summary>
    public static bool IsAllowedInHandshake(ulong type) =>
        type is Padding or Ping or Ack or AckEcn or Crypto or ConnectionClose;
}
