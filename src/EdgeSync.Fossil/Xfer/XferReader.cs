using System.Buffers;

namespace EdgeSync.Fossil.Xfer;

/// <summary>What a peer may send us in one card.</summary>
/// <param name="LineBytesMax">Longest line; a longer one is rejected before its end is read.</param>
/// <param name="PayloadBytesMax">Largest payload; checked when the size is read, before any of it arrives.</param>
public sealed record XferLimits(int LineBytesMax, int PayloadBytesMax)
{
    /// <summary>Lines of 1 MiB, payloads of 1 GiB: what a repository may hold.</summary>
    public static XferLimits Default { get; } = new(1 << 20, 1 << 30);
}

/// <summary>
/// Reads a decoded message card by card, over one span.
/// <code>
///   message  = { line LF [ payload ] }
/// payload = SIZE bytes, announced by the line; then one LF after config and schema (kept apart from the payload), and
///              after cfile and the x-cards if one is there
/// </code>
/// Advances only on <see cref="OperationStatus.Done"/>. <see cref="OperationStatus.NeedMoreData"/> with
/// <see cref="IsAtEnd"/> is the regular end; without, the input stops in the middle of a card.
/// </summary>
public ref struct XferReader
{
    private readonly ReadOnlySpan<byte> _input;
    private readonly XferLimits _limits;
    private readonly bool _isFinal;

    /// <param name="input">The part of the message that is present.</param>
    /// <param name="isFinal">True if nothing follows: a last line then needs no line feed.</param>
    /// <param name="limits">Null for <see cref="XferLimits.Default"/>.</param>
    public XferReader(ReadOnlySpan<byte> input, bool isFinal = true, XferLimits? limits = null)
    {
        _input = input;
        _isFinal = isFinal;
        _limits = limits ?? XferLimits.Default;
    }

    /// <summary>Bytes behind the last card.</summary>
    public int Consumed { get; private set; }

    public readonly bool IsAtEnd => Consumed == _input.Length;

    /// <summary>
    /// After <see cref="OperationStatus.NeedMoreData"/>: how many bytes from <see cref="Consumed"/> on the card needs,
    /// or 0 if its line is still incomplete. Lets a caller wait without trying at every byte.
    /// </summary>
    public long BytesWanted { get; private set; }

    /// <summary>
    /// Takes the next card. After <see cref="OperationStatus.InvalidData"/> the rest of the message is lost.
    /// </summary>
    public OperationStatus TryRead(out XferCard card)
    {
        card = default;
        BytesWanted = 0;
        var rest = _input[Consumed..];
        if (rest.IsEmpty) return OperationStatus.NeedMoreData;

        var lineSize = rest.IndexOf((byte)'\n');
        if (lineSize > _limits.LineBytesMax || (lineSize < 0 && rest.Length > _limits.LineBytesMax))
            return OperationStatus.InvalidData;
        if (lineSize < 0 && !_isFinal) return OperationStatus.NeedMoreData;

        var line = lineSize < 0 ? rest : rest[..lineSize];
        var used = lineSize < 0 ? rest.Length : lineSize + 1;
        card = new XferCard(line);
        switch (XferPayload.Measure(card, out var size, out var trailer))
        {
            case PayloadShape.None:
                Consumed += used;
                return OperationStatus.Done;
            case PayloadShape.Malformed:
                return OperationStatus.InvalidData;
        }

        if (size > _limits.PayloadBytesMax) return OperationStatus.InvalidData;
        if (rest.Length - used < size)
        {
            BytesWanted = used + size;
            return OperationStatus.NeedMoreData;
        }

        var payload = rest.Slice(used, (int)size);
        var after = used + (int)size;
        if (XferPayload.MayHaveNewline(trailer, payload))
        {
            if (after < rest.Length)
            {
                if (rest[after] == (byte)'\n') after++;
            }
            else if (!_isFinal)
            {
                BytesWanted = after + 1;
                return OperationStatus.NeedMoreData;
            }
        }

        card = card.WithPayload(payload);
        Consumed += after;
        return OperationStatus.Done;
    }
}
