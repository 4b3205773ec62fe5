using System.Buffers.Binary;

namespace EdgeSync.Can.Images;

/// <summary>
/// The orientation that a camera noted in a JPEG: tag 0x0112 of the first directory of its EXIF segment, 1 to 8. Spec:
/// EXIF 2.3, §4.6.4; the segments are those of ITU T.81.
/// <code>
/// FF D8  { FF marker  length(2, with itself)  payload }…
/// payload of FF E1:  "Exif\0\0"  II|MM  42  offset(4)  count(2)  { tag(2) type(2) count(4) value(4) }…
/// </code>
/// </summary>
public static class JpegOrientation
{
    /// <summary>Bytes of a file within which it is looked for.</summary>
    public const int HeadBytesMax = 128 * 1024;

    private const int Tag = 0x0112;
    private const int EntrySize = 12;

    /// <summary>1 (upright) when there is none, or anything is wrong with it.</summary>
    public static int Read(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8])) return 1;

        for (var rest = head[2..]; rest.Length >= 4 && rest[0] == 0xff;)
        {
            var marker = rest[1];
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            // The image itself begins: nothing further is before it.
            if (marker is 0xda or 0xd9 || length < 2 || rest.Length < length + 2) return 1;

            var payload = rest.Slice(4, length - 2);
            if (marker == 0xe1 && payload.StartsWith("Exif\0\0"u8)) return OfTiff(payload[6..]);

            rest = rest[(length + 2)..];
        }

        return 1;
    }

    private static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8) return 1;

        var isLittle = tiff.StartsWith("II"u8);
        if (!isLittle && !tiff.StartsWith("MM"u8)) return 1;

        var offset = Number32(tiff[4..], isLittle);
        if (offset > tiff.Length - 2) return 1;

        var directory = tiff[(int)offset..];
        var count = Number16(directory, isLittle);
        directory = directory[2..];
        for (var i = 0; i < count && directory.Length >= EntrySize; i++, directory = directory[EntrySize..])
        {
            if (Number16(directory, isLittle) != Tag) continue;

            var value = Number16(directory[8..], isLittle);
            return value is >= 1 and <= 8 ? value : 1;
        }

        return 1;
    }

    private static int Number16(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static uint Number32(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
