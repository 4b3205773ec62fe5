using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Gossip;

/// <summary>
/// Where an endpoint is, as nodes of a swarm tell it of themselves and others:
/// <code>
/// 00 | 01 length utf8                          the relay's URL, if there is one
/// count (00 4 bytes port | 01 16 bytes port)…
/// </code>
/// Count, length and ports are postcard integers.
/// </summary>
internal static class GossipAddress
{
    /// <summary>Longer data of a peer is ignored: eight fit into one message.</summary>
    public const int BytesMax = 460;

    /// <summary>Addresses that are sent; the others are left out.</summary>
    private const int DirectMax = 16;

    private const int AddressBytesMin = 2;
    private const int AddressBytesMax = 1 + 16 + 3;
    private const int HeadBytesMax = 2;

    public static byte[] Encode(EndpointAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var relay = address.Relays.FirstOrDefault(r => r.Text.Length < BytesMax / 4);
        var room = BytesMax - HeadBytesMax - (relay is null ? 0 : relay.Text.Length + 2);
        var direct = address.Direct.Take(Math.Min(DirectMax, room / AddressBytesMax)).ToArray();
        var writer = new PostcardWriter();
        writer.WriteBool(relay is not null);
        if (relay is not null) writer.WriteText(relay.Text);
        writer.WriteVarInt((ulong)direct.Length);
        foreach (var one in direct) writer.WriteAddress(one);
        return writer.Written.ToArray();
    }

    /// <summary>Null when the bytes do not have this form, or name no way.</summary>
    public static EndpointAddress? Decode(EndpointId id, ReadOnlySpan<byte> data)
    {
        var reader = new PostcardReader(data);
        RelayUrl? relay = null;
        if (!reader.TryReadBool(out var hasRelay)) return null;
        if (hasRelay && !(reader.TryReadText(out var text) && RelayUrl.TryParse(text, out relay))) return null;
        if (!reader.TryReadCount(AddressBytesMin, out var count)) return null;

        var direct = new List<UdpAddress>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadAddress(out var address)) return null;
            if (i < DirectMax) direct.Add(address);
        }

        if (!reader.IsAtEnd || (relay is null && direct.Count == 0)) return null;
        return new EndpointAddress(id, relay is null ? [] : [relay], direct);
    }
}
