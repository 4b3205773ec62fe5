using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;

namespace EdgeSync.Node.Can.Pages;

/// <summary>How pages name and show an asset.</summary>
internal static class AssetText
{
    /// <summary>Pictures that a browser shows though no thumbnail is made of them, up to this size.</summary>
    private const long DirectBytesMax = 1 << 20;

    private const long TextBytesMax = 16 << 20;
    private const int LabelLengthMax = 5;

    public static string NameOf(Asset asset) =>
        asset.Details.HumanFileName is { Length: > 0 } name ? name : asset.FileName;

    public static string PageOf(Asset asset) => $"/asset/{asset.Hash}";

    public static string ContentOf(Asset asset) => $"/api/v1/can/0/asset/{asset.Hash}";

    public static string SizeOf(Asset asset) => DisplayText.Bytes(asset.Size);

    public static string DateOf(Asset asset) => DateTimeOffset.FromUnixTimeMilliseconds(asset.TimestampMs)
        .ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string MachineDateOf(Asset asset) => DateTimeOffset.FromUnixTimeMilliseconds(asset.TimestampMs)
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The address of a picture of it; null: there is none.</summary>
    public static string? PictureOf(Asset asset, int width, int height)
    {
        // Neither in the trash nor from a damaged file.
        if (asset.IsTrashed || asset.IsCorrupted) return null;

        return asset.Details.MimeType switch
        {
            "image/jpeg" or "image/png" or "image/gif" or "image/bmp" =>
                string.Create(CultureInfo.InvariantCulture, $"{ContentOf(asset)}/thumb/{width}/{height}"),
            // In an img element neither runs scripts.
            "image/webp" or "image/avif" or "image/svg+xml" when asset.Size <= DirectBytesMax => ContentOf(asset),
            _ => null,
        };
    }

    /// <summary>What stands in the place of a picture.</summary>
    public static string LabelOf(Asset asset)
    {
        var extension = AssetFileName.ExtensionOf(asset.Details.HumanFileName)
            ?? MimeTypes.ExtensionOf(asset.Details.MimeType);
        return extension.Length <= LabelLengthMax ? extension.ToUpperInvariant() : "FILE";
    }

    /// <summary>The beginning of a text; null when it is none.</summary>
    public static string? BeginningOf(AssetStore store, Asset asset, int bytesMax)
    {
        if (asset.IsTrashed || asset.IsCorrupted || asset.Size is 0 or > TextBytesMax
            || asset.Details.MimeType.Split(';')[0] is not ("text/plain" or "text/markdown" or "text/csv"
                or "application/json")
            || store.OpenContent(asset) is not { } content)
            return null;

        using (content)
        {
            var buffer = new byte[(int)Math.Min(bytesMax, asset.Size)];
            var length = content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            var text = Encoding.UTF8.GetString(buffer, 0, length);
            return length < asset.Size ? text.TrimEnd('\ufffd') + " …" : text;
        }
    }
}
