using System.Net;

namespace EdgeSync.Iroh.Dns;

/// <summary>The types of records that are read; others are kept without their data.</summary>
internal enum DnsType : ushort
{
    A = 1,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Opt = 41,
    Any = 255,
}

/// <summary>
/// One question. Names are in lower case, without the final dot; a dot or backslash inside a label has a backslash
/// before it.
/// </summary>
internal readonly record struct DnsQuestion(string Name, DnsType Type, ushort Class);

/// <summary>One record, its data by its type.</summary>
internal sealed record DnsRecord(string Name, DnsType Type, uint TtlSeconds)
{
    /// <summary>The class; for <see cref="DnsType.Opt"/> the bytes of an answer that its sender takes.</summary>
    public ushort Class { get; init; } = DnsMessage.ClassIn;

    /// <summary>The strings of a TXT record.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    /// <summary>The name that a PTR or SRV record points to.</summary>
    public string Target { get; init; } = "";

    /// <summary>Of an SRV record.</summary>
    public ushort Port { get; init; }

    /// <summary>Of an A or AAAA record.</summary>
    public IPAddress? Address { get; init; }
}
