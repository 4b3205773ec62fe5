using System.Globalization;

namespace EdgeSync.Nats.Exchange;

/// <summary>Why a peer refuses a request; one kind per reaction.</summary>
public enum ExchangeRefusal
{
    None,

    /// <summary>Too busy: try again later.</summary>
    Busy,

    /// <summary>The request or the reply is too large for this transport.</summary>
    TooLarge,

    /// <summary>The transfer is unknown or expired: start again.</summary>
    Gone,

    /// <summary>The responder's upstream cannot be reached.</summary>
    Upstream,

    /// <summary>It failed for another reason.</summary>
    Failed,
}

/// <summary>
/// The headers of one message of an exchange. Requests and replies that fit into one message have the original's form,
/// with headers that it does not read; larger ones are sent in parts, if both peers support that:
/// <code>
///   EdgeSync-Peer: NODE                the sender
///   EdgeSync-Accept: parts=BYTES       request: replies may be in parts, each at most that large
///   Content-Type: TYPE                 the framing of the body; absent means compressed
///   EdgeSync-Transfer: ID              this body is a part of a larger one ...
///   EdgeSync-Part: I/N                 ... which one, of how many
///   EdgeSync-Size: BYTES               ... size of the whole
///   EdgeSync-Fetch: ID                 request: send me that part of your reply
///   EdgeSync-Stored: I                 reply: your part has arrived
///   EdgeSync-Ask: ID                   request: is that request still in progress? reply: yes
///   EdgeSync-Error: KIND SENTENCE      reply without a body: why there is none
/// </code>
/// </summary>
public sealed record ExchangeHead
{
    public const string PeerKey = "EdgeSync-Peer";
    public const string AcceptKey = "EdgeSync-Accept";
    public const string ContentTypeKey = "Content-Type";
    public const string TransferKey = "EdgeSync-Transfer";
    public const string PartKey = "EdgeSync-Part";
    public const string SizeKey = "EdgeSync-Size";
    public const string FetchKey = "EdgeSync-Fetch";
    public const string StoredKey = "EdgeSync-Stored";
    public const string AskKey = "EdgeSync-Ask";
    public const string ErrorKey = "EdgeSync-Error";

    private const string AcceptParts = "parts=";
    private const int TextLengthMax = 400;
    private const int IdLengthMax = 64;
    private const int PartsMax = 65_536;

    public static ExchangeHead Empty { get; } = new();

    public string? Peer { get; init; }

    /// <summary>Largest part that the requester accepts; zero: it accepts one message only.</summary>
    public int AcceptPartBytes { get; init; }

    public string? ContentType { get; init; }

    public string? Transfer { get; init; }

    public int Part { get; init; }

    /// <summary>Zero where the message is whole.</summary>
    public int Parts { get; init; }

    public long Size { get; init; }

    public string? Fetch { get; init; }

    /// <summary>The request whose state is queried.</summary>
    public string? Ask { get; init; }

    /// <summary>The part that arrived, or -1.</summary>
    public int Stored { get; init; } = -1;

    public ExchangeRefusal Refusal { get; init; }

