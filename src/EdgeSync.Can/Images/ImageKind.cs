namespace EdgeSync.Can.Images;

/// <summary>What the first bytes of a file say.</summary>
public enum ImageKind
{
    /// <summary>No image that is known.</summary>
    None,
    Jpeg,
    Png,
    Gif,
    Bmp,

    /// <summary>An image, but of a format that no thumbnail is made from: WebP, AVIF, HEIC, TIFF.</summary>
    Other,
}

/// <summary>Recognizes images by their first bytes.</summary>
public static class ImageSignature
{
    /// <summary>Bytes that are enough.</summary>
    public const int Length = 16;

    public static ImageKind KindOf(ReadOnlySpan<byte> head) =>
        head.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]) ? ImageKind.Jpeg
            : head.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) ? ImageKind.Png
            : head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8) ? ImageKind.Gif
            : head.StartsWith("BM"u8) ? ImageKind.Bmp
            : IsOther(head) ? ImageKind.Other : ImageKind.None;

    private static bool IsOther(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("II*\0"u8) || head.StartsWith("MM\0*"u8)) return true;
        if (head.Length < 12) return false;
        if (head.StartsWith("RIFF"u8)) return head[8..].StartsWith("WEBP"u8);
        if (!head[4..].StartsWith("ftyp"u8)) return false;

        var brand = head[8..12];
        return brand.SequenceEqual("avif"u8) || brand.SequenceEqual("heic"u8) || brand.SequenceEqual("heix"u8)
            || brand.SequenceEqual("mif1"u8);
    }
}
