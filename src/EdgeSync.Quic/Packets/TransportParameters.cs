namespace EdgeSync.Quic.Packets;

/// <summary>Which side sends OBSERVED_ADDRESS frames. Spec: draft-ietf-quic-address-discovery.</summary>
internal enum AddressDiscovery : byte
{
    Reports = 0,
    Receives = 1,
    Both = 2,
}

/// <summary>
/// What an endpoint sends in the handshake: limits, and the connection ids that tie the handshake to its
/// packets. Spec: RFC 9000 §7.3, §7.4, §18; RFC 9221 §3.
/// </summary>
/// <remarks>
/// Defaults are those of the RFC for a parameter that is not sent. Multipath, NAT traversal, address discovery and the
/// acknowledgement frequency are extensions of iroh's QUIC: read, and offered only when a property is set.
/// </remarks>
internal sealed class TransportParameters
{
    public const int ResetTokenBytes = 16;

    private const ulong OriginalDestinationIdKey = 0x00;
    private const ulong MaxIdleTimeoutKey = 0x01;
    private const ulong StatelessResetTokenKey = 0x02;
    private const ulong MaxUdpPayloadKey = 0x03;
    private const ulong InitialMaxDataKey = 0x04;
    private const ulong StreamDataBidiLocalKey = 0x05;
    private const ulong StreamDataBidiRemoteKey = 0x06;
    private const ulong StreamDataUniKey = 0x07;
    private const ulong StreamsBidiKey = 0x08;
    private const ulong StreamsUniKey = 0x09;
    private const ulong AckDelayExponentKey = 0x0a;
    private const ulong MaxAckDelayKey = 0x0b;
    private const ulong DisableActiveMigrationKey = 0x0c;
    private const ulong PreferredAddressKey = 0x0d;
    private const ulong ActiveConnectionIdLimitKey = 0x0e;
    private const ulong InitialSourceIdKey = 0x0f;
    private const ulong RetrySourceIdKey = 0x10;
    private const ulong MaxDatagramFrameSizeKey = 0x20;
    private const ulong InitialMaxPathIdKey = 0x3e;
    private const ulong AddressDiscoveryKey = 0x9f81a176;
    private const ulong MinAckDelayKey = 0xff04de1b;
    private const ulong NatTraversalKey = 0x3d7f91120401;

    private const ulong StreamsMax = 1UL << 60;

    public ConnectionId? OriginalDestinationId { get; set; }

    public ConnectionId? InitialSourceId { get; set; }

    public ConnectionId? RetrySourceId { get; set; }

    /// <summary>16 bytes; of a server only.</summary>
    public byte[]? StatelessResetToken { get; set; }

    /// <summary>Milliseconds; 0 means that the endpoint waits for ever.</summary>
    public ulong MaxIdleTimeout { get; set; }

    /// <summary>Bytes of the largest UDP payload that the endpoint takes.</summary>
    public ulong MaxUdpPayload { get; set; } = 65527;

    public ulong InitialMaxData { get; set; }

    public ulong StreamDataBidiLocal { get; set; }

    public ulong StreamDataBidiRemote { get; set; }

    public ulong StreamDataUni { get; set; }

    public ulong StreamsBidi { get; set; }

    public ulong StreamsUni { get; set; }

    /// <summary>A power of two: the unit of the delay in an ACK frame, in microseconds.</summary>
    public ulong AckDelayExponent { get; set; } = 3;

    /// <summary>Milliseconds.</summary>
    public ulong MaxAckDelay { get; set; } = 25;

    public bool DisableActiveMigration { get; set; }

    /// <summary>A server's other address, as it was sent; clients of ours do not use it.</summary>
    public byte[]? PreferredAddress { get; set; }

    public ulong ActiveConnectionIdLimit { get; set; } = 2;

    /// <summary>Bytes of the largest DATAGRAM frame; 0 when there are none (RFC 9221 §3).</summary>
    public ulong MaxDatagramFrameSize { get; set; }

    /// <summary>Multipath: the highest path id; null when it is not offered.</summary>
    public ulong? InitialMaxPathId { get; set; }

    /// <summary>NAT traversal: how many addresses of the peer are stored; null when it is not offered.</summary>
    public byte? NatTraversalAddresses { get; set; }

    /// <summary>What the endpoint does in address discovery; null: it takes no part.</summary>
    public AddressDiscovery? AddressDiscovery { get; set; }

