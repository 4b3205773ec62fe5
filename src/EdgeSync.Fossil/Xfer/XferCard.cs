using System.Runtime.CompilerServices;

namespace EdgeSync.Fossil.Xfer;

/// <summary>The first word of a card. Spec: www/sync.wiki §3, and our table-sync extension.</summary>
public enum CardKind : byte
{
    /// <summary>An unknown word.</summary>
    Unknown,

    /// <summary>A line of white space only. Harmless in a reply, an error in a request.</summary>
    Blank,

    /// <summary>A line that starts with <c>#</c>.</summary>
    Comment,

    Login,
    Push,
    Pull,
    Clone,
    CloneSeqno,
    File,
    CFile,
    Private,
    IGot,
    Gimme,
    UvFile,
    UvIGot,
    UvGimme,
    Config,
    ReqConfig,
    Cookie,
    Message,
    Error,
    Pragma,
    Schema,
    XIGot,
    XGimme,
    XRow,
    XDelete,
}

/// <summary>
/// One card of a message, as slices of it: the line, its first six tokens, and for cards that carry bytes those bytes.
/// Borrowed from the reader's input.
/// </summary>
public readonly ref struct XferCard
{
    /// <summary>Tokens after the sixth are ignored. Spec: xfer.c, <c>aToken[6]</c>.</summary>
    public const int TokensMax = 6;

    private readonly TokenEnds _tokens;

    internal XferCard(ReadOnlySpan<byte> line)
    {
        Line = line;
        if (!line.IsEmpty && line[0] == (byte)'#')
        {
            Kind = CardKind.Comment;
            return;
        }

        var at = 0;
        while (Count < TokensMax)
        {
            while (at < line.Length && IsSpace(line[at])) at++;
            if (at == line.Length) break;

            var start = at;
            while (at < line.Length && !IsSpace(line[at])) at++;
            _tokens[Count++] = new Token(start, at - start);
        }

        Kind = Count == 0 ? CardKind.Blank : KindOf(this[0]);
    }

    private XferCard(XferCard header, ReadOnlySpan<byte> payload)
    {
        this = header;
        Payload = payload;
    }

    public CardKind Kind { get; }

    /// <summary>The line without its line feed.</summary>
    public ReadOnlySpan<byte> Line { get; }

    /// <summary>The bytes that follow the line; empty for cards that carry none.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Number of tokens, keyword included, at most <see cref="TokensMax"/>.</summary>
    public int Count { get; }

    /// <summary>A token; empty if there are fewer.</summary>
    public ReadOnlySpan<byte> this[int index] =>
        (uint)index < (uint)Count ? Line.Slice(_tokens[index].Start, _tokens[index].Length) : default;

    internal XferCard WithPayload(ReadOnlySpan<byte> payload) => new(this, payload);

    private static bool IsSpace(byte b) => b is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static CardKind KindOf(ReadOnlySpan<byte> word) => word.Length switch
    {
        4 when word.SequenceEqual("igot"u8) => CardKind.IGot,
        4 when word.SequenceEqual("file"u8) => CardKind.File,
        4 when word.SequenceEqual("push"u8) => CardKind.Push,
        4 when word.SequenceEqual("pull"u8) => CardKind.Pull,
        4 when word.SequenceEqual("xrow"u8) => CardKind.XRow,
        5 when word.SequenceEqual("gimme"u8) => CardKind.Gimme,
        5 when word.SequenceEqual("cfile"u8) => CardKind.CFile,
        5 when word.SequenceEqual("login"u8) => CardKind.Login,
        5 when word.SequenceEqual("clone"u8) => CardKind.Clone,
        5 when word.SequenceEqual("error"u8) => CardKind.Error,
        5 when word.SequenceEqual("xigot"u8) => CardKind.XIGot,
        6 when word.SequenceEqual("pragma"u8) => CardKind.Pragma,
        6 when word.SequenceEqual("config"u8) => CardKind.Config,
        6 when word.SequenceEqual("cookie"u8) => CardKind.Cookie,
        6 when word.SequenceEqual("uvfile"u8) => CardKind.UvFile,
        6 when word.SequenceEqual("uvigot"u8) => CardKind.UvIGot,
        6 when word.SequenceEqual("schema"u8) => CardKind.Schema,
        6 when word.SequenceEqual("xgimme"u8) => CardKind.XGimme,
        7 when word.SequenceEqual("private"u8) => CardKind.Private,
        7 when word.SequenceEqual("message"u8) => CardKind.Message,
        7 when word.SequenceEqual("uvgimme"u8) => CardKind.UvGimme,
        7 when word.SequenceEqual("xdelete"u8) => CardKind.XDelete,
        9 when word.SequenceEqual("reqconfig"u8) => CardKind.ReqConfig,
        11 when word.SequenceEqual("clone_seqno"u8) => CardKind.CloneSeqno,
        _ => CardKind.Unknown,
    };

    private readonly record struct Token(int Start, int Length);

    [InlineArray(TokensMax)]
    private struct TokenEnds
    {
        private Token _first;
    }
}
