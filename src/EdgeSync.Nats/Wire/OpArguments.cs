namespace EdgeSync.Nats.Wire;

/// <summary>Reads the arguments of a control line into the fields of an operation.</summary>
internal static class OpArguments
{
    private const int SizeDigitsMax = 9;

    /// <summary>Operations without a payload.</summary>
    public static bool TryRead(scoped ref NatsOp op, ReadOnlySpan<byte> line) => op.Verb switch
    {
        NatsVerb.Sub => TryReadSub(ref op, line),
        NatsVerb.Unsub => TryReadUnsub(ref op, line),
        NatsVerb.LeafSub => TryReadLeafSub(ref op, line),
        NatsVerb.LeafUnsub => TryReadLeafUnsub(ref op, line),
        _ => true,
    };

    // subject [reply] size · subject [reply] header-size size · after the subject a sid, from a server.
    public static bool TryReadMessage(scoped ref NatsOp op, ReadOnlySpan<byte> line, out int size)
    {
        size = 0;
        // they do not count in the sizes
        while (line.Length > 0 && ArgumentReader.IsBlank(line[^1])) line = line[..^1];

        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var subject)) return false;

        op.Subject = subject;
        if (op.Verb is NatsVerb.Msg or NatsVerb.HMsg)
        {
            if (!arguments.TryTake(out var sid)) return false;
            op.Sid = sid;
        }

        var hasHeaders = op.Verb is NatsVerb.HPub or NatsVerb.HMsg;
        if (!arguments.TryTake(out var first)) return false;

        var at = line.Length - arguments.Rest.Length - first.Length;
        if (!arguments.TryTake(out var second))
            return !hasHeaders && TryReadSizes(ref op, line[at..], default, first, out size);

        var secondAt = line.Length - arguments.Rest.Length - second.Length;
        if (!arguments.TryTake(out var third))
        {
            if (hasHeaders) return TryReadSizes(ref op, line[at..], first, second, out size);
            op.Reply = first;
            return TryReadSizes(ref op, line[secondAt..], default, second, out size);
        }

        op.Reply = first;
        return hasHeaders && !arguments.TryTake(out _)
            && TryReadSizes(ref op, line[secondAt..], second, third, out size);
    }

    // subject [reply] SIZES · subject | queue… SIZES · subject + reply queue… SIZES; SIZES is [header-size] size.
    public static bool TryReadLeafMessage(scoped ref NatsOp op, ReadOnlySpan<byte> line, out int size)
    {
        size = 0;
        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var subject) || !arguments.TryTakeLast(out var total)) return false;

        op.Subject = subject;
        ReadOnlySpan<byte> header = default;
        if (op.Verb == NatsVerb.HMsg && !arguments.TryTakeLast(out header)) return false;

        var trimmed = line.TrimEnd(" \t"u8);
        var sizesAt = trimmed.Length - total.Length;
        if (op.Verb == NatsVerb.HMsg) sizesAt = trimmed[..sizesAt].TrimEnd(" \t"u8).Length - header.Length;
        if (!TryReadSizes(ref op, trimmed[sizesAt..], header, total, out size)) return false;
        if (!arguments.TryTake(out var second)) return true;

        if (arguments.Rest.TrimStart(" \t"u8).IsEmpty)
        {
            op.Reply = second;
            return true;
        }

        if (second is [(byte)'+'])
        {
            if (!arguments.TryTake(out var reply)) return false;
            op.Reply = reply;
        }
        else if (second is not [(byte)'|'])
        {
            return false;
        }

        op.Queues = arguments.Rest;
        return true;
    }

    /// <summary>One to nine decimal digits: nothing that could overflow.</summary>
    public static bool TryReadSize(ReadOnlySpan<byte> digits, out int size)
    {
        size = 0;
        if ((uint)(digits.Length - 1) >= SizeDigitsMax) return false;

        foreach (var b in digits)
        {
            var digit = b - '0';
            if ((uint)digit > 9) return false;
            size = size * 10 + digit;
        }

        return true;
    }

    private static bool TryReadSizes(
        scoped ref NatsOp op, ReadOnlySpan<byte> text, ReadOnlySpan<byte> header, ReadOnlySpan<byte> total,
        out int size)
    {
        if (!TryReadSize(total, out size)) return false;

        op.Sizes = text;
        if (op.Verb is not (NatsVerb.HPub or NatsVerb.HMsg)) return true;

        if (!TryReadSize(header, out var headerBytes) || headerBytes > size) return false;

        op.HeaderBytes = headerBytes;
        return true;
    }

    private static bool TryReadSub(scoped ref NatsOp op, ReadOnlySpan<byte> line)
    {
        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var subject) || !arguments.TryTake(out var second)) return false;

        op.Subject = subject;
        op.Sid = second;
        if (!arguments.TryTake(out var third)) return true;

        op.Queue = second;
        op.Sid = third;
        return !arguments.TryTake(out _);
    }

    private static bool TryReadUnsub(scoped ref NatsOp op, ReadOnlySpan<byte> line)
    {
        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var sid)) return false;

        op.Sid = sid;
        if (!arguments.TryTake(out var max)) return true;

        if (!TryReadSize(max, out var number) || arguments.TryTake(out _)) return false;

        op.Number = number;
        return true;
    }

    private static bool TryReadLeafSub(scoped ref NatsOp op, ReadOnlySpan<byte> line)
    {
        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var subject)) return false;

        op.Subject = subject;
        op.Number = 1;
        if (!arguments.TryTake(out var queue)) return true;

        op.Queue = queue;
        if (!arguments.TryTake(out var weight) || !TryReadSize(weight, out var number)) return false;

        op.Number = number;
        return !arguments.TryTake(out _);
    }

    private static bool TryReadLeafUnsub(scoped ref NatsOp op, ReadOnlySpan<byte> line)
    {
        var arguments = new ArgumentReader(line);
        if (!arguments.TryTake(out var subject)) return false;

        op.Subject = subject;
        if (!arguments.TryTake(out var queue)) return true;

        op.Queue = queue;
        return !arguments.TryTake(out _);
    }
}
