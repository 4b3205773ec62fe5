using System.Buffers;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Delta;

/// <summary>
/// Makes a target from a source and a delta. A bad delta gives a fault value; the output so far is then undefined.
/// </summary>
public static class DeltaApplier
{
    /// <summary>
    /// Fills <paramref name="target"/>, which must be exactly as long as the delta announces
    /// (<see cref="DeltaReader.TryReadTargetSize"/>).
    /// </summary>
    /// <param name="source">The text that copies are taken from.</param>
    /// <param name="delta">The delta.</param>
    /// <param name="target">Receives the result.</param>
    /// <param name="fault">What is wrong, when the result is <c>false</c>.</param>
    /// <param name="verifyChecksum">False saves a pass where the artifact's hash is checked anyway, as stock
    /// does.</param>
    public static bool TryApply(
        ReadOnlySpan<byte> source,
        ReadOnlySpan<byte> delta,
        Span<byte> target,
        out DeltaFault fault,
        bool verifyChecksum = true)
    {
        var reader = new DeltaReader(delta);
        Invariant.Require(reader.Fault.IsFault || target.Length == reader.TargetSize);

        var filled = 0;
        while (reader.TryRead(out var segment))
        {
            var from = segment.IsCopy ? source : delta;
            if ((uint)segment.Offset > (uint)from.Length || segment.Length > from.Length - segment.Offset)
            {
                fault = CopyFault(ref reader, segment, source.Length);
                return false;
            }

            from.Slice(segment.Offset, segment.Length).CopyTo(target[filled..]);
            filled += segment.Length;
        }

        fault = reader.Fault;
        if (!fault.IsFault && verifyChecksum) fault = CheckSum(ref reader, target);
        return !fault.IsFault;
    }

    /// <summary>
    /// Makes the target in a new array, unless the delta announces more than <paramref name="targetSizeMax"/>.
    /// </summary>
    public static bool TryApply(
        ReadOnlySpan<byte> source,
        ReadOnlySpan<byte> delta,
        int targetSizeMax,
        out byte[] target,
        out DeltaFault fault,
        bool verifyChecksum = true)
    {
        target = [];
        if (!TryTakeSize(source, delta, targetSizeMax, out var size, out fault)) return false;

        var made = GC.AllocateUninitializedArray<byte>(size);
        if (!TryApply(source, delta, made, out fault, verifyChecksum)) return false;

        target = made;
        return true;
    }

    /// <summary>
    /// Appends the target to <paramref name="output"/>, unless the delta announces more than
    /// <paramref name="targetSizeMax"/>. On a fault nothing is appended.
    /// </summary>
    public static bool TryApply(
        ReadOnlySpan<byte> source,
        ReadOnlySpan<byte> delta,
        int targetSizeMax,
        IBufferWriter<byte> output,
        out DeltaFault fault,
        bool verifyChecksum = true)
    {
        if (!TryTakeSize(source, delta, targetSizeMax, out var size, out fault)) return false;

        var target = size == 0 ? [] : output.GetSpan(size)[..size];
        if (!TryApply(source, delta, target, out fault, verifyChecksum)) return false;

        output.Advance(size);
        return true;
    }

    // A few bytes of delta can announce gigabytes that no command produces, so all commands are checked before memory
    // is taken: announced and produced sizes agree, and no copy leaves the source.
    private static bool TryTakeSize(
        ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, int targetSizeMax, out int size, out DeltaFault fault)
    {
        var reader = new DeltaReader(delta);
        size = reader.TargetSize;
        fault = reader.Fault;
        if (fault.IsFault) return false;
        if (size > targetSizeMax)
        {
            fault = new DeltaFault(DeltaFaultKind.TargetOverLimit, Value: size, Limit: targetSizeMax);
            return false;
        }

        if (size <= WalkFirstAbove) return true;

        while (reader.TryRead(out var segment))
        {
            if (!segment.IsCopy || segment.Length <= source.Length - segment.Offset) continue;
            fault = CopyFault(ref reader, segment, source.Length);
            return false;
        }

        fault = reader.Fault;
        return !fault.IsFault;
    }

    private const int WalkFirstAbove = 1 << 20;

    private static DeltaFault CopyFault(ref DeltaReader reader, DeltaSegment segment, int sourceSize) => new(
        DeltaFaultKind.CopyPastSource,
        reader.Command,
        reader.CommandOffset,
        segment.Offset,
        segment.Offset + (long)segment.Length,
        sourceSize);

    private static DeltaFault CheckSum(ref DeltaReader reader, ReadOnlySpan<byte> target)
    {
        var sum = DeltaChecksum.Compute(target);
        return sum == reader.Checksum
            ? default
            : new DeltaFault(
                DeltaFaultKind.ChecksumMismatch, reader.Command, reader.CommandOffset, reader.Checksum, sum);
    }
}
