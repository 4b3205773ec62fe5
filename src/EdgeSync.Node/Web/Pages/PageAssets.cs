using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web.Pages;

/// <summary>The style sheet, embedded in the file. Its address has its hash, so browsers keep it.</summary>
internal static class PageAssets
{
    private static readonly byte[] Style = Read("edgesync.css");
    private static readonly string Hash = Convert.ToHexStringLower(SHA256.HashData(Style))[..12];
    private static readonly Lazy<byte[]> Packed = new(() => Pack(Style));

    public static string StylePath { get; } = $"/edgesync.css?v={Hash}";

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapMethods("/edgesync.css", NodeEndpoints.Reading, (RequestDelegate)SendAsync);

    private static Task SendAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var tag = $"\"{Hash}\"";
        response.Headers.ETag = tag;
        response.Headers.CacheControl = "public, max-age=31536000, immutable";
        response.Headers.Vary = "Accept-Encoding";
        if (request.Headers.IfNoneMatch == tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var isPacked = request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        var body = isPacked ? Packed.Value : Style;
        if (isPacked) response.Headers.ContentEncoding = "gzip";
        response.ContentType = "text/css; charset=utf-8";
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(request.Method) ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) gzip.Write(bytes);
        return packed.ToArray();
    }
}
