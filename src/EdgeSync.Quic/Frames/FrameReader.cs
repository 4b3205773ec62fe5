using System.Buffers.Binary;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Frames;

/// <summary>
/// Reads the frames of a packet's payload, one after another, and checks each as far as it can be checked without the
/// state of the connection. Spec: RFC 9000 §19, RFC 9221 §4, draft-ietf-quic-multipath §4,
/// draft-bruynooghe-n0-quic-nat-traversal §4, draft-ietf-quic-address-discovery.
/// </summary>
internal ref struct FrameReader(ReadOnlySpan<byte> payload)
{
    /// <summary>No stream may have a number beyond it (RFC 9000 §4.6).</summary>
    private const ulong StreamsMax = 1UL << 60;

    private WireReader _reader = new(payload);
    private Frame _frame;

    public readonly bool IsAtEnd => _reader.IsAtEnd;

    /// <summary>Reads the next frame; null when it was whole and well formed.</summary>
    public QuicError? Read(out Frame frame)
    {
        _frame = default;
        var error = ReadFields();
        frame = _frame;
        return error;
    }

    private QuicError? ReadFields()
    {
        if (!_reader.TryReadVarInt(out var type, out var isShortest))
            return QuicError.Encoding(0, "a frame type is cut off");
        if (!isShortest) return QuicError.Violation(type, "a frame type is not in its shortest form");

        _frame.Type = type;
        return type switch
        {
            FrameType.Padding => ReadPadding(),
            FrameType.Ping or FrameType.HandshakeDone => null,
            FrameType.Ack or FrameType.AckEcn => ReadAck(),
            FrameType.PathAck or FrameType.PathAckEcn => ReadPath() ?? ReadAck(),
            FrameType.ResetStream => ReadResetStream(),
            FrameType.StopSending => Check(
                _reader.TryReadVarInt(out _frame.StreamId) && _reader.TryReadVarInt(out _frame.ErrorCode)),
            FrameType.Crypto => ReadCrypto(),
            FrameType.NewToken => ReadNewToken(),
            >= FrameType.Stream and <= FrameType.StreamLast => ReadStream(),
            FrameType.MaxData or FrameType.DataBlocked => Check(_reader.TryReadVarInt(out _frame.Value)),
            FrameType.MaxStreamData or FrameType.StreamDataBlocked => Check(
                _reader.TryReadVarInt(out _frame.StreamId) && _reader.TryReadVarInt(out _frame.Value)),
            FrameType.MaxStreamsBidi or FrameType.MaxStreamsUni
                or FrameType.StreamsBlockedBidi or FrameType.StreamsBlockedUni => ReadStreamCount(),
            FrameType.NewConnectionId => ReadNewConnectionId(),
            FrameType.PathNewConnectionId => ReadPath() ?? ReadNewConnectionId(),
            FrameType.RetireConnectionId => Check(_reader.TryReadVarInt(out _frame.Sequence)),
            FrameType.PathRetireConnectionId or FrameType.PathStatusBackup or FrameType.PathStatusAvailable
                or FrameType.PathCidsBlocked => ReadPath() ?? Check(_reader.TryReadVarInt(out _frame.Sequence)),
            FrameType.PathAbandon => ReadPath() ?? Check(_reader.TryReadVarInt(out _frame.ErrorCode)),
            FrameType.MaxPathId or FrameType.PathsBlocked => ReadPath(),
            FrameType.AddAddressV4 or FrameType.AddAddressV6 => Check(
                _reader.TryReadVarInt(out _frame.Sequence) && TryReadAddress(type == FrameType.AddAddressV6)),
            FrameType.ReachOutV4 or FrameType.ReachOutV6 => Check(
                _reader.TryReadVarInt(out _frame.Value) && TryReadAddress(type == FrameType.ReachOutV6)),
            FrameType.ObservedAddressV4 or FrameType.ObservedAddressV6 => Check(
                _reader.TryReadVarInt(out _frame.Sequence) && TryReadAddress(type == FrameType.ObservedAddressV6)),
            FrameType.RemoveAddress => Check(_reader.TryReadVarInt(out _frame.Sequence)),
            FrameType.PathChallenge or FrameType.PathResponse => Check(_reader.TryReadBytes(8, out _frame.Data)),
            FrameType.ConnectionClose => Check(
                _reader.TryReadVarInt(out _frame.ErrorCode) && _reader.TryReadVarInt(out _frame.Value)
                    && _reader.TryReadCounted(out _frame.Data)),
            FrameType.ApplicationClose => Check(
                _reader.TryReadVarInt(out _frame.ErrorCode) && _reader.TryReadCounted(out _frame.Data)),
            FrameType.Datagram => Check(_reader.TryReadBytes((ulong)_reader.Remaining, out _frame.Data)),
            FrameType.DatagramWithLength => Check(_reader.TryReadCounted(out _frame.Data)),
            _ => QuicError.Encoding(type, "the frame type is unknown"),
        };
    }

    private readonly QuicError? Check(bool isWhole) =>
        isWhole ? null : QuicError.Encoding(_frame.Type, "the frame is cut off");

    /// <summary>A path id, which has 32 bits: it is folded into a nonce.</summary>
    private QuicError? ReadPath()
    {
        if (!_reader.TryReadVarInt(out _frame.PathId)) return Check(false);
        return _frame.PathId > uint.MaxValue ? QuicError.Encoding(_frame.Type, "a path id is beyond 2^32-1") : null;
    }

    private bool TryReadAddress(bool isV6)
    {
        if (!_reader.TryReadBytes(isV6 ? 16UL : 4UL, out var bytes) || !_reader.TryReadUInt16(out var port))
            return false;
        var bits = isV6
            ? BinaryPrimitives.ReadUInt128BigEndian(bytes)
            : ((UInt128)0xffff << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes);
        _frame.Address = new UdpAddress(bits, port);
        return true;
    }

    /// <summary>All bytes of padding at once.</summary>
    private QuicError? ReadPadding()
    {
        var others = _reader.Rest.IndexOfAnyExcept((byte)0);
        _reader.TryReadBytes((ulong)(others < 0 ? _reader.Remaining : others), out _);
        return null;
    }

    private QuicError? ReadAck()
    {
        ref var ack = ref _frame.Ack;
        if (!_reader.TryReadVarInt(out ack.Largest) || !_reader.TryReadVarInt(out ack.Delay)
            || !_reader.TryReadVarInt(out var count) || !_reader.TryReadVarInt(out ack.FirstRange))
            return Check(false);
        if (ack.FirstRange > ack.Largest) return QuicError.Encoding(_frame.Type, "a range of packets is below 0");

        var rest = _reader.Rest;
        var start = _reader.Position;
        var smallest = ack.Largest - ack.FirstRange;
        for (; count > 0; count--)
        {
            if (!_reader.TryReadVarInt(out var gap) || !_reader.TryReadVarInt(out var length))
                return Check(false);
            if (gap + length + 2 > smallest) return QuicError.Encoding(_frame.Type, "a range of packets is below 0");
            smallest -= gap + length + 2;
        }

        ack.Ranges = rest[..(_reader.Position - start)];
        if (_frame.Type is FrameType.Ack or FrameType.PathAck) return null;

        ack.HasEcn = true;
        return Check(
            _reader.TryReadVarInt(out ack.Ect0) && _reader.TryReadVarInt(out ack.Ect1)
                && _reader.TryReadVarInt(out ack.Ce));
    }

    private QuicError? ReadResetStream() =>
        Check(
            _reader.TryReadVarInt(out _frame.StreamId) && _reader.TryReadVarInt(out _frame.ErrorCode)
                && _reader.TryReadVarInt(out _frame.Value));

    private QuicError? ReadCrypto()
    {
        if (!_reader.TryReadVarInt(out _frame.Offset) || !_reader.TryReadCounted(out _frame.Data))
            return Check(false);
        return CheckEnd();
    }

    private QuicError? ReadNewToken()
    {
        if (!_reader.TryReadCounted(out _frame.Data)) return Check(false);
        return _frame.Data.IsEmpty ? QuicError.Encoding(_frame.Type, "the token is empty") : null;
    }

    private QuicError? ReadStream()
    {
        _frame.Fin = (_frame.Type & FrameType.StreamFinBit) != 0;
        if (!_reader.TryReadVarInt(out _frame.StreamId)) return Check(false);
        if ((_frame.Type & FrameType.StreamOffsetBit) != 0 && !_reader.TryReadVarInt(out _frame.Offset))
            return Check(false);

        var isWhole = (_frame.Type & FrameType.StreamLengthBit) != 0
            ? _reader.TryReadCounted(out _frame.Data)
            : _reader.TryReadBytes((ulong)_reader.Remaining, out _frame.Data);
        return isWhole ? CheckEnd() : Check(false);
    }

    private readonly QuicError? CheckEnd() =>
        _frame.Offset + (ulong)_frame.Data.Length > VarInt.Max
            ? QuicError.Encoding(_frame.Type, "an offset is beyond 2^62-1")
            : null;

    private QuicError? ReadStreamCount()
    {
        if (!_reader.TryReadVarInt(out _frame.Value)) return Check(false);
        return _frame.Value > StreamsMax ? QuicError.Encoding(_frame.Type, "more than 2^60 streams") : null;
    }

    private QuicError? ReadNewConnectionId()
    {
        if (!_reader.TryReadVarInt(out _frame.Sequence) || !_reader.TryReadVarInt(out _frame.RetirePriorTo)
            || !_reader.TryReadByte(out var length))
            return Check(false);
        if (length is 0 or > ConnectionId.MaxLength)
            return QuicError.Encoding(_frame.Type, "a connection id has 1 to 20 bytes");
        if (!_reader.TryReadBytes(length, out _frame.Data) || !_reader.TryReadBytes(16, out _frame.ResetToken))
            return Check(false);
        return _frame.RetirePriorTo > _frame.Sequence
            ? QuicError.Encoding(_frame.Type, "retires a connection id that it has not issued")
            : null;
    }
}
