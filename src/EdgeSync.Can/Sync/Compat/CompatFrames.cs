using System.Buffers.Binary;
using EdgeSync.Can.Sync.Wire;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>The messages of the original's protocol. Spec: can.md §8.2.</summary>
public enum CompatFrame : byte
{
    /// <summary>All hashes of the sender's service (<c>HashesResponse</c>).</summary>
    HashSet = 0x01,

    /// <summary>One asset with its content (<c>AssetBundle</c>).</summary>
    AssetBundle = 0x02,

    /// <summary>Tags, description and trash state of an asset (<c>MetaUpdate</c>).</summary>
    MetaUpdate = 0x03,

    /// <summary>The end of what the sender has to send on this stream; no payload.</summary>
    Done = 0x04,
}

/// <summary>
/// Frames of the protocol <c>can-sync/2</c>: <c>type(1) length(4, big-endian) payload</c>; <see cref="CompatReader"/>
/// takes them apart.
/// </summary>
public static class CompatFrames
{
    /// <summary>The protocol's name (ALPN).</summary>
    public const string Protocol = "can-sync/2";

    /// <summary>Bytes of a payload at most: exactly as many are allowed.</summary>
    public const int PayloadBytesMax = 256 * 1024 * 1024;

    /// <summary>One frame.</summary>
    public static byte[] Write(CompatFrame type, ReadOnlySpan<byte> payload) =>
        FrameBuffer.Frame((byte)type, payload);

    /// <summary>The beginning of a frame whose payload follows, and the beginning of that.</summary>
    internal static byte[] Begin(CompatFrame type, long payloadBytes, ReadOnlySpan<byte> first)
    {
        var bytes = new byte[FrameBuffer.HeadBytes + first.Length];
        bytes[0] = (byte)type;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), checked((uint)payloadBytes));
        first.CopyTo(bytes.AsSpan(FrameBuffer.HeadBytes));
        return bytes;
    }
}
