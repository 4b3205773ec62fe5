using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Iroh.Dns;

public enum TxtAnswer
{
    /// <summary>Not the answer to this query: keep waiting.</summary>
    Foreign,

    /// <summary>The records are there.</summary>
    Found,

    /// <summary>The name has no such records.</summary>
    None,

    /// <summary>It was truncated: repeat the query over TCP.</summary>
    Truncated,

    /// <summary>The server cannot or will not answer: query another one.</summary>
    Failed,
}

/// <summary>A question for what an endpoint publishes, and the check of answers to it.</summary>
public sealed class TxtQuery
{
    private readonly ushort _number;
    private readonly EndpointId _id;
    private readonly string _name;

    /// <param name="id">Of the endpoint.</param>
    /// <param name="origin">The zone that has the records.</param>
    /// <param name="number">Not predictable: an answer must repeat it.</param>
    public TxtQuery(EndpointId id, string origin, ushort number)
    {
        ArgumentNullException.ThrowIfNull(origin);
        _number = number;
        _id = id;
        _name = $"{SignedPacket.NameOf(id)}.{origin.TrimEnd('.').ToLowerInvariant()}";
        Bytes = DnsWriter.Write(new DnsMessage
        {
            Id = number,
            Flags = DnsMessage.RecursionDesired,
            Questions = [new DnsQuestion(_name, DnsType.Txt, DnsMessage.ClassIn)],
            Additionals = [new DnsRecord("", DnsType.Opt, 0) { Class = DnsOrigin.ExtendedBytesMax }],
        });
    }

    /// <summary>The query as it is sent over UDP.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <param name="message">A datagram of the queried server.</param>
    /// <param name="info">What the endpoint publishes.</param>
    public TxtAnswer Read(ReadOnlySpan<byte> message, out EndpointInfo? info)
    {
        info = null;
        if (!DnsReader.TryRead(message, out var read) || !read.IsResponse || read.Id != _number
            || read.Questions.Count != 1 || read.Questions[0].Name != _name
            || read.Questions[0].Type != DnsType.Txt) return TxtAnswer.Foreign;
        if ((read.Flags & DnsMessage.Truncated) != 0) return TxtAnswer.Truncated;
        if (read.Code is not (DnsCode.None or DnsCode.NoSuchName)) return TxtAnswer.Failed;

        var texts = read.Answers.Where(a => a.Type == DnsType.Txt && a.Name == _name)
            .Select(a => string.Concat(a.Texts)).ToArray();
        if (texts.Length == 0) return TxtAnswer.None;

        info = EndpointInfo.FromTexts(_id, texts);
        return TxtAnswer.Found;
    }
}