    /// <summary>The reason of a <see cref="Refusal"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>Reads known headers and skips the rest. Malformed values count as absent.</summary>
    public static ExchangeHead Parse(IEnumerable<KeyValuePair<string, string>>? fields)
    {
        var head = Empty;
        foreach (var (key, value) in fields ?? [])
        {
            if (key.Equals(PeerKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Peer = Bounded(value, 128) };
            else if (key.Equals(AcceptKey, StringComparison.OrdinalIgnoreCase))
                head = head with { AcceptPartBytes = PartBytesOf(value) };
            else if (key.Equals(ContentTypeKey, StringComparison.OrdinalIgnoreCase))
                head = head with { ContentType = Bounded(value, 128) };
            else if (key.Equals(TransferKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Transfer = Bounded(value, IdLengthMax) };
            else if (key.Equals(FetchKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Fetch = Bounded(value, IdLengthMax) };
            else if (key.Equals(AskKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Ask = Bounded(value, IdLengthMax) };
            else if (key.Equals(SizeKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Size = Number(value, long.MaxValue) };
            else if (key.Equals(StoredKey, StringComparison.OrdinalIgnoreCase))
                head = head with { Stored = (int)Number(value, PartsMax) };
            else if (key.Equals(PartKey, StringComparison.OrdinalIgnoreCase)) head = WithPart(head, value);
            else if (key.Equals(ErrorKey, StringComparison.OrdinalIgnoreCase)) head = WithError(head, value);
        }

        return head;
    }

    /// <summary>The headers to send.</summary>
    public IEnumerable<KeyValuePair<string, string>> ToFields()
    {
        if (Peer is not null) yield return new(PeerKey, Peer);
        if (AcceptPartBytes > 0) yield return new(AcceptKey, AcceptParts + Text(AcceptPartBytes));
        if (ContentType is not null) yield return new(ContentTypeKey, ContentType);
        if (Transfer is not null) yield return new(TransferKey, Transfer);
        if (Fetch is not null) yield return new(FetchKey, Fetch);
        if (Ask is not null) yield return new(AskKey, Ask);
        if (Parts > 0) yield return new(PartKey, $"{Text(Part)}/{Text(Parts)}");
        if (Size > 0) yield return new(SizeKey, Text(Size));
        if (Stored >= 0) yield return new(StoredKey, Text(Stored));
        if (Refusal != ExchangeRefusal.None) yield return new(ErrorKey, $"{WordOf(Refusal)} {OneLine(Reason)}");
    }

    private static ExchangeHead WithPart(ExchangeHead head, string value)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return head;

        var (part, parts) = (Number(value[..slash], PartsMax), Number(value[(slash + 1)..], PartsMax));
        return part >= 0 && parts > 0 && part < parts ? head with { Part = (int)part, Parts = (int)parts } : head;
    }

    private static ExchangeHead WithError(ExchangeHead head, string value)
    {
        var blank = value.IndexOf(' ', StringComparison.Ordinal);
        var word = blank < 0 ? value : value[..blank];
        var refusal = word switch
        {
            "busy" => ExchangeRefusal.Busy,
            "too-large" => ExchangeRefusal.TooLarge,
            "gone" => ExchangeRefusal.Gone,
            "upstream" => ExchangeRefusal.Upstream,
            _ => ExchangeRefusal.Failed,
        };
        return head with
        {
            Refusal = refusal,
            Reason = Bounded(blank < 0 ? value : value[(blank + 1)..], TextLengthMax)
        };
    }

    private static string WordOf(ExchangeRefusal refusal) => refusal switch
    {
        ExchangeRefusal.Busy => "busy",
        ExchangeRefusal.TooLarge => "too-large",
        ExchangeRefusal.Gone => "gone",
        ExchangeRefusal.Upstream => "upstream",
        _ => "failed",
    };

    private static int PartBytesOf(string value) =>
        value.StartsWith(AcceptParts, StringComparison.Ordinal)
        ? (int)Math.Max(0, Number(value[AcceptParts.Length..], int.MaxValue))
        : 0;

    private static long Number(string text, long max) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= max
        ? number
        : -1;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string? Bounded(string value, int lengthMax) =>
        value.Length == 0 ? null : value.Length > lengthMax ? value[..lengthMax] : value;

    private static string OneLine(string? text)
    {
        var line = (text ?? "").ReplaceLineEndings(" ");
        return line.Length > TextLengthMax ? line[..TextLengthMax] : line;
    }
}

/// <summary>Limits of exchanges.</summary>
public sealed record ExchangeOptions
{
    /// <summary>Space reserved for subject and headers of a message.</summary>
    public const int HeaderBytesMax = 2048;

    /// <summary>This node's name.</summary>
    public required string NodeId { get; init; }

    /// <summary>The <c>max_payload</c> of the connection.</summary>
    public int MaxPayload { get; init; } = 1 << 20;

    /// <summary>
    /// Size of a part: small enough to pass a slow link in seconds, and servers on the way with small limits.
    /// </summary>
    public int PartBytes { get; init; } = 64 << 10;

    /// <summary>Largest message that is assembled from parts.</summary>
    public int WholeBytesMax { get; init; } = 64 << 20;

    /// <summary>Bytes of unfinished transfers that a responder keeps for all peers together.</summary>
    public long HeldBytesMax { get; init; } = 128L << 20;

    /// <summary>Transfers that a responder keeps for all peers together.</summary>
    public int TransfersMax { get; init; } = 64;

    /// <summary>A transfer without progress for this long is dropped.</summary>
    public TimeSpan IdleMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After this much silence a message counts as lost. Spec: edgesync.md §3.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After this much silence the state of the request is queried.</summary>
    public TimeSpan AskAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How much later than the reply to a status query an earlier reply may be delivered.
    /// </summary>
    public TimeSpan LateBy { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often a part is requested before the exchange fails.</summary>
    public int AttemptsMax { get; init; } = 3;

    /// <summary>Parts under way at once, to begin with.</summary>
    public int Window { get; init; } = 4;

    /// <summary>
    /// Parts under way at most: with <see cref="PartBytes"/>, what a satellite carries in a round trip.
    /// </summary>
    public int WindowMax { get; init; } = 32;

    /// <summary>The largest body of one message on this connection.</summary>
    public int MessageBytesMax => Math.Max(1024, MaxPayload - HeaderBytesMax);

    /// <summary>The size of parts on this connection.</summary>
    public int PartBytesHere => Math.Min(PartBytes, MessageBytesMax);
}

/// <summary>One message to send or received: its headers and its body.</summary>
public readonly record struct ExchangeMessage(ExchangeHead Head, ReadOnlyMemory<byte> Body);
