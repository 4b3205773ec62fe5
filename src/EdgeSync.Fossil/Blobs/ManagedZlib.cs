using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace EdgeSync.Fossil.Blobs;

/// <summary>
/// Whole zlib streams by <see cref="ZLibStream"/>: in a browser, whose runtime links zlib but does not show its C
/// interface. Elsewhere only the tests use it, beside <see cref="Inflater"/> and <see cref="Deflater"/>.
/// </summary>
internal static class ManagedZlib
{
    private const int TrailerSize = 4;
    private const uint AdlerModulus = 65521;

    /// <inheritdoc cref="Inflater.TryInflate"/>
    /// <remarks>
    /// The class does not report whether its input was complete, so that the checksum behind the content is looked for.
    /// </remarks>
    public static bool TryInflate(ReadOnlySpan<byte> source, Span<byte> target, out int written, out BlobFault fault)
    {
        written = 0;
        var rented = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            source.CopyTo(rented);
            using var input = new MemoryStream(rented, 0, source.Length, writable: false);
            using var inflate = new ZLibStream(input, CompressionMode.Decompress);
            while (written < target.Length && inflate.Read(target[written..]) is > 0 and var read) written += read;

            Span<byte> more = stackalloc byte[1];
            if (written == target.Length && inflate.Read(more) > 0) fault = BlobFault.LongerThanAnnounced;
            else if (IsComplete(source, target[..written])) fault = BlobFault.None;
            else fault = BlobFault.Truncated;
        }
        catch (InvalidDataException)
        {
            fault = BlobFault.Damaged;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return fault == BlobFault.None;
    }

    /// <summary>Compresses at the standard level; returns the length.</summary>
    /// <param name="target">At least <see cref="Deflater.GetLengthMax"/> bytes.</param>
    public static int Deflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        using var output = new MemoryStream();
        using (var deflate = new ZLibStream(output, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(source);
        output.GetBuffer().AsSpan(0, (int)output.Length).CopyTo(target);
        return (int)output.Length;
    }

    // Spec: RFC 1950: the Adler-32 of the content, big-endian, ends the stream. Bytes behind it are ignored.
    private static bool IsComplete(ReadOnlySpan<byte> source, ReadOnlySpan<byte> content)
    {
        if (source.Length < 2 + TrailerSize) return false;

        Span<byte> trailer = stackalloc byte[TrailerSize];
        BinaryPrimitives.WriteUInt32BigEndian(trailer, Adler32(content));
        return source[2..].LastIndexOf(trailer) >= 0;
    }

    private static uint Adler32(ReadOnlySpan<byte> bytes)
    {
        uint a = 1, b = 0;
        while (!bytes.IsEmpty)
        {
            // 5552 bytes are the most that do not overflow 32 bits before the remainders are taken.
            var piece = bytes[..Math.Min(bytes.Length, 5552)];
            foreach (var value in piece) b += a += value;
            (a, b) = (a % AdlerModulus, b % AdlerModulus);
            bytes = bytes[piece.Length..];
        }

        return (b << 16) | a;
    }
}
