using EdgeSync.Fossil.Xfer;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Unpacks requests and replies of all transports, with one limit by the memory of this machine.
/// </summary>
internal static class MessageFrame
{
    /// <summary>Of a message, unpacked.</summary>
    public static readonly int BytesMax = MemoryLimit.MessageBytesMax;

    public static XferEncoding EncodingOf(XferContentType type) =>
        type == XferContentType.Compressed ? XferEncoding.Zlib : XferEncoding.Plain;

    /// <summary>A reply to a request of ours.</summary>
    /// <exception cref="EdgeSyncException">The reply is larger than the limit, or does not unpack.</exception>
    public static ReadOnlyMemory<byte> Decode(
        XferEncoding encoding, ReadOnlyMemory<byte> framed, string target, ByteShare? memory = null) =>
        TryDecode(encoding, framed, memory, out var reply) switch
        {
            MessageFault.None => reply,
            MessageFault.BeyondMemory => throw TooLarge(target, MemoryLimit.Messages.BytesMax),
            MessageFault.NoRoomNow => throw NoRoom(target),
            MessageFault.TooLarge => throw TooLarge(target, BytesMax),
            _ => throw new EdgeSyncException(ErrorKind.Protocol, $"the reply of {target} does not unpack"),
        };

    /// <summary>
    /// An untrusted request: its size is taken from a share of the memory before anything is unpacked.
    /// </summary>
    /// <param name="memory">Null: not counted.</param>
    public static MessageFault TryDecode(
        XferEncoding encoding, ReadOnlyMemory<byte> framed, ByteShare? memory, out ReadOnlyMemory<byte> message)
    {
        message = default;
        var unpacked = XferFrame.UnpackedBytes(encoding, framed.Span);
        if (unpacked <= BytesMax && memory is not null && !memory.TryGrow(unpacked))
            return memory.IsBeyondAll(unpacked) ? MessageFault.BeyondMemory : MessageFault.NoRoomNow;

        return XferFrame.TryDecode(encoding, framed, BytesMax, out message) switch
        {
            XferFrameFault.None => MessageFault.None,
            XferFrameFault.TooLarge => MessageFault.TooLarge,
            _ => MessageFault.Damaged,
        };
    }

    /// <summary>The front of a reply that was cut off, unpacked.</summary>
    public static ReadOnlyMemory<byte> DecodeFront(XferEncoding encoding, ReadOnlyMemory<byte> framed) =>
        XferFrame.DecodeFront(encoding, framed.ToArray(), BytesMax);

    /// <exception cref="EdgeSyncException">More bytes arrived than a message may have.</exception>
    public static void RequireSize(long bytes, string target)
    {
        if (bytes > BytesMax) throw TooLarge(target, BytesMax);
    }

    /// <summary>Of a reply that is passed on: it counts among the messages of strangers.</summary>
    /// <exception cref="EdgeSyncException">There is no room for so many bytes more, now or at all.</exception>
    public static void RequireRoom(ByteShare memory, int bytes, string target)
    {
        if (memory.TryGrow(bytes)) return;
        if (memory.IsBeyondAll(bytes)) throw TooLarge(target, MemoryLimit.Messages.BytesMax);

        throw NoRoom(target);
    }

    private static EdgeSyncException NoRoom(string target) =>
        new(ErrorKind.Unavailable, $"no memory is left for the reply of {target}");

    private static EdgeSyncException TooLarge(string target, long bytesMax) =>
        new(ErrorKind.Protocol, $"{target} sends a message of more than {bytesMax} bytes");
}

/// <summary>Why a message was not unpacked.</summary>
internal enum MessageFault
{
    None,

    /// <summary>Larger than <see cref="MessageFrame.BytesMax"/>.</summary>
    TooLarge,

    /// <summary>It exceeds the memory for all such messages together.</summary>
    BeyondMemory,

    /// <summary>Other messages hold the memory at the moment.</summary>
    NoRoomNow,

    /// <summary>It does not match its encoding.</summary>
    Damaged,
}
