namespace EdgeSync.Quic.Frames;

/// <summary>
/// One frame as it was read. Which fields hold something depends on <see cref="Type"/>; spans point into the packet.
/// </summary>
internal ref struct Frame
{
    public ulong Type;

    /// <summary>Of STREAM, RESET_STREAM, STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED.</summary>
    public ulong StreamId;

    /// <summary>Of STREAM and CRYPTO, in bytes.</summary>
    public ulong Offset;

    /// <summary>
    /// Payload of STREAM, CRYPTO, DATAGRAM; token of NEW_TOKEN; eight bytes of PATH_CHALLENGE and PATH_RESPONSE;
    /// reason of a close; connection id of NEW_CONNECTION_ID.
    /// </summary>
    public ReadOnlySpan<byte> Data;

    /// <summary>The stream ends behind <see cref="Data"/>.</summary>
    public bool Fin;

    /// <summary>Of RESET_STREAM, STOP_SENDING, PATH_ABANDON and both closes.</summary>
    public ulong ErrorCode;

    /// <summary>
    /// The limit of MAX_* and *_BLOCKED, the final size of RESET_STREAM, the type of the frame that a CONNECTION_CLOSE
    /// blames, the round of REACH_OUT.
    /// </summary>
    public ulong Value;

    /// <summary>
    /// Of NEW_CONNECTION_ID, RETIRE_CONNECTION_ID and their forms with a path; of PATH_STATUS_*, PATH_CIDS_BLOCKED,
    /// ADD_ADDRESS, REMOVE_ADDRESS and OBSERVED_ADDRESS.
    /// </summary>
    public ulong Sequence;

    /// <summary>Of frames of multipath; 0 in the frames of RFC 9000 that have a form with a path.</summary>
    public ulong PathId;

    /// <summary>Of ADD_ADDRESS, REACH_OUT and OBSERVED_ADDRESS.</summary>
    public UdpAddress Address;

    public ulong RetirePriorTo;

    /// <summary>16 bytes of NEW_CONNECTION_ID.</summary>
    public ReadOnlySpan<byte> ResetToken;

    /// <summary>Of ACK and PATH_ACK.</summary>
    public AckFields Ack;

    public readonly bool IsStream => Type is >= FrameType.Stream and <= FrameType.StreamLast;

    /// <summary>Of streams of one direction, in MAX_STREAMS and STREAMS_BLOCKED.</summary>
    public readonly bool IsUnidirectional => (Type & 1) != 0;
}

/// <summary>Fields of an ACK frame (RFC 9000 §19.3). The ranges were checked when the frame was read.</summary>
internal ref struct AckFields
{
    public ulong Largest;

    /// <summary>Not yet scaled by the peer's ack_delay_exponent.</summary>
    public ulong Delay;

    public ulong FirstRange;

    /// <summary>Pairs of gap and length, as they were sent.</summary>
    public ReadOnlySpan<byte> Ranges;

    public bool HasEcn;
    public ulong Ect0;
    public ulong Ect1;
    public ulong Ce;

    /// <summary>Ranges from the largest down.</summary>
    public readonly AckRangeReader GetEnumerator() => new(this);
}

/// <summary>Walks the ranges of an ACK frame, from the largest down.</summary>
internal ref struct AckRangeReader(AckFields ack)
{
    private Packets.WireReader _reader = new(ack.Ranges);
    private readonly ulong _largest = ack.Largest;
    private readonly ulong _firstRange = ack.FirstRange;
    private bool _started;

    /// <summary>Both ends belong to the range.</summary>
    public (ulong Smallest, ulong Largest) Current { get; private set; }

    public bool MoveNext()
    {
        if (!_started)
        {
            _started = true;
            Current = (_largest - _firstRange, _largest);
            return true;
        }

        if (!_reader.TryReadVarInt(out var gap) || !_reader.TryReadVarInt(out var length)) return false;
        var largest = Current.Smallest - gap - 2;
        Current = (largest - length, largest);
        return true;
    }
}
