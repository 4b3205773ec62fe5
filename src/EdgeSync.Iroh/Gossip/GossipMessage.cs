using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;

namespace EdgeSync.Iroh.Gossip;

/// <summary>An endpoint, and the data it publishes (its addresses); null: none.</summary>
internal readonly record struct GossipPeer(EndpointId Id, byte[]? Data);

/// <summary>That a peer has a message.</summary>
/// <param name="Id">The BLAKE3 hash of its content, as a value.</param>
/// <param name="Round">Hops from its origin.</param>
internal readonly record struct Announced(EndpointId Id, ushort Round);

/// <summary>
/// A message of <c>/iroh-gossip/1</c>.
/// <code>
/// 00 00 opt(data)                      Join
/// 00 01 peer ttl                       ForwardJoin
/// 00 02 origin(32) n×peer ttl          Shuffle
/// 00 03 n×peer                         ShuffleReply
/// 00 04 priority opt(data)             Neighbor       00 high, 01 low
/// 00 05 alive respond                  Disconnect
/// 01 00 id(32) content scope           Payload        scope 00 round, or 01 for neighbours alone
/// 01 01                                Prune
/// 01 02 opt(id(32)) round              Graft
/// 01 03 n×{id(32) round}               IHave
/// peer: id(32) opt(data)   opt(x): 00 or 01 x   n×: a count before   data, content: counted
/// </code>
/// Counts, rounds and ttl are postcard integers.
/// </summary>
internal abstract record GossipMessage
{
    private const byte Membership = 0;
    private const byte Broadcast = 1;
    private const int IdBytes = EndpointId.Bytes;

    private GossipMessage()
    {
    }

    public sealed record Join(byte[]? Data) : GossipMessage;

    public sealed record ForwardJoin(GossipPeer Peer, ushort Ttl) : GossipMessage;

    public sealed record Shuffle(EndpointId Origin, IReadOnlyList<GossipPeer> Peers, ushort Ttl) : GossipMessage;

    public sealed record ShuffleReply(IReadOnlyList<GossipPeer> Peers) : GossipMessage;

    public sealed record Neighbor(bool IsHigh, byte[]? Data) : GossipMessage;

    public sealed record Disconnect(bool IsAlive) : GossipMessage;

    /// <param name="Id">The BLAKE3 hash of the content, as a value.</param>
    /// <param name="Content">Of the application.</param>
    /// <param name="Round">Hops from the origin; null: for neighbours alone.</param>
    public sealed record Payload(EndpointId Id, byte[] Content, ushort? Round) : GossipMessage;

    public sealed record Prune : GossipMessage;

    public sealed record Graft(EndpointId? Id, ushort Round) : GossipMessage;

    public sealed record IHave(IReadOnlyList<Announced> Messages) : GossipMessage;

    /// <summary>The body of a frame.</summary>
    public byte[] Encode()
    {
        var writer = new PostcardWriter();
        switch (this)
        {
            case Join join:
                Begin(writer, Membership, 0);
                WriteData(writer, join.Data);
                break;
            case ForwardJoin forward:
                Begin(writer, Membership, 1);
                WritePeer(writer, forward.Peer);
                writer.WriteVarInt(forward.Ttl);
                break;
            case Shuffle shuffle:
                Begin(writer, Membership, 2);
                writer.WriteId(shuffle.Origin);
                WritePeers(writer, shuffle.Peers);
                writer.WriteVarInt(shuffle.Ttl);
                break;
            case ShuffleReply reply:
                Begin(writer, Membership, 3);
                WritePeers(writer, reply.Peers);
                break;
            case Neighbor neighbor:
                Begin(writer, Membership, 4);
                writer.WriteBool(!neighbor.IsHigh);
                WriteData(writer, neighbor.Data);
                break;
            case Disconnect disconnect:
                Begin(writer, Membership, 5);
                writer.WriteBool(disconnect.IsAlive);
                writer.WriteBool(false);
                break;
            case Payload payload:
                Begin(writer, Broadcast, 0);
                writer.WriteId(payload.Id);
                writer.WriteCounted(payload.Content);
                writer.WriteBool(payload.Round is null);
                if (payload.Round is { } round) writer.WriteVarInt(round);
                break;
            case Prune:
                Begin(writer, Broadcast, 1);
                break;
            case Graft graft:
                Begin(writer, Broadcast, 2);
                writer.WriteBool(graft.Id is not null);
                if (graft.Id is { } id) writer.WriteId(id);
                writer.WriteVarInt(graft.Round);
                break;
            case IHave have:
                Begin(writer, Broadcast, 3);
                writer.WriteVarInt((ulong)have.Messages.Count);
                foreach (var message in have.Messages)
                {
                    writer.WriteId(message.Id);
                    writer.WriteVarInt(message.Round);
                }

                break;
        }

        return writer.Written.ToArray();
    }

