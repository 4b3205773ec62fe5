using System.Buffers;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// Splits an artifact's text into cards and tokens as stock's reader does: a token ends at a space, a newline or a NUL
/// byte, and only the newline ends the card.
/// </summary>
internal ref struct CardReader(ReadOnlySpan<byte> text)
{
    private static readonly SearchValues<byte> SeparatorsAndEscape = SearchValues.Create(" \n\0\\"u8);

    private readonly ReadOnlySpan<byte> _text = text;
    private bool _isAtLineEnd = true;

    /// <summary>Where the next token or card begins.</summary>
    public int Position { get; private set; }

    public readonly bool IsAtLineEnd => _isAtLineEnd;

    public readonly bool IsAtEnd => Position >= _text.Length;

    public readonly ReadOnlySpan<byte> Text => _text;

    /// <summary>
    /// The letter of the next card, or 0 when there is none: at the end, in the middle of a card, or where no card
    /// begins.
    /// </summary>
    public byte NextCard()
    {
        if (!_isAtLineEnd || Position + 1 >= _text.Length) return 0;

        var separator = _text[Position + 1];
        if (separator is not ((byte)' ' or (byte)'\n')) return 0;

        var letter = _text[Position];
        Position += 2;
        _isAtLineEnd = separator == '\n';
        return letter;
    }

    /// <summary>The next argument of this card; <c>false</c> when there is none. An empty one counts.</summary>
    public bool TryToken(out int start, out int length)
    {
        start = Position;
        length = 0;
        if (_isAtLineEnd) return false;

        length = _text[start..].IndexOfAny((byte)' ', (byte)'\n', (byte)0);
        if (length < 0)
        {
            // Cannot happen: the text ends in a newline. Kept so that no input can lead past the end.
            length = _text.Length - start;
            (Position, _isAtLineEnd) = (_text.Length, true);
            return true;
        }

        _isAtLineEnd = _text[start + length] == '\n';
        Position = start + length + 1;
        return true;
    }

    /// <summary>
    /// As <see cref="TryToken"/>, for a token that is most likely a plain hash: those are found without a search.
    /// </summary>
    public bool TryHashToken(out int start, out int length)
    {
        if (_isAtLineEnd || HashToken.LengthAtFront(_text[Position..]) is var size && size == 0)
            return TryToken(out start, out length);

        (start, length) = (Position, size);
        _isAtLineEnd = _text[start + length] == '\n';
        Position = start + length + 1;
        return true;
    }

    /// <summary>As <see cref="TryToken"/>, and also returns whether the token holds a backslash.</summary>
    public bool TryEscapedToken(out int start, out int length, out bool isEscaped)
    {
        start = Position;
        (length, isEscaped) = (0, false);
        if (_isAtLineEnd) return false;

        length = _text[start..].IndexOfAny(SeparatorsAndEscape);
        if (length >= 0 && _text[start + length] != '\\')
        {
            _isAtLineEnd = _text[start + length] == '\n';
            Position = start + length + 1;
            return true;
        }

        isEscaped = true;
        return TryToken(out start, out length);
    }

    /// <summary>
    /// Takes <paramref name="size"/> bytes and the newline after them; the card's line must be at its end.
    /// </summary>
    public bool TrySkipBody(uint size, out int start)
    {
        start = Position;
        if ((long)Position + size + 1 >= _text.Length || _text[Position + (int)size] != '\n') return false;

        Position += (int)size + 1;
        return true;
    }
}
