using System.Buffers;
using System.Buffers.Binary;

namespace EdgeSync.Iroh.Gossip;

/// <summary>
/// The streams of gossip. For each topic the sender opens a unidirectional one: first a frame with the topic, then a
/// frame for each message. A frame is its length as u32, big-endian, and its body.
/// </summary>
public static class GossipFraming
{
    /// <summary>Bytes of a body at most, unless a swarm agreed on another limit.</summary>
    public const int DefaultBodyBytesMax = 4096;

    /// <summary>The protocol of the connection.</summary>
    public static ReadOnlySpan<byte> Alpn => "/iroh-gossip/1"u8;

    /// <summary>The first frame of a stream.</summary>
    public static byte[] Header(TopicId topic) => Frame(topic.ToArray());

    /// <summary>The topic of a stream; false when the body is not a header.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> body, out TopicId topic)
    {
        topic = default;
        if (body.Length != TopicId.Bytes) return false;

        topic = new TopicId(body);
        return true;
    }

    public static byte[] Frame(ReadOnlySpan<byte> body)
    {
        var frame = new byte[sizeof(uint) + body.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)body.Length);
        body.CopyTo(frame.AsSpan(sizeof(uint)));
        return frame;
    }

    /// <summary>Takes one frame from the begin of the bytes.</summary>
    /// <param name="bytes">What a stream has brought.</param>
    /// <param name="bodyBytesMax">A longer body is invalid, before it has arrived.</param>
    /// <param name="body">Of the frame.</param>
    /// <param name="consumed">Bytes of the frame.</param>
    public static OperationStatus TryReadFrame(
        ReadOnlySpan<byte> bytes, int bodyBytesMax, out ReadOnlySpan<byte> body, out int consumed)
    {
        body = default;
        consumed = 0;
        if (bytes.Length < sizeof(uint)) return OperationStatus.NeedMoreData;

        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (length > (uint)bodyBytesMax) return OperationStatus.InvalidData;
        if (bytes.Length - sizeof(uint) < (int)length) return OperationStatus.NeedMoreData;

        body = bytes.Slice(sizeof(uint), (int)length);
        consumed = sizeof(uint) + (int)length;
        return OperationStatus.Done;
    }
}