    /// <summary>Microseconds; null when the peer takes no ACK_FREQUENCY frames.</summary>
    public ulong? MinAckDelay { get; set; }

    /// <summary>Reads the content of the TLS extension.</summary>
    /// <param name="isFromServer">A client must not send what only a server may (RFC 9000 §18.2).</param>
    /// <returns>Null when all was well formed and within its limits.</returns>
    public static QuicError? TryRead(ReadOnlySpan<byte> bytes, bool isFromServer, out TransportParameters parameters)
    {
        parameters = new TransportParameters();
        ulong seen = 0;
        var reader = new WireReader(bytes);
        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadVarInt(out var key) || !reader.TryReadCounted(out var value))
                return Error("a parameter is cut off");
            if (key < 64 && (seen & (1UL << (int)key)) != 0) return Error("a parameter is there twice");
            if (key < 64) seen |= 1UL << (int)key;
            if (!isFromServer && IsOfServers(key))
                return Error("a client sent a parameter of servers");
            if (!parameters.TryTake(key, value)) return Error($"parameter 0x{key:x} is malformed");
        }

        return parameters.MinAckDelay > parameters.MaxAckDelay * 1000 ? Error("min_ack_delay exceeds max_ack_delay")
            : null;
    }

    /// <summary>Writes what differs from the defaults.</summary>
    public void Write(ref WireWriter writer)
    {
        WriteId(ref writer, OriginalDestinationIdKey, OriginalDestinationId);
        WriteInteger(ref writer, MaxIdleTimeoutKey, MaxIdleTimeout, 0);
        if (StatelessResetToken is not null)
        {
            writer.WriteVarInt(StatelessResetTokenKey);
            writer.WriteCounted(StatelessResetToken);
        }

        WriteInteger(ref writer, MaxUdpPayloadKey, MaxUdpPayload, 65527);
        WriteInteger(ref writer, InitialMaxDataKey, InitialMaxData, 0);
        WriteInteger(ref writer, StreamDataBidiLocalKey, StreamDataBidiLocal, 0);
        WriteInteger(ref writer, StreamDataBidiRemoteKey, StreamDataBidiRemote, 0);
        WriteInteger(ref writer, StreamDataUniKey, StreamDataUni, 0);
        WriteInteger(ref writer, StreamsBidiKey, StreamsBidi, 0);
        WriteInteger(ref writer, StreamsUniKey, StreamsUni, 0);
        WriteInteger(ref writer, AckDelayExponentKey, AckDelayExponent, 3);
        WriteInteger(ref writer, MaxAckDelayKey, MaxAckDelay, 25);
        if (DisableActiveMigration)
        {
            writer.WriteVarInt(DisableActiveMigrationKey);
            writer.WriteVarInt(0);
        }

        if (PreferredAddress is not null)
        {
            writer.WriteVarInt(PreferredAddressKey);
            writer.WriteCounted(PreferredAddress);
        }

        WriteInteger(ref writer, ActiveConnectionIdLimitKey, ActiveConnectionIdLimit, 2);
        WriteId(ref writer, InitialSourceIdKey, InitialSourceId);
        WriteId(ref writer, RetrySourceIdKey, RetrySourceId);
        WriteInteger(ref writer, MaxDatagramFrameSizeKey, MaxDatagramFrameSize, 0);
        if (InitialMaxPathId is { } paths) WriteInteger(ref writer, InitialMaxPathIdKey, paths, null);
        if (AddressDiscovery is { } role) WriteInteger(ref writer, AddressDiscoveryKey, (ulong)role, null);
        if (MinAckDelay is { } delay) WriteInteger(ref writer, MinAckDelayKey, delay, null);
        if (NatTraversalAddresses is { } addresses)
        {
            writer.WriteVarInt(NatTraversalKey);
            writer.WriteCounted([addresses]);
        }
    }

    private bool TryTake(ulong key, ReadOnlySpan<byte> value)
    {
        switch (key)
        {
            case OriginalDestinationIdKey: return TryTakeId(value, id => OriginalDestinationId = id);
            case InitialSourceIdKey: return TryTakeId(value, id => InitialSourceId = id);
            case RetrySourceIdKey: return TryTakeId(value, id => RetrySourceId = id);
            case StatelessResetTokenKey:
                StatelessResetToken = value.ToArray();
                return value.Length == ResetTokenBytes;
            case DisableActiveMigrationKey:
                DisableActiveMigration = true;
                return value.IsEmpty;
            case PreferredAddressKey:
                PreferredAddress = value.ToArray();
                return IsPreferredAddress(value);
            case NatTraversalKey:
                // One raw byte, not a varint; of values below 64 both are the same.
                NatTraversalAddresses = value.IsEmpty ? null : value[0];
                return value.Length == 1 && value[0] != 0;
            default: return IsUnknown(key) || (TryReadInteger(value, out var number) && TryTakeInteger(key, number));
        }
    }

    private static bool IsOfServers(ulong key) =>
        key is OriginalDestinationIdKey or StatelessResetTokenKey or PreferredAddressKey or RetrySourceIdKey;

    private static bool IsUnknown(ulong key) =>
        key is not (MaxIdleTimeoutKey or (>= MaxUdpPayloadKey and <= MaxAckDelayKey) or ActiveConnectionIdLimitKey
            or MaxDatagramFrameSizeKey or InitialMaxPathIdKey or AddressDiscoveryKey or MinAckDelayKey);

    /// <summary>Sets an integer; false when it is out of its limits (RFC 9000 §18.2).</summary>
    private bool TryTakeInteger(ulong key, ulong number)
    {
        switch (key)
        {
            case MaxIdleTimeoutKey: MaxIdleTimeout = number; return true;
            case MaxUdpPayloadKey: MaxUdpPayload = number; return number >= 1200;
            case InitialMaxDataKey: InitialMaxData = number; return true;
            case StreamDataBidiLocalKey: StreamDataBidiLocal = number; return true;
            case StreamDataBidiRemoteKey: StreamDataBidiRemote = number; return true;
            case StreamDataUniKey: StreamDataUni = number; return true;
            case StreamsBidiKey: StreamsBidi = number; return number <= StreamsMax;
            case StreamsUniKey: StreamsUni = number; return number <= StreamsMax;
            case AckDelayExponentKey: AckDelayExponent = number; return number <= 20;
            case MaxAckDelayKey: MaxAckDelay = number; return number < 1 << 14;
            case ActiveConnectionIdLimitKey: ActiveConnectionIdLimit = number; return number >= 2;
            case MaxDatagramFrameSizeKey: MaxDatagramFrameSize = number; return true;
            case InitialMaxPathIdKey: InitialMaxPathId = number; return number <= uint.MaxValue;
            case AddressDiscoveryKey:
                AddressDiscovery = (AddressDiscovery)Math.Min(number, byte.MaxValue);
                return number <= (ulong)Packets.AddressDiscovery.Both;
            default: MinAckDelay = number; return true;
        }
    }

    /// <summary>iroh refuses an integer that is longer than needed, and so do we.</summary>
    private static bool TryReadInteger(ReadOnlySpan<byte> value, out ulong number)
    {
        var reader = new WireReader(value);
        return reader.TryReadVarInt(out number, out var isShortest) && isShortest && reader.IsAtEnd;
    }

    private static bool TryTakeId(ReadOnlySpan<byte> value, Action<ConnectionId> take)
    {
        if (value.Length > ConnectionId.MaxLength) return false;
        take(new ConnectionId(value));
        return true;
    }

    /// <summary>IPv4 and IPv6 address with ports, a connection id that is not empty, a reset token.</summary>
    private static bool IsPreferredAddress(ReadOnlySpan<byte> value)
    {
        const int IdAt = 4 + 2 + 16 + 2;
        return value.Length > IdAt && value[IdAt] is >= 1 and <= ConnectionId.MaxLength
            && value.Length == IdAt + 1 + value[IdAt] + ResetTokenBytes;
    }

    private static void WriteInteger(ref WireWriter writer, ulong key, ulong value, ulong? implied)
    {
        if (value == implied) return;
        writer.WriteVarInt(key);
        writer.WriteVarInt((ulong)VarInt.SizeOf(value));
        writer.WriteVarInt(value);
    }

    private static void WriteId(ref WireWriter writer, ulong key, ConnectionId? id)
    {
        if (id is not { } known) return;
        writer.WriteVarInt(key);
        writer.WriteVarInt((ulong)known.Length);
        known.CopyTo(writer.Take(known.Length));
    }

    private static QuicError Error(string reason) => new(TransportErrorCode.TransportParameterError, 0, reason);
}
