using System.Buffers;
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
/// Takes a stream of the protocol <c>can-sync/2</c> apart: <c>type(1) length(4, big-endian) payload</c>. Memory grows
/// with what has come, not with what was announced.
/// </summary>
public sealed class CompatFrames
{
    /// <summary>The protocol's name (ALPN).</summary>
    public const string Protocol = "can-sync/2";

    /// <summary>Bytes of a payload at most: exactly as many are allowed.</summary>
    public const int PayloadBytesMax = 256 * 1024 * 1024;

    private readonly FrameBuffer _frames = new(PayloadBytesMax);

    /// <summary>Whether bytes of a frame have come and not all of it: a stream must not end here.</summary>
    public bool IsInside => _frames.Pending > 0;

    public void Append(ReadOnlySpan<byte> bytes) => _frames.Append(bytes);

    /// <summary>The next frame. Frames of unknown types are skipped.</summary>
    /// <param name="type">One of the four.</param>
    /// <param name="payload">Valid until the next call of <see cref="Append"/>.</param>
    public OperationStatus Read(out CompatFrame type, out ReadOnlyMemory<byte> payload)
    {
        while (true)
        {
            var status = _frames.Read(out var kind, out payload);
            type = (CompatFrame)kind;
            if (status != OperationStatus.Done || kind is >= (byte)CompatFrame.HashSet and <= (byte)CompatFrame.Done)
                return status;
        }
    }

    /// <summary>One frame.</summary>
    public static byte[] Write(CompatFrame type, ReadOnlySpan<byte> payload) =>
        FrameBuffer.Frame((byte)type, payload);
}
