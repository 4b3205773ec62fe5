using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Tickets;

/// <summary>Why a text is not a ticket that we can use.</summary>
public enum TicketFault
{
    None,

    /// <summary>It does not begin like one.</summary>
    NotATicket,

    /// <summary>It is one of iroh before 1.0 (<c>node…</c>), whose endpoints speak another protocol.</summary>
    Older,

    /// <summary>Characters are missing, added or changed.</summary>
    Damaged,

    /// <summary>It has a form or a kind of address that came after 1.0.</summary>
    Unsupported,
}

/// <summary>
/// An endpoint's address as one word, as iroh 1.x prints it.
/// <code>
/// "endpoint" base32(00 id count address…)      RFC 4648 in lower case, no padding; upper case is read too
/// address    00 length utf8                    a relay
///            01 00 4 bytes port                IPv4
///            01 01 16 bytes port               IPv6
/// </code>
/// Count, length and port are postcard integers.
/// </summary>
public static class EndpointTicket
{
    private const string Prefix = "endpoint";
    private const string OlderPrefix = "node";
    private const int LengthMax = 16 * 1024;
    private const byte FirstVersion = 0;
    private const byte RelayAddress = 0;
    private const byte IpAddress = 1;
    private const int AddressBytesMin = 2;

    public static string Format(EndpointAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var writer = new PostcardWriter();
        writer.WriteByte(FirstVersion);
        writer.WriteId(address.Id);
        writer.WriteVarInt((ulong)(address.Relays.Count + address.Direct.Count));
        foreach (var relay in address.Relays)
        {
            writer.WriteByte(RelayAddress);
            writer.WriteText(relay.Text);
        }

        foreach (var direct in address.Direct)
        {
            writer.WriteByte(IpAddress);
            writer.WriteAddress(direct);
        }

        return Prefix + Base32Coding.Rfc4648.Encode(writer.Written);
    }

    /// <summary>The prefix must be in lower case, as it must for iroh.</summary>
    public static TicketFault TryParse(string? text, out EndpointAddress? address)
    {
        address = null;
        if (text is null || text.Length > LengthMax) return TicketFault.NotATicket;
        if (text.StartsWith(OlderPrefix, StringComparison.Ordinal)) return TicketFault.Older;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return TicketFault.NotATicket;

        return Base32Coding.Rfc4648.TryDecode(text[Prefix.Length..].ToLowerInvariant(), out var bytes)
            ? Read(bytes, out address) : TicketFault.Damaged;
    }

    /// <summary>The same with the reasons as text.</summary>
    /// <exception cref="EdgeSyncException">It is not a ticket.</exception>
    public static EndpointAddress Parse(string? text) => TryParse(text, out var address) switch
    {
        TicketFault.None => address!,
        TicketFault.Older => throw Bad("the ticket is of an iroh before 1.0"),
        TicketFault.Damaged => throw Bad("the ticket is damaged: copy it again, all of it"),
        TicketFault.Unsupported => throw Bad("the ticket is of a newer version"),
        _ => throw Bad("a ticket begins with 'endpoint'"),
    };

    private static EdgeSyncException Bad(string message) => new(ErrorKind.Usage, message);

    private static TicketFault Read(ReadOnlySpan<byte> bytes, out EndpointAddress? address)
    {
        address = null;
        var reader = new PostcardReader(bytes);
        if (!reader.TryReadByte(out var version)) return TicketFault.Damaged;
        if (version != FirstVersion) return TicketFault.Unsupported;
        if (!reader.TryReadId(out var id) || !reader.TryReadCount(AddressBytesMin, out var count))
            return TicketFault.Damaged;

        List<RelayUrl> relays = [];
        List<UdpAddress> direct = [];
        for (var i = 0; i < count; i++)
        {
            if (ReadAddress(ref reader, relays, direct) is var fault and not TicketFault.None) return fault;
        }

        if (!reader.IsAtEnd) return TicketFault.Damaged;

        address = new EndpointAddress(id, relays, direct);
        return TicketFault.None;
    }

    private static TicketFault ReadAddress(
        ref PostcardReader reader, List<RelayUrl> relays, List<UdpAddress> direct)
    {
        if (!reader.TryReadByte(out var kind)) return TicketFault.Damaged;

        switch (kind)
        {
            case RelayAddress when reader.TryReadText(out var text) && RelayUrl.TryParse(text, out var relay):
                relays.Add(relay);
                return TicketFault.None;
            case IpAddress when reader.TryReadAddress(out var ip):
                direct.Add(ip);
                return TicketFault.None;
            case RelayAddress or IpAddress: return TicketFault.Damaged;
            default: return TicketFault.Unsupported;
        }
    }
}
