namespace EdgeSync.Iroh.Dns;

/// <summary>
/// A DNS message (RFC 1035 §4), with the records that pkarr, lookups by TXT and mDNS need.
/// <see cref="DnsReader"/> and <see cref="DnsWriter"/> are its codec.
/// </summary>
internal sealed class DnsMessage
{
    public const ushort ClassIn = 1;

    /// <summary>Set in classes of mDNS: in a record "this is all there is", in a question "answer me alone".</summary>
    public const ushort ClassFlag = 0x8000;

    public const ushort Response = 0x8000;
    public const ushort Authoritative = 0x0400;
    public const ushort Truncated = 0x0200;
    public const ushort RecursionDesired = 0x0100;
    public const ushort OpcodeMask = 0x7800;
    public const ushort CodeMask = 0x000f;

    public ushort Id { get; init; }

    public ushort Flags { get; init; }

    public bool IsResponse => (Flags & Response) != 0;

    public DnsCode Code => (DnsCode)(Flags & CodeMask);

    public IReadOnlyList<DnsQuestion> Questions { get; init; } = [];

    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];

    public IReadOnlyList<DnsRecord> Additionals { get; init; } = [];
}

/// <summary>Response codes. Spec: RFC 1035 §4.1.1.</summary>
internal enum DnsCode : byte
{
    None = 0,
    FormatError = 1,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,
}
