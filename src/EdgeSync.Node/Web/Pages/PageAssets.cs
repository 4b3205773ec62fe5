using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Style sheets and scripts, embedded in the file. Their addresses have their hashes, so browsers keep them.
/// </summary>
internal sealed class PageAssets
{
    private static readonly PageAssets Style = new("edgesync.css", "text/css; charset=utf-8");
    private static readonly PageAssets Script = new("edgesync.js", "text/javascript; charset=utf-8");
    private static readonly PageAssets CanStyle = new("can.css", "text/css; charset=utf-8");
    private static readonly PageAssets CanScript = new("can.js", "text/javascript; charset=utf-8");

    private readonly string _name, _type, _hash;
    private readonly byte[] _bytes;
    private readonly Lazy<byte[]> _packed;

    private PageAssets(string name, string type)
    {
        (_name, _type, _bytes) = (name, type, Read(name));
        _hash = Convert.ToHexStringLower(SHA256.HashData(_bytes))[..12];
        _packed = new Lazy<byte[]>(() => Pack(_bytes));
    }

    public static string StylePath => Style.Path;

    public static string ScriptPath => Script.Path;

    /// <summary>Of the pages of asset stores, beside the other.</summary>
    public static string CanStylePath => CanStyle.Path;

    public static string CanScriptPath => CanScript.Path;

    private string Path => $"/{_name}?v={_hash}";

    /// <summary>Those of a node.</summary>
    public static void Map(IEndpointRouteBuilder app) => Map(app, [Style, Script]);

    /// <summary>Those of an asset store.</summary>
    public static void MapCan(IEndpointRouteBuilder app) => Map(app, [Style, Script, CanStyle, CanScript]);

    private static void Map(IEndpointRouteBuilder app, PageAssets[] assets)
    {
        foreach (var asset in assets)
            app.MapMethods("/" + asset._name, NodeEndpoints.Reading, (RequestDelegate)asset.SendAsync);
    }

    private Task SendAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var tag = $"\"{_hash}\"";
        response.Headers.ETag = tag;
        response.Headers.CacheControl = "public, max-age=31536000, immutable";
        response.Headers.Vary = "Accept-Encoding";
        response.Headers.XContentTypeOptions = "nosniff";
        if (request.Headers.IfNoneMatch == tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var isPacked = request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        var body = isPacked ? _packed.Value : _bytes;
        if (isPacked) response.Headers.ContentEncoding = "gzip";
        response.ContentType = _type;
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
