using EdgeSync.Fossil.Xfer;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>Unpacks the replies of all transports, with one limit: what this machine can hold of a message.</summary>
internal static class MessageFrame
{
    private static readonly int BytesMax = MemoryLimit.MessageBytesMax;

    /// <exception cref="EdgeSyncException">The reply is larger than the limit, or does not unpack.</exception>
    public static ReadOnlyMemory<byte> Decode(XferEncoding encoding, ReadOnlyMemory<byte> framed, string target) =>
        XferFrame.TryDecode(encoding, framed, BytesMax, out var reply) switch
        {
            XferFrameFault.None => reply,
            XferFrameFault.TooLarge => throw TooLarge(target),
            _ => throw new EdgeSyncException(ErrorKind.Protocol, $"the reply of {target} does not unpack"),
        };

    /// <summary>What can be unpacked of a reply that was cut off.</summary>
    public static ReadOnlyMemory<byte> DecodeFront(XferEncoding encoding, ReadOnlyMemory<byte> framed) =>
        XferFrame.DecodeFront(encoding, framed.ToArray(), BytesMax);

    /// <exception cref="EdgeSyncException">More arrived than a message may have.</exception>
    public static void RequireSize(long bytes, string target)
    {
        if (bytes > BytesMax) throw TooLarge(target);
    }

    private static EdgeSyncException TooLarge(string target) =>
        new(ErrorKind.Protocol, $"{target} sends a message of more than {BytesMax} bytes");
}
