namespace EdgeSync.Fossil.Delta;

/// <summary>
/// One command of a delta: a copy of source bytes (<paramref name="Offset"/> counts in the source), or an insert
/// (<paramref name="Offset"/> counts in the delta's own text).
/// </summary>
public readonly record struct DeltaSegment(bool IsCopy, int Offset, int Length);

/// <summary>
/// Walks the commands of a delta, without the source.
/// <code>
/// SIZE \n  ( LENGTH @ OFFSET ,  |  LENGTH : bytes )*  CHECKSUM ;
/// </code>
/// Every segment returned lies inside the delta text and inside the announced size; whether a copy lies inside the
/// source is for the caller to check. After <see cref="TryRead"/> returns <c>false</c>, <see cref="Fault"/>
/// distinguishes the end from damage.
/// </summary>
// Spec: www/delta_format.wiki. Bytes after the ';' are ignored, as stock ignores them.
public ref struct DeltaReader
{
    private readonly ReadOnlySpan<byte> _delta;
    private int _position;
    private int _command;
    private int _total;
    private bool _isAtEnd;

    public DeltaReader(ReadOnlySpan<byte> delta)
    {
        _delta = delta;
        var kind = TakeSize(delta, out var size, out _position);
        TargetSize = size;
        if (kind != DeltaFaultKind.None) Fail(kind, 0);
    }

    /// <summary>The announced size of the target.</summary>
    public int TargetSize { get; }

    /// <summary>The announced checksum; valid once the end was reached without a fault.</summary>
    public uint Checksum { get; private set; }

    /// <summary>What stopped the walk, or the default value.</summary>
    public DeltaFault Fault { get; private set; }

    /// <summary>The command last read, counted from 1.</summary>
    public readonly int Command => _command;

    /// <summary>Where the command last read starts.</summary>
    public int CommandOffset { get; private set; }

    /// <summary>The size of the target, to check against a limit before room is made for it.</summary>
    public static bool TryReadTargetSize(ReadOnlySpan<byte> delta, out int targetSize) =>
        TakeSize(delta, out targetSize, out _) == DeltaFaultKind.None;

    /// <summary>The next segment; <c>false</c> at the end or at a fault.</summary>
    public bool TryRead(out DeltaSegment segment)
    {
        segment = default;
        if (_isAtEnd) return false;

        _command++;
        CommandOffset = _position;
        var kind = DeltaNumber.TryRead(_delta, ref _position, out var number);
        if (kind != DeltaFaultKind.None) return Fail(kind, 0);
        if (_position == _delta.Length) return Fail(DeltaFaultKind.Truncated, 0);

        var op = _delta[_position++];
        if (op == '@') return TakeCopy(number, out segment);
        if (op == ':') return TakeInsert(number, out segment);
        if (op != ';') return Fail(DeltaFaultKind.UnknownOperator, op);

        if (_total != TargetSize) return Fail(DeltaFaultKind.TargetTooShort, _total, 0, TargetSize);
        Checksum = number;
        _isAtEnd = true;
        return false;
    }

    private static DeltaFaultKind TakeSize(ReadOnlySpan<byte> delta, out int size, out int position)
    {
        position = 0;
        size = 0;
        var kind = DeltaNumber.TryRead(delta, ref position, out var value);
        if (kind == DeltaFaultKind.NumberMissing) return DeltaFaultKind.SizeMissing;
        if (kind != DeltaFaultKind.None) return kind;
        if (value > int.MaxValue) return DeltaFaultKind.NumberTooLarge;
        if (position == delta.Length) return DeltaFaultKind.Truncated;
        if (delta[position] != '\n') return DeltaFaultKind.SizeMissing;

        position++;
        size = (int)value;
        return DeltaFaultKind.None;
    }

    private bool TakeCopy(uint length, out DeltaSegment segment)
    {
        segment = default;
        var kind = DeltaNumber.TryRead(_delta, ref _position, out var offset);
        if (kind != DeltaFaultKind.None) return Fail(kind, 0);
        if (_position == _delta.Length) return Fail(DeltaFaultKind.Truncated, 0);
        if (_delta[_position++] is not (byte)',' and var other) return Fail(DeltaFaultKind.UnknownOperator, other);
        if (length > int.MaxValue || offset > int.MaxValue) return Fail(DeltaFaultKind.NumberTooLarge, 0);
        if (!TryGrow(length)) return false;

        segment = new DeltaSegment(IsCopy: true, (int)offset, (int)length);
        return true;
    }

    private bool TakeInsert(uint length, out DeltaSegment segment)
    {
        segment = default;
        if (!TryGrow(length)) return false;
        if (length > (uint)(_delta.Length - _position))
            return Fail(DeltaFaultKind.InsertPastDelta, length, 0, _delta.Length - _position);

        segment = new DeltaSegment(IsCopy: false, _position, (int)length);
        _position += (int)length;
        return true;
    }

    // Invariant: _total <= TargetSize.
    private bool TryGrow(uint length)
    {
        if (length > (uint)(TargetSize - _total))
            return Fail(DeltaFaultKind.TargetTooLong, _total + (long)length, 0, TargetSize);

        _total += (int)length;
        return true;
    }

    private bool Fail(DeltaFaultKind kind, long value, long end = 0, long limit = 0)
    {
        _isAtEnd = true;
        Fault = new DeltaFault(kind, _command, CommandOffset, value, end, limit);
        return false;
    }
}
