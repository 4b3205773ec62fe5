using StbImageSharp;
using StbImageWriteSharp;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Thumbnails of good, turned, huge, foreign and broken images.</summary>
public sealed class ThumbnailTests
{
    [Test]
    public async Task An_image_gets_a_JPEG_that_fits_and_is_cached()
    {
        await using var can = await CanTestService.StartAsync();
        var hash = await PutAsync(can, Png(40, 20), "a.png");

        var reply = await can.GetAsync(Path(hash, 10, 10));
        var image = ImageResult.FromMemory(reply.Body);

        Assert.Equal("image/jpeg", reply.ContentHeaders.ContentType!.ToString());
        Assert.Equal((10, 5), (image.Width, image.Height));
        Assert.Single(Directory.GetFiles(System.IO.Path.Combine(can.Root, ".thumbs")), f =>
            f.EndsWith($"{hash}_10x10.jpg", StringComparison.Ordinal));
        Assert.Equal(reply.Body, (await can.GetAsync(Path(hash, 10, 10))).Body);
        Assert.Equal(304, (await can.GetAsync(Path(hash, 10, 10), ("If-None-Match", reply.Headers.ETag!.Tag))).Status);
        (await can.GetAsync(Path(hash, 0, 10))).Error(400);
        (await can.GetAsync(Path(hash, 10, 5000))).Error(400);
    }

    [Test]
    public async Task A_photo_is_turned_as_its_camera_was()
    {
        await using var can = await CanTestService.StartAsync(s => s with { EnableThumbnailCache = false });
        byte[] exif =
        [
            0xff, 0xe1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6,
            0, 0, 0, 0, 0, 0,
        ];
        var jpeg = Jpeg(40, 20);
        var hash = await PutAsync(can, [.. jpeg[..2], .. exif, .. jpeg[2..]], "a.jpg");

        var image = ImageResult.FromMemory((await can.GetAsync(Path(hash, 100, 100))).Body);

        Assert.Equal((20, 40), (image.Width, image.Height));
        Assert.Empty(Directory.GetFiles(System.IO.Path.Combine(can.Root, ".thumbs")));
    }

    [Test]
    public async Task What_no_thumbnail_is_made_of_is_named()
    {
        await using var can = await CanTestService.StartAsync();
        byte[] webp = [.. "RIFF"u8, 20, 0, 0, 0, .. "WEBPVP8 "u8, 0, 0, 0, 0];
        // The header of a PNG of 8,000 x 8,000 pixels.
        var bomb = Png(4, 4);
        (bomb[18], bomb[19]) = (0x1f, 0x40);
        (bomb[22], bomb[23]) = (0x1f, 0x40);

        (await can.GetAsync(Path(await PutAsync(can, [.. "hello"u8], "a.png"), 10, 10))).Error(400);
        (await can.GetAsync(Path(await PutAsync(can, webp, "a.webp"), 10, 10))).Error(415);
        (await can.GetAsync(Path(await PutAsync(can, bomb, "a.png"), 10, 10))).Error(413);
        (await can.GetAsync(Path(await PutAsync(can, [], "a.png"), 10, 10))).Error(400);
    }

    [Test]
    public async Task A_broken_image_is_an_answer_and_no_failure()
    {
        await using var can = await CanTestService.StartAsync();
        foreach (var whole in new[] { Png(16, 16), Jpeg(16, 16) })
        {
            for (var cut = 4; cut < whole.Length; cut += Math.Max(1, whole.Length / 8))
            {
                var broken = whole.ToArray();
                broken[cut] ^= 0x55;
                foreach (var bytes in new[] { whole[..cut], broken })
                {
                    var status = (await can.GetAsync(Path(await PutAsync(can, bytes, "a.png"), 8, 8))).Status;
                    Assert.Contains(status, new[] { 200, 400, 413 });
                }
            }
        }
    }

    private static string Path(string hash, int width, int height) =>
        $"{CanTestService.Prefix}/asset/{hash}/thumb/{width}/{height}";

    private static async Task<string> PutAsync(CanTestService can, byte[] content, string name) =>
        (await can.IngestAsync(content, name)).Data().GetProperty("hash").GetString()!;

    private static byte[] Png(int width, int height)
    {
        using var target = new MemoryStream();
        new ImageWriter().WritePng(
            Pixels(width, height), width, height, StbImageWriteSharp.ColorComponents.RedGreenBlueAlpha, target);
        return target.ToArray();
    }

    private static byte[] Jpeg(int width, int height)
    {
        using var target = new MemoryStream();
        new ImageWriter().WriteJpg(
            Pixels(width, height), width, height, StbImageWriteSharp.ColorComponents.RedGreenBlueAlpha, target, 90);
        return target.ToArray();
    }

    private static byte[] Pixels(int width, int height) =>
        [.. Enumerable.Range(0, width * height).SelectMany(i => new byte[] { (byte)i, (byte)(i / width), 99, 255 })];
}
