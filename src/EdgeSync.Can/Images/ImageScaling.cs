namespace EdgeSync.Can.Images;

/// <summary>Makes small images of large ones.</summary>
public static class ImageScaling
{
    private const int Channels = 4;

    /// <summary>The size that fits a box with the aspect kept; never larger than the image, never empty.</summary>
    public static (int Width, int Height) Fit(int width, int height, int boxWidth, int boxHeight)
    {
        var scale = Math.Min(1.0, Math.Min((double)boxWidth / width, (double)boxHeight / height));
        return (Math.Max(1, (int)Math.Round(width * scale)), Math.Max(1, (int)Math.Round(height * scale)));
    }

    /// <summary>Whether an orientation swaps width and height.</summary>
    public static bool IsTurned(int orientation) => orientation >= 5;

    /// <summary>
    /// Averages the pixels under each target pixel, on white where they are transparent, and turns the result upright.
    /// </summary>
    /// <param name="rgba">The image, four bytes a pixel, row by row.</param>
    /// <param name="width">Of it.</param>
    /// <param name="height">Of it.</param>
    /// <param name="targetWidth">Of the result, before it is turned.</param>
    /// <param name="targetHeight">Of the result, before it is turned.</param>
    /// <param name="orientation">As EXIF has it, 1 to 8.</param>
    /// <returns>Three bytes a pixel; width and height are swapped where <see cref="IsTurned"/>.</returns>
    public static byte[] Shrink(
        ReadOnlySpan<byte> rgba, int width, int height, int targetWidth, int targetHeight, int orientation)
    {
        var isTurned = IsTurned(orientation);
        var (outWidth, outHeight) = isTurned ? (targetHeight, targetWidth) : (targetWidth, targetHeight);
        var rgb = new byte[outWidth * outHeight * 3];
        for (var y = 0; y < targetHeight; y++)
        {
            var (top, bottom) = Span(y, targetHeight, height);
            for (var x = 0; x < targetWidth; x++)
            {
                var (left, right) = Span(x, targetWidth, width);
                var (outX, outY) = Place(x, y, targetWidth, targetHeight, orientation);
                Average(rgba, width, left, right, top, bottom, rgb.AsSpan(((outY * outWidth) + outX) * 3, 3));
            }
        }

        return rgb;
    }

    private static (int From, int To) Span(int index, int targetCount, int count)
    {
        var from = (int)((long)index * count / targetCount);
        return (from, Math.Max(from + 1, (int)((long)(index + 1) * count / targetCount)));
    }

    private static (int X, int Y) Place(int x, int y, int width, int height, int orientation) => orientation switch
    {
        2 => (width - 1 - x, y),
        3 => (width - 1 - x, height - 1 - y),
        4 => (x, height - 1 - y),
        5 => (y, x),
        6 => (height - 1 - y, x),
        7 => (height - 1 - y, width - 1 - x),
        8 => (y, width - 1 - x),
        _ => (x, y),
    };

    private static void Average(
        ReadOnlySpan<byte> rgba, int width, int left, int right, int top, int bottom, Span<byte> target)
    {
        long red = 0, green = 0, blue = 0;
        for (var y = top; y < bottom; y++)
        {
            var row = rgba.Slice(((y * width) + left) * Channels, (right - left) * Channels);
            for (var i = 0; i < row.Length; i += Channels)
            {
                int alpha = row[i + 3], white = 255 * (255 - alpha);
                red += (row[i] * alpha) + white;
                green += (row[i + 1] * alpha) + white;
                blue += (row[i + 2] * alpha) + white;
            }
        }

        var divisor = 255L * (right - left) * (bottom - top);
        target[0] = (byte)(red / divisor);
        target[1] = (byte)(green / divisor);
        target[2] = (byte)(blue / divisor);
    }
}
