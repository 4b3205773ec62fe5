using EdgeSync.Can.Assets;
using EdgeSync.Can.Images;
using EdgeSync.Storage.Assets;
using StbImageSharp;
using StbImageWriteSharp;

namespace EdgeSync.Node.Can;

/// <summary>
/// Small JPEGs of images, kept in <c>.thumbs</c>. One image is decoded at a time, and none with more pixels than fit a
/// bounded amount of memory.
/// </summary>
internal sealed class Thumbnails(AssetStore store, bool isCached) : IDisposable
{
    /// <summary>Of a box.</summary>
    public const int SideMax = 2048;

    /// <summary>Four bytes each while it is decoded.</summary>
    private const long PixelsMax = 40_000_000;

    private const long FileBytesMax = 128L << 20;
    private const int Quality = 82;

    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>The thumbnail that fits a box.</summary>
    public async Task<Thumbnail> GetAsync(Asset asset, int width, int height, CancellationToken cancellationToken)
    {
        var path = Path.Combine(store.ThumbnailFolder, $"{asset.Hash}_{width}x{height}.jpg");
        if (isCached && TryRead(path) is { } known) return new Thumbnail(known, 200, null);

        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (isCached && TryRead(path) is { } made) return new Thumbnail(made, 200, null);

            var result = await Task.Run(() => Make(asset, width, height), cancellationToken);
            if (isCached && result.Jpeg is { } jpeg) Keep(path, jpeg);
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static byte[]? TryRead(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // A cache: what a crash or a full disk leaves out is made again.
    private static void Keep(string path, byte[] jpeg)
    {
        try
        {
            File.WriteAllBytes(path + ".tmp", jpeg);
            File.Move(path + ".tmp", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private Thumbnail Make(Asset asset, int width, int height)
    {
        using var content = store.OpenContent(asset);
        if (content is null) return new Thumbnail(null, 500, "the asset is corrupted: its file is missing");

        var head = new byte[(int)Math.Min(content.Length, JpegOrientation.HeadBytesMax)];
        content.ReadExactly(head);
        var kind = ImageSignature.KindOf(head);
        if (kind == ImageKind.None) return new Thumbnail(null, 400, "the asset is not an image");
        if (kind == ImageKind.Other)
            return new Thumbnail(null, 415, "no thumbnail is made of this format: only of JPEG, PNG, GIF and BMP");
        if (content.Length > FileBytesMax) return new Thumbnail(null, 413, "the image is too large for a thumbnail");

        try
        {
            using var image = new ImageStream(content);
            image.Position = 0;
            if (ImageInfo.FromStream(image) is not { Width: > 0, Height: > 0 } info)
                return new Thumbnail(null, 400, "the image cannot be read");
            if ((long)info.Width * info.Height > PixelsMax)
                return new Thumbnail(null, 413, "the image has too many pixels for a thumbnail");

            image.Position = 0;
            var orientation = kind == ImageKind.Jpeg ? JpegOrientation.Read(head) : 1;
            return new Thumbnail(Encode(Decode(image), width, height, orientation), 200, null);
        }
        // The decoder meets what others made: it reports damage with exceptions of many kinds.
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new Thumbnail(null, 400, $"the image cannot be read: {e.Message}");
        }
    }

    private static ImageResult Decode(Stream content) =>
        ImageResult.FromStream(content, StbImageSharp.ColorComponents.RedGreenBlueAlpha);

    private static byte[] Encode(ImageResult image, int boxWidth, int boxHeight, int orientation)
    {
        if (ImageScaling.IsTurned(orientation)) (boxWidth, boxHeight) = (boxHeight, boxWidth);
        var (width, height) = ImageScaling.Fit(image.Width, image.Height, boxWidth, boxHeight);
        var rgb = ImageScaling.Shrink(image.Data, image.Width, image.Height, width, height, orientation);
        if (ImageScaling.IsTurned(orientation)) (width, height) = (height, width);

        using var jpeg = new MemoryStream();
        new ImageWriter().WriteJpg(
            rgb, width, height, StbImageWriteSharp.ColorComponents.RedGreenBlue, jpeg, Quality);
        return jpeg.ToArray();
    }
}

/// <summary>A thumbnail, or the status of why there is none.</summary>
internal readonly record struct Thumbnail(byte[]? Jpeg, int Status, string? Error);
