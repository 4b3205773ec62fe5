using System.Collections.Frozen;

namespace EdgeSync.Can.Assets;

/// <summary>MIME types by extension, and back: the ones that people store.</summary>
public static class MimeTypes
{
    /// <summary>Of content that nothing is known about.</summary>
    public const string Unknown = "application/octet-stream";

    private const string UnknownExtension = "bin";
    private const int LengthMax = 255;

    // The first extension of a type is the one that it gives.
    private static readonly (string Extension, string Type)[] Table =
    [
        ("txt", "text/plain"), ("md", "text/markdown"), ("csv", "text/csv"), ("html", "text/html"),
        ("htm", "text/html"), ("css", "text/css"), ("js", "text/javascript"), ("mjs", "text/javascript"),
        ("json", "application/json"), ("xml", "application/xml"), ("yaml", "application/yaml"),
        ("yml", "application/yaml"), ("toml", "application/toml"), ("pdf", "application/pdf"),
        ("rtf", "application/rtf"), ("zip", "application/zip"), ("gz", "application/gzip"),
        ("tgz", "application/gzip"), ("tar", "application/x-tar"), ("7z", "application/x-7z-compressed"),
        ("xz", "application/x-xz"), ("zst", "application/zstd"), ("wasm", "application/wasm"),
        ("sqlite", "application/vnd.sqlite3"), ("log", "text/plain"),
        ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("ppt", "application/vnd.ms-powerpoint"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"), ("epub", "application/epub+zip"),
        ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("png", "image/png"), ("gif", "image/gif"),
        ("webp", "image/webp"), ("svg", "image/svg+xml"), ("bmp", "image/bmp"), ("ico", "image/x-icon"),
        ("tif", "image/tiff"), ("tiff", "image/tiff"), ("avif", "image/avif"), ("heic", "image/heic"),
        ("heif", "image/heif"),
        ("mp3", "audio/mpeg"), ("ogg", "audio/ogg"), ("opus", "audio/opus"), ("wav", "audio/wav"),
        ("flac", "audio/flac"), ("m4a", "audio/mp4"),
        ("mp4", "video/mp4"), ("m4v", "video/mp4"), ("webm", "video/webm"), ("mkv", "video/x-matroska"),
        ("mov", "video/quicktime"), ("avi", "video/x-msvideo"),
        ("ttf", "font/ttf"), ("otf", "font/otf"), ("woff", "font/woff"), ("woff2", "font/woff2"),
    ];

    private static readonly FrozenDictionary<string, string> ByExtension =
        Table.ToFrozenDictionary(t => t.Extension, t => t.Type, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, string> ByType =
        Table.GroupBy(t => t.Type).ToFrozenDictionary(
            g => g.Key, g => g.First().Extension, StringComparer.OrdinalIgnoreCase);

    /// <summary>By the extension of a file name.</summary>
    public static string Of(string? fileName) =>
        AssetFileName.ExtensionOf(fileName) is { } extension && ByExtension.TryGetValue(extension, out var type)
            ? type : Unknown;

    /// <summary>Without the dot; <c>bin</c> for an unknown type. Parameters of the type are ignored.</summary>
    public static string ExtensionOf(string mimeType)
    {
        ArgumentNullException.ThrowIfNull(mimeType);
        return ByType.GetValueOrDefault(mimeType.Split(';')[0].Trim(), UnknownExtension);
    }

    /// <summary>Whether a text can be sent as a Content-Type: <c>type/subtype</c> in visible ASCII.</summary>
    public static bool IsWellFormed(string mimeType)
    {
        ArgumentNullException.ThrowIfNull(mimeType);
        var slash = mimeType.IndexOf('/', StringComparison.Ordinal);
        return mimeType.Length <= LengthMax && slash > 0 && slash < mimeType.Length - 1
            && mimeType.All(c => c is >= ' ' and <= '~') && !mimeType.AsSpan(0, slash).Contains(' ');
    }
}
