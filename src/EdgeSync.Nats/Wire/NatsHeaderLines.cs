namespace EdgeSync.Nats.Wire;

/// <summary>Walks a header block in place: the status line first, then the fields.</summary>
public ref struct NatsHeaderLines(ReadOnlySpan<byte> block)
{
    private ReadOnlySpan<byte> _rest = block;

    /// <summary>The start of every block.</summary>
    public static ReadOnlySpan<byte> Version => "NATS/1.0"u8;

    /// <summary>The whole block was read, and its blank line was the end.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The block of a "no responders" reply as servers up to 2.11 write it.</summary>
    public static ReadOnlySpan<byte> NoResponders => "NATS/1.0 503\r\n\r\n"u8;

    /// <summary>The status of a block, 0 without one or when the block is malformed.</summary>
    public static int StatusOf(ReadOnlySpan<byte> block)
    {
        var lines = new NatsHeaderLines(block);
        return lines.TryTakeStatus(out var code, out _) ? code : 0;
    }

    /// <summary>The first value of a key; keys are compared as they are written.</summary>
    public static bool TryFind(ReadOnlySpan<byte> block, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        var lines = new NatsHeaderLines(block);
        if (lines.TryTakeStatus(out _, out _))
        {
            while (lines.TryTake(out var found, out value))
                if (found.SequenceEqual(key)) return true;
        }

        value = default;
        return false;
    }

    public bool TryTakeStatus(out int code, out ReadOnlySpan<byte> message)
    {
        code = 0;
        message = default;
        if (!TryTakeLine(out var line) || !line.StartsWith(Version)) return false;

        line = line[Version.Length..];
        if (line.IsEmpty) return true;
        if (!ArgumentReader.IsBlank(line[0])) return false;

        var words = new ArgumentReader(line);
        if (!words.TryTake(out var digits)) return true;

        message = words.Rest.Trim(" \t"u8);
        return OpArguments.TryReadSize(digits, out code);
    }

    /// <summary>False at the end, and at a malformed line: <see cref="IsComplete"/> distinguishes them.</summary>
    public bool TryTake(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        while (TryTakeLine(out var line))
        {
            if (line.IsEmpty)
            {
                IsComplete = _rest.IsEmpty;
                break;
            }

            var colon = line.IndexOf((byte)':');
            if (colon < 0) break;
            if (colon == 0) continue;   // Spec: a line without a key is skipped

            key = line[..colon];
            value = line[(colon + 1)..].Trim(" \t"u8);
            return true;
        }

        key = default;
        value = default;
        return false;
    }

    private bool TryTakeLine(out ReadOnlySpan<byte> line)
    {
        var end = _rest.IndexOf("\r\n"u8);
        if (end < 0)
        {
            line = default;
            return false;
        }

        line = _rest[..end];
        _rest = _rest[(end + 2)..];
        return true;
    }
}
