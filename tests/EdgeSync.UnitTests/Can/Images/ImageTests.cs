using EdgeSync.Can.Images;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Images;

public sealed class ImageTests
{
    [Test]
    [Arguments(true, 6)]
    [Arguments(false, 8)]
    public void The_orientation_of_a_JPEG_is_read(bool isLittle, int orientation) =>
        Assert.Equal(orientation, JpegOrientation.Read(Jpeg(isLittle, orientation)));

    [Test]
    public void A_JPEG_that_is_cut_off_is_upright()
    {
        foreach (var prefix in Splits.Prefixes(Jpeg(true, 6)[..^2])) Assert.InRange(JpegOrientation.Read(prefix), 1, 6);
        Assert.Equal(1, JpegOrientation.Read([]));
        Assert.Equal(1, JpegOrientation.Read(Jpeg(true, 9)));
    }

    [Test]
    public void No_input_makes_the_reader_throw() => Property.Check(prng =>
    {
        var bytes = Jpeg(prng.NextInt32(2) == 0, 6);
        for (var i = 0; i < 4; i++) bytes[2 + prng.NextInt32(bytes.Length - 2)] = (byte)prng.NextInt32(256);
        Assert.InRange(JpegOrientation.Read(bytes), 1, 8);
    });

    [Test]
    [Arguments("FFD8FFE0", ImageKind.Jpeg)]
    [Arguments("89504E470D0A1A0A", ImageKind.Png)]
    [Arguments("474946383961", ImageKind.Gif)]
    [Arguments("5249464600000000574542505650", ImageKind.Other)]
    [Arguments("0000001C6674797061766966", ImageKind.Other)]
    [Arguments("68656C6C6F", ImageKind.None)]
    [Arguments("", ImageKind.None)]
    public void Kinds_are_recognized(string hex, ImageKind kind) =>
        Assert.Equal(kind, ImageSignature.KindOf(Convert.FromHexString(hex)));

    [Test]
    [Arguments(4000, 3000, 200, 200, 200, 150)]
    [Arguments(10, 1000, 100, 100, 1, 100)]
    [Arguments(50, 20, 100, 100, 50, 20)]
    public void A_thumbnail_fits_its_box(int width, int height, int boxWidth, int boxHeight, int x, int y) =>
        Assert.Equal((x, y), ImageScaling.Fit(width, height, boxWidth, boxHeight));

    /// <summary>Pixels A B over C D; where A and B go for each orientation.</summary>
    [Test]
    [Arguments(1, "ABCD")]
    [Arguments(2, "BADC")]
    [Arguments(3, "DCBA")]
    [Arguments(4, "CDAB")]
    [Arguments(5, "ACBD")]
    [Arguments(6, "CADB")]
    [Arguments(7, "DBCA")]
    [Arguments(8, "BDAC")]
    public void An_image_is_turned_upright(int orientation, string expected)
    {
        var rgba = "ABCD".SelectMany(c => new byte[] { (byte)c, 0, 0, 255 }).ToArray();

        var rgb = ImageScaling.Shrink(rgba, 2, 2, 2, 2, orientation);

        Assert.Equal(expected, string.Concat(rgb.Where((_, i) => i % 3 == 0).Select(b => (char)b)));
    }

    [Test]
    public void Pixels_are_averaged_on_white()
    {
        byte[] rgba = [0, 0, 0, 255, 0, 0, 0, 0];

        Assert.Equal([127, 127, 127], ImageScaling.Shrink(rgba, 2, 1, 1, 1, 1).Select(b => (int)b));
    }

    private static byte[] Jpeg(bool isLittle, int orientation)
    {
        byte[] one = isLittle ? [1, 0] : [0, 1];
        byte[] tag = isLittle ? [0x12, 0x01, 3, 0, 1, 0, 0, 0] : [0x01, 0x12, 0, 3, 0, 0, 0, 1];
        byte[] value = isLittle ? [(byte)orientation, 0, 0, 0] : [0, (byte)orientation, 0, 0];
        byte[] head = isLittle ? [.. "II*\0"u8, 8, 0, 0, 0] : [.. "MM\0*"u8, 0, 0, 0, 8];
        byte[] payload = [.. "Exif\0\0"u8, .. head, .. one, .. tag, .. value];
        return [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xe1, 0, (byte)(payload.Length + 2), .. payload, 0xff, 0xd9];
    }
}
