using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Dns;

/// <summary>
/// Answers DNS queries for the records of a <see cref="PkarrStore"/>: TXT <c>_iroh.&lt;z32 id>.&lt;origin></c>. A
/// name without records does not exist; other names are refused, so it is not an open resolver.
/// </summary>
public sealed class DnsOrigin
{
    /// <summary>Bytes of an answer over UDP that every client takes.</summary>
    public const int PlainBytesMax = 512;

    /// <summary>The largest answer over UDP, in bytes: it passes every network unfragmented.</summary>
    public const int ExtendedBytesMax = 1232;

    private const int HeaderBytes = 12;
    private const uint TtlSeconds = 30;
    private const string Prefix = "_iroh.";

    private readonly PkarrStore _store;
    private readonly string _suffix;

    /// <param name="store">Where the records are.</param>
    /// <param name="origin">The zone, such as <c>dns.example.org</c>.</param>
    public DnsOrigin(PkarrStore store, string origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        _store = store;
        Origin = origin.TrimEnd('.').ToLowerInvariant();
        _suffix = "." + Origin;
    }

    /// <summary>The zone, in lower case and without a final dot.</summary>
    public string Origin { get; }

    /// <summary>The answer to a query; null for what is none.</summary>
    /// <param name="now">The time.</param>
    /// <param name="query">As it came.</param>
    /// <param name="isStream">Over TCP, where an answer has no limit.</param>
    public byte[]? Answer(Instant now, ReadOnlySpan<byte> query, bool isStream)
    {
        if (query.Length < HeaderBytes) return null;

        var id = (ushort)((query[0] << 8) | query[1]);
        if (!DnsReader.TryRead(query, out var read))
            return (query[2] & 0x80) != 0 ? null : Reply(id, 0, [], [], DnsCode.FormatError, null);
        if (read.IsResponse) return null;

        var extended = read.Additionals.FirstOrDefault(a => a.Type == DnsType.Opt);
        if ((read.Flags & DnsMessage.OpcodeMask) != 0)
            return Reply(id, read.Flags, read.Questions, [], DnsCode.NotImplemented, extended);
        if (read.Questions.Count != 1)
            return Reply(id, read.Flags, read.Questions, [], DnsCode.FormatError, extended);

        var (code, answers) = Find(now, read.Questions[0]);
        var reply = Reply(id, read.Flags, read.Questions, answers, code, extended);
        var bytesMax = extended is null ? PlainBytesMax
            : Math.Clamp(extended.Class, (ushort)PlainBytesMax, (ushort)ExtendedBytesMax);
        return isStream || reply.Length <= bytesMax ? reply
            : Reply(id, (ushort)(read.Flags | DnsMessage.Truncated), read.Questions, [], code, extended);
    }

    private (DnsCode Code, IReadOnlyList<DnsRecord> Answers) Find(Instant now, DnsQuestion question)
    {
        if (question.Name == Origin) return (DnsCode.None, []);
        if (!question.Name.EndsWith(_suffix, StringComparison.Ordinal) || question.Class != DnsMessage.ClassIn)
            return (DnsCode.Refused, []);

        var name = question.Name[..^_suffix.Length];
        if (!name.StartsWith(Prefix, StringComparison.Ordinal)
            || !EndpointId.TryParseZ32(name.AsSpan(Prefix.Length), out var id)
            || !_store.TryGet(now, id, out var packet))
            return (DnsCode.NoSuchName, []);

        return question.Type is DnsType.Txt or DnsType.Any
            ? (DnsCode.None, [.. packet.Texts().Select(
                t => new DnsRecord(question.Name, DnsType.Txt, TtlSeconds) { Texts = [t] })])
            : (DnsCode.None, []);
    }

    private static byte[] Reply(
        ushort id, ushort flags, IReadOnlyList<DnsQuestion> questions, IReadOnlyList<DnsRecord> answers, DnsCode code,
        DnsRecord? extended)
    {
        var kept = flags & (DnsMessage.OpcodeMask | DnsMessage.RecursionDesired | DnsMessage.Truncated);
        return DnsWriter.Write(new DnsMessage
        {
            Id = id,
            Flags = (ushort)(DnsMessage.Response | DnsMessage.Authoritative | kept | (int)code),
            Questions = questions,
            Answers = answers,
            Additionals = extended is null ? [] : [new DnsRecord("", DnsType.Opt, 0) { Class = ExtendedBytesMax }],
        });
    }
}
