using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using EdgeSync.Fossil.Blobs;

namespace EdgeSync.Fossil.Xfer;

/// <summary>The encoding of a message, given by its content type.</summary>
public enum XferEncoding
{
    /// <summary>4-byte big-endian size, then one zlib stream.</summary>
    Zlib,

    /// <summary>The message as it is.</summary>
    Plain,
}

/// <summary>What was wrong with a body.</summary>
public enum XferFrameFault
{
    None,

    /// <summary>Neither a size with a zlib stream, nor a plain message.</summary>
    Damaged,

    /// <summary>The declared or the true size is beyond the limit.</summary>
    TooLarge,
}

/// <summary>
/// The envelope of a message: its content type means plain or compressed. Spec: xfer.c, http.c, cgi.c.
/// </summary>
public static class XferFrame
{
    /// <summary>Plain: replies to <c>clone 3</c>.</summary>
    public const string PlainContentType = "application/x-fossil-uncompressed";

    private const int HeaderSize = 4;

    /// <summary>Whether a body that is not empty is plain, whatever its content type says.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> body) => LooksPlain(body);

    /// <summary>Wraps a message.</summary>
    public static void Encode(
        XferEncoding encoding,
        ReadOnlySpan<byte> message,
        IBufferWriter<byte> output,
        CompressionLevel level = CompressionLevel.Optimal)
    {
        if (encoding == XferEncoding.Plain)
        {
            output.Write(message);
            return;
        }

        var header = output.GetSpan(HeaderSize);
        BinaryPrimitives.WriteUInt32BigEndian(header, (uint)message.Length);
        output.Advance(HeaderSize);
        using var deflate = new ZLibStream(new BufferWriterStream(output), level);
        deflate.Write(message);
    }

    /// <summary>
    /// Memory that unwrapping takes beside the body: 0 for a plain one, else the size that it declares. bytes.
    /// </summary>
    public static long UnpackedBytes(XferEncoding encoding, ReadOnlySpan<byte> body) =>
        encoding == XferEncoding.Plain || body.Length < HeaderSize || LooksPlain(body)
        ? 0
        : BinaryPrimitives.ReadUInt32BigEndian(body);

    /// <summary>
    /// Unwraps a body into <paramref name="message"/>. <paramref name="sizeMax"/> bounds the declared size before
    /// anything is inflated, and the true size while inflating.
    /// </summary>
    public static XferFrameFault TryDecode(
        XferEncoding encoding, ReadOnlyMemory<byte> body, int sizeMax, out ReadOnlyMemory<byte> message)
    {
        message = body;
        if (encoding == XferEncoding.Plain || body.IsEmpty || LooksPlain(body.Span))
            return body.Length > sizeMax ? XferFrameFault.TooLarge : XferFrameFault.None;

        message = default;
        if (body.Length < HeaderSize) return XferFrameFault.Damaged;

        var declared = BinaryPrimitives.ReadUInt32BigEndian(body.Span);
        if (declared > sizeMax) return XferFrameFault.TooLarge;

        // Deflate grows data at most about 1032 times, so a much larger declared size is false: rejected before the
        // memory is taken.
        if (declared > body.Length * 1100L + 64) return XferFrameFault.Damaged;

        // Spec: stock accepts a declared size that is too large, and fails when it is too small or the stream is cut.
        var target = new byte[declared];
        if (!Inflater.OfThisThread.TryInflate(body.Span[HeaderSize..], target, out var size, out _))
            return XferFrameFault.Damaged;

        message = target.AsMemory(0, size);
        return XferFrameFault.None;
    }

    /// <summary>
    /// The usable part of a body that is cut off: the front of its message, bounded as in <see cref="TryDecode"/>.
    /// </summary>
    public static ReadOnlyMemory<byte> DecodeFront(XferEncoding encoding, ReadOnlyMemory<byte> body, int sizeMax)
    {
        if (encoding == XferEncoding.Plain || body.IsEmpty || LooksPlain(body.Span))
            return body.Length > sizeMax ? default : body;
        if (body.Length <= HeaderSize) return default;

        var target = new byte[
            Math.Min(Math.Min(BinaryPrimitives.ReadUInt32BigEndian(body.Span), sizeMax), body.Length * 1100L + 64)];
        Inflater.OfThisThread.TryInflate(body.Span[HeaderSize..], target, out var size, out _);
        return target.AsMemory(0, size);
    }

    // Spec: a stock client with compression off sends plain text under the compressed type. A size whose first byte is
    // a letter or '#' would be beyond 500 MB, so the two cannot be confused.
    private static bool LooksPlain(ReadOnlySpan<byte> body) => body[0] is (>= (byte)'a' and <= (byte)'z') or (byte)'#';
}