    /// <summary>Null for a body that is not one message.</summary>
    public static GossipMessage? Decode(ReadOnlySpan<byte> body)
    {
        var reader = new PostcardReader(body);
        if (!reader.TryReadByte(out var layer) || !reader.TryReadByte(out var kind)) return null;

        var message = layer switch
        {
            Membership => ReadMembership(kind, ref reader),
            Broadcast => ReadBroadcast(kind, ref reader),
            _ => null,
        };
        return reader.IsAtEnd ? message : null;
    }

    private static GossipMessage? ReadMembership(byte kind, ref PostcardReader reader)
    {
        switch (kind)
        {
            case 0: return TryReadData(ref reader, out var data) ? new Join(data) : null;
            case 1:
                return TryReadPeer(ref reader, out var peer) && reader.TryReadUInt16(out var ttl)
                    ? new ForwardJoin(peer, ttl) : null;
            case 2:
                return reader.TryReadId(out var origin) && TryReadPeers(ref reader, out var peers)
                    && reader.TryReadUInt16(out ttl) ? new Shuffle(origin, peers, ttl) : null;
            case 3: return TryReadPeers(ref reader, out peers) ? new ShuffleReply(peers) : null;
            case 4:
                return reader.TryReadBool(out var isLow) && TryReadData(ref reader, out data)
                    ? new Neighbor(!isLow, data) : null;
            case 5:
                return reader.TryReadBool(out var isAlive) && reader.TryReadBool(out _)
                    ? new Disconnect(isAlive) : null;
            default: return null;
        }
    }

    private static GossipMessage? ReadBroadcast(byte kind, ref PostcardReader reader)
    {
        switch (kind)
        {
            case 0: return ReadPayload(ref reader);
            case 1: return new Prune();
            case 2: return ReadGraft(ref reader);
            case 3: return ReadIHave(ref reader);
            default: return null;
        }
    }

    private static Payload? ReadPayload(ref PostcardReader reader)
    {
        if (!TryReadHash(ref reader, out var id) || !reader.TryReadCounted(out var content)) return null;

        var copy = content.ToArray();
        if (!reader.TryReadBool(out var isForNeighbors)) return null;
        if (isForNeighbors) return new Payload(id, copy, null);

        return reader.TryReadUInt16(out var round) ? new Payload(id, copy, round) : null;
    }

    private static Graft? ReadGraft(ref PostcardReader reader)
    {
        if (!reader.TryReadBool(out var hasId)) return null;

        EndpointId? id = null;
        if (hasId)
        {
            if (!TryReadHash(ref reader, out var hash)) return null;
            id = hash;
        }

        return reader.TryReadUInt16(out var round) ? new Graft(id, round) : null;
    }

    private static IHave? ReadIHave(ref PostcardReader reader)
    {
        if (!reader.TryReadCount(IdBytes + 1, out var count)) return null;

        var messages = new Announced[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryReadHash(ref reader, out var id) || !reader.TryReadUInt16(out var round)) return null;
            messages[i] = new Announced(id, round);
        }

        return new IHave(messages);
    }

    private static void Begin(PostcardWriter writer, byte layer, byte kind)
    {
        writer.WriteByte(layer);
        writer.WriteByte(kind);
    }

    private static void WriteData(PostcardWriter writer, byte[]? data)
    {
        writer.WriteBool(data is not null);
        if (data is not null) writer.WriteCounted(data);
    }

    private static void WritePeer(PostcardWriter writer, GossipPeer peer)
    {
        writer.WriteId(peer.Id);
        WriteData(writer, peer.Data);
    }

    private static void WritePeers(PostcardWriter writer, IReadOnlyList<GossipPeer> peers)
    {
        writer.WriteVarInt((ulong)peers.Count);
        foreach (var peer in peers) WritePeer(writer, peer);
    }

    // Hashes are encoded as ids are, but are not keys.
    private static bool TryReadHash(ref PostcardReader reader, out EndpointId hash)
    {
        hash = default;
        if (!reader.TryReadBytes(IdBytes, out var bytes)) return false;

        hash = new EndpointId(bytes);
        return true;
    }

    private static bool TryReadData(ref PostcardReader reader, out byte[]? data)
    {
        data = null;
        if (!reader.TryReadBool(out var hasData)) return false;
        if (!hasData) return true;
        if (!reader.TryReadCounted(out var bytes)) return false;

        data = bytes.ToArray();
        return true;
    }

    private static bool TryReadPeer(ref PostcardReader reader, out GossipPeer peer)
    {
        peer = default;
        if (!reader.TryReadId(out var id) || !TryReadData(ref reader, out var data)) return false;

        peer = new GossipPeer(id, data);
        return true;
    }

    private static bool TryReadPeers(ref PostcardReader reader, out GossipPeer[] peers)
    {
        peers = [];
        if (!reader.TryReadCount(IdBytes + 1, out var count)) return false;

        peers = new GossipPeer[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryReadPeer(ref reader, out peers[i])) return false;
        }

        return true;
    }
}
