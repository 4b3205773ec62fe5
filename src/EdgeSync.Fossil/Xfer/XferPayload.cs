namespace EdgeSync.Fossil.Xfer;

internal enum PayloadShape
{
    None,
    Sized,

    /// <summary>The line should announce a size and does not: the start of the next card is unknown.</summary>
    Malformed,
}

/// <summary>Whether a line feed stands between a payload and the next card.</summary>
internal enum PayloadTrailer
{
    /// <summary>Never: the next card follows at once.</summary>
    None,

    /// <summary>One is taken if it is there.</summary>
    Optional,

    /// <summary>One is taken if it is there, but only behind a payload that does not end in one (cfile).</summary>
    UnlessPayloadEndsSo,
}

/// <summary>Computes from a card's line how many bytes follow it.</summary>
internal static class XferPayload
{
    public static PayloadShape Measure(in XferCard card, out long size, out PayloadTrailer trailer)
    {
        size = 0;
        trailer = PayloadTrailer.None;
        switch (card.Kind)
        {
            case CardKind.File:
                // Spec: xfer.c xfer_accept_file: file HASH SIZE, file HASH SOURCE SIZE.
                return Sized(card, card.Count is 3 or 4 ? card.Count - 1 : -1, out size);

            case CardKind.CFile:
                // Spec: xfer.c send_compressed_file writes a line feed unless the bytes end in one.
                trailer = PayloadTrailer.UnlessPayloadEndsSo;
                return Sized(card, card.Count is 4 or 5 ? card.Count - 1 : -1, out size);

            case CardKind.Config:
                // A config card of another shape carries nothing (and is unknown, or ignored).
                trailer = PayloadTrailer.Optional;
                return card.Count == 3 && XferNumber.TryParse(card[2], out size)
                    ? PayloadShape.Sized
                    : PayloadShape.None;

            case CardKind.UvFile:
                if (card.Count != 6
                    || !XferNumber.TryParse(card[4], out var uvSize)
                    || !XferNumber.TryParse(card[5], out var flags))
                    return PayloadShape.Malformed;

                // Flag 1: deleted, 4: content omitted.
                size = (flags & 5) == 0 ? uvSize : 0;
                return size > 0 ? PayloadShape.Sized : PayloadShape.None;

            case CardKind.Schema:
                trailer = PayloadTrailer.Optional;
                return Sized(card, card.Count == 6 ? 5 : -1, out size);

            case CardKind.XRow:
            case CardKind.XDelete:
                trailer = PayloadTrailer.Optional;
                return Sized(card, card.Count == 5 ? 4 : -1, out size);

            default:
                return PayloadShape.None;
        }
    }

    public static bool MayHaveNewline(PayloadTrailer trailer, ReadOnlySpan<byte> payload) => trailer switch
    {
        PayloadTrailer.Optional => true,
        PayloadTrailer.UnlessPayloadEndsSo => payload.IsEmpty || payload[^1] != (byte)'\n',
        _ => false,
    };

    private static PayloadShape Sized(in XferCard card, int index, out long size)
    {
        size = 0;
        return index > 0 && XferNumber.TryParse(card[index], out size) ? PayloadShape.Sized : PayloadShape.Malformed;
    }
}
