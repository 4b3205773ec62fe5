using System.Buffers;
using System.Buffers.Binary;

namespace EdgeSync.Fossil.Blobs;

/// <summary>What is wrong with a compressed blob.</summary>
public enum BlobFault : byte
{
    None = 0,

    /// <summary>The announced size is over the caller's limit.</summary>
    OverLimit,

    /// <summary>The compressed stream is cut off.</summary>
    Truncated,

    /// <summary>The compressed stream is not zlib, or its checksum differs.</summary>
    Damaged,

    /// <summary>The content is longer than the size in front of it.</summary>
    LongerThanAnnounced,
}

/// <summary>
/// Blobs as stored in the repository and sent on the wire:
/// <code>
/// | 0 .. 3                       | 4 ..                      |
/// | content size, big-endian     | content, one zlib stream  |
/// </code>
/// </summary>
// Spec: www/fileformat.wiki; blob.c. As in stock, at most four bytes decode to themselves, a size that is too large is
// accepted, and bytes after the stream are ignored.
public static class BlobCodec
{
    private const int PrefixSize = 4;

    /// <summary>The decoded size, from the first bytes alone; <c>false</c> if over 2 GiB.</summary>
    public static bool TryReadSize(ReadOnlySpan<byte> blob, out int size)
    {
        var announced = blob.Length <= PrefixSize ? (uint)blob.Length : BinaryPrimitives.ReadUInt32BigEndian(blob);
        size = (int)announced;
        return announced <= (uint)Array.MaxLength;
    }

    /// <summary>
    /// Decodes into a new array, unless the blob announces more than <paramref name="sizeMax"/> bytes.
    /// </summary>
    public static bool TryDecode(
        Inflater inflater, ReadOnlySpan<byte> blob, int sizeMax, out byte[] content, out BlobFault fault)
    {
        content = [];
        if (!TryMakeRoom(blob, sizeMax, out var room))
        {
            fault = BlobFault.OverLimit;
            return false;
        }

        if (!TryDecode(inflater, blob, room, out var written, out fault)) return false;

        content = written == room.Length ? room : room.AsSpan(0, written).ToArray();
        return true;
    }

    /// <summary>
    /// Appends the decoded content, unless the blob announces more than <paramref name="sizeMax"/> bytes.
    /// </summary>
    public static bool TryDecode(
        Inflater inflater, ReadOnlySpan<byte> blob, int sizeMax, IBufferWriter<byte> output, out BlobFault fault)
    {
        if (!TryReadSize(blob, out var size) || size > sizeMax)
        {
            fault = BlobFault.OverLimit;
            return false;
        }

        if (!TryDecode(inflater, blob, output.GetSpan(Math.Max(size, 1))[..size], out var written, out fault))
            return false;

        output.Advance(written);
        return true;
    }

    /// <summary>
    /// Decodes into <paramref name="target"/>, which has the announced size (<see cref="TryReadSize"/>).
    /// </summary>
    public static bool TryDecode(
        Inflater inflater, ReadOnlySpan<byte> blob, Span<byte> target, out int written, out BlobFault fault)
    {
        if (blob.Length > PrefixSize) return inflater.TryInflate(blob[PrefixSize..], target, out written, out fault);

        blob.CopyTo(target);
        written = blob.Length;
        fault = BlobFault.None;
        return true;
    }

    /// <summary>Upper bound of the encoded length.</summary>
    public static int GetEncodedLengthMax(int contentLength) => PrefixSize + Deflater.GetLengthMax(contentLength);

    /// <summary>Writes size and compressed content; returns the length.</summary>
    /// <param name="deflater">Of format <see cref="DeflateFormat.Zlib"/>.</param>
    /// <param name="content">The text.</param>
    /// <param name="target">At least <see cref="GetEncodedLengthMax"/> bytes.</param>
    public static int Encode(Deflater deflater, ReadOnlySpan<byte> content, Span<byte> target)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, content.Length);
        return PrefixSize + deflater.Deflate(content, target[PrefixSize..]);
    }

    /// <summary>Appends size and compressed content.</summary>
    public static void Encode(Deflater deflater, ReadOnlySpan<byte> content, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(PrefixSize), content.Length);
        output.Advance(PrefixSize);
        deflater.Deflate(content, output);
    }

    /// <summary>Size and compressed content in an array of their own.</summary>
    public static byte[] Encode(Deflater deflater, ReadOnlySpan<byte> content)
    {
        var rented = ArrayPool<byte>.Shared.Rent(GetEncodedLengthMax(content.Length));
        try
        {
            return rented.AsSpan(0, Encode(deflater, content, rented)).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Deflate gains at most a factor of 1032, so a larger announced size is false: memory is taken for the possible
    // size only, and a few bytes that announce a gigabyte cost nothing.
    private static bool TryMakeRoom(ReadOnlySpan<byte> blob, int sizeMax, out byte[] room)
    {
        room = [];
        if (!TryReadSize(blob, out var size) || size > sizeMax) return false;

        var possible = Math.Min(size, (blob.Length * 1040L) + 64);
        room = GC.AllocateUninitializedArray<byte>((int)possible);
        return true;
    }
}
