namespace EdgeSync.Nats.Wire;

/// <summary>
/// Subjects: tokens with dots between, compared as bytes. In a subscription <c>*</c> stands for one token and
/// <c>&gt;</c> for one or more at the end; both only as a whole token (<c>foo*</c> is an ordinary name).
/// </summary>
public static class NatsSubject
{
    /// <summary>May be subscribed to: no empty token, <c>&gt;</c> only last.</summary>
    public static bool IsValid(ReadOnlySpan<byte> subject) => IsWellFormed(subject, wildcards: true);

    /// <summary>May be published to: no empty token, no wildcard.</summary>
    public static bool IsLiteral(ReadOnlySpan<byte> subject) => IsWellFormed(subject, wildcards: false);

    /// <summary>Has a token that is a wildcard.</summary>
    public static bool HasWildcard(ReadOnlySpan<byte> subject)
    {
        if (!subject.ContainsAny((byte)'*', (byte)'>')) return false;

        foreach (var token in new SubjectTokens(subject))
            if (IsStar(token) || IsRest(token)) return true;
        return false;
    }

    /// <summary>
    /// Valid on a control line: not empty, without blank, tab and line ends. The only check of foreign clients.
    /// </summary>
    public static bool FitsControlLine(ReadOnlySpan<byte> text) =>
        !text.IsEmpty && !text.ContainsAny(" \t\r\n"u8);

    /// <summary>
    /// Whether a subscription to <paramref name="pattern"/> receives a message to <paramref name="subject"/>, which is
    /// taken literally.
    /// </summary>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> subject)
    {
        var wanted = new SubjectTokens(pattern);
        var given = new SubjectTokens(subject);
        while (wanted.MoveNext())
        {
            if (!given.MoveNext() || given.Current.IsEmpty) return false;
            if (IsRest(wanted.Current)) return HasNoEmptyToken(ref given);
            if (!IsStar(wanted.Current) && !wanted.Current.SequenceEqual(given.Current)) return false;
        }

        return given.AtEnd;
    }

    /// <summary>
    /// Whether everything that <paramref name="inner"/> matches is matched by <paramref name="outer"/> too.
    /// </summary>
    public static bool Covers(ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner)
    {
        var wide = new SubjectTokens(outer);
        var narrow = new SubjectTokens(inner);
        while (wide.MoveNext())
        {
            if (!narrow.MoveNext()) return false;
            if (IsRest(wide.Current)) return true;
            if (IsRest(narrow.Current)) return false;
            if (IsStar(wide.Current)) continue;
            if (IsStar(narrow.Current) || !wide.Current.SequenceEqual(narrow.Current)) return false;
        }

        return narrow.AtEnd;
    }

    /// <summary>Whether some subject is matched by both.</summary>
    public static bool Overlaps(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        var a = new SubjectTokens(one);
        var b = new SubjectTokens(other);
        while (a.MoveNext())
        {
            if (!b.MoveNext()) return false;
            if (IsRest(a.Current) || IsRest(b.Current)) return true;
            if (!IsStar(a.Current) && !IsStar(b.Current) && !a.Current.SequenceEqual(b.Current)) return false;
        }

        return b.AtEnd;
    }

    internal static bool IsStar(ReadOnlySpan<byte> token) => token is [(byte)'*'];

    internal static bool IsRest(ReadOnlySpan<byte> token) => token is [(byte)'>'];

    private static bool IsWellFormed(ReadOnlySpan<byte> subject, bool wildcards)
    {
        if (!FitsControlLine(subject)) return false;

        var tokens = new SubjectTokens(subject);
        while (tokens.MoveNext())
        {
            if (tokens.Current.IsEmpty) return false;
            if (IsRest(tokens.Current) && (!wildcards || !tokens.AtEnd)) return false;
            if (IsStar(tokens.Current) && !wildcards) return false;
        }

        return true;
    }

    private static bool HasNoEmptyToken(ref SubjectTokens tokens)
    {
        while (tokens.MoveNext())
            if (tokens.Current.IsEmpty) return false;
        return true;
    }
}

/// <summary>Walks the tokens of a subject; <c>a..b</c> has three, the empty subject one.</summary>
public ref struct SubjectTokens(ReadOnlySpan<byte> subject)
{
    private ReadOnlySpan<byte> _rest = subject;

    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>No token is left.</summary>
    public bool AtEnd { get; private set; }

    public readonly SubjectTokens GetEnumerator() => this;

    public bool MoveNext()
    {
        if (AtEnd) return false;

        var dot = _rest.IndexOf((byte)'.');
        AtEnd = dot < 0;
        Current = AtEnd ? _rest : _rest[..dot];
        if (!AtEnd) _rest = _rest[(dot + 1)..];
        return true;
    }
}
