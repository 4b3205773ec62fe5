namespace EdgeSync.Nats.Wire;

/// <summary>
/// Takes the arguments of a control line one after the other; runs of blanks and tabs are one separator.
/// </summary>
public ref struct ArgumentReader(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    /// <summary>The argument that <see cref="MoveNext"/> found.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>The text behind the last argument taken.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public readonly ArgumentReader GetEnumerator() => this;

    public bool MoveNext()
    {
        if (!TryTake(out var argument)) return false;

        Current = argument;
        return true;
    }

    public bool TryTake(out ReadOnlySpan<byte> argument)
    {
        var begin = 0;
        while (begin < _rest.Length && IsBlank(_rest[begin])) begin++;

        var found = _rest[begin..];
        var end = found.IndexOfAny((byte)' ', (byte)'\t');
        if (end < 0) end = found.Length;
        argument = found[..end];
        _rest = found[end..];
        return end > 0;
    }

    /// <summary>Takes the last argument off the end, so that what is before it can be read afterwards.</summary>
    public bool TryTakeLast(out ReadOnlySpan<byte> argument)
    {
        var kept = _rest.TrimEnd(" \t"u8);
        var begin = kept.LastIndexOfAny((byte)' ', (byte)'\t') + 1;
        argument = kept[begin..];
        _rest = kept[..begin];
        return !argument.IsEmpty;
    }

    internal static bool IsBlank(byte b) => b is (byte)' ' or (byte)'\t';
}
