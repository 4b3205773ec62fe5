using System.Buffers;

namespace EdgeSync.Fossil.Xfer;

/// <summary>
/// Reads cards from a message that is still arriving. It returns whole cards from the available input, and never scans
/// bytes of an incomplete payload twice. Dispose returns its buffer.
/// </summary>
public sealed class XferStream(XferLimits? limits = null) : IDisposable
{
    private readonly XferLimits _limits = limits ?? XferLimits.Default;
    private byte[]? _joined;
    private int _joinedSize;
    private long _wanted;

    /// <summary>
    /// Takes the next card from the front of <paramref name="input"/>. <paramref name="consumed"/> is where the next
    /// call has to start; it moves on <see cref="OperationStatus.Done"/> only. The card is valid until the next call.
    /// <see cref="OperationStatus.NeedMoreData"/> with <paramref name="isFinal"/>: the regular end if the input is
    /// empty, otherwise the message was cut.
    /// </summary>
    public OperationStatus TryRead(
        ReadOnlySequence<byte> input, bool isFinal, out XferCard card, out SequencePosition consumed)
    {
        card = default;
        consumed = input.Start;
        if (input.IsEmpty) return OperationStatus.NeedMoreData;
        if (_wanted > input.Length) return OperationStatus.NeedMoreData;

        // Most cards lie in one segment. Otherwise the first segment alone cannot be final.
        var first = input.FirstSpan;
        var reader = new XferReader(first, isFinal && input.IsSingleSegment, _limits);
        var status = reader.TryRead(out card);
        if (status == OperationStatus.NeedMoreData && !input.IsSingleSegment)
        {
            reader = new XferReader(Join(input, reader.BytesWanted), isFinal: false, _limits);
            status = reader.TryRead(out card);
            while (status == OperationStatus.NeedMoreData && _joinedSize < input.Length)
            {
                reader = new XferReader(
                    Join(input, Math.Max(reader.BytesWanted, _joinedSize * 2L)), isFinal: false, _limits);
                status = reader.TryRead(out card);
            }

            if (status == OperationStatus.NeedMoreData && isFinal)
            {
                reader = new XferReader(_joined.AsSpan(0, _joinedSize), isFinal: true, _limits);
                status = reader.TryRead(out card);
            }
        }

        switch (status)
        {
            case OperationStatus.Done:
                consumed = input.GetPosition(reader.Consumed);
                _wanted = 0;
                break;
            case OperationStatus.NeedMoreData:
                card = default;
                _wanted = isFinal ? 0 : reader.BytesWanted;
                break;
        }

        return status;
    }

    /// <summary>Another message begins; the last one may be incomplete.</summary>
    public void Reset() => _wanted = 0;

    public void Dispose()
    {
        if (_joined is not null) ArrayPool<byte>.Shared.Return(_joined);
        _joined = null;
    }

    // Copies the front of the input into one buffer: as much as the card needs, or a line's worth.
    private ReadOnlySpan<byte> Join(ReadOnlySequence<byte> input, long sizeHint)
    {
        const int LineBytesUsual = 512;
        var size = (int)Math.Min(input.Length, Math.Min(int.MaxValue / 2, Math.Max(sizeHint + 1, LineBytesUsual)));
        if (_joined is null || _joined.Length < size)
        {
            Dispose();
            _joined = ArrayPool<byte>.Shared.Rent(size);
        }

        input.Slice(0, size).CopyTo(_joined);
        _joinedSize = size;
        return _joined.AsSpan(0, size);
    }
}
