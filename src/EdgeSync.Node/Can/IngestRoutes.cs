using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace EdgeSync.Node.Can;

/// <summary>
/// Takes assets in.
/// <code>
/// POST /ingest         multipart/form-data: file, and parts with details; of any size, streamed to the disk
/// POST /ingest/data    JSON: {"data": …, details}; at most 16 MiB
/// </code>
/// </summary>
internal sealed class IngestRoutes(AssetStore store)
{
    private const int JsonBytesMax = 16 << 20;
    private const int BoundaryLengthMax = 200;
    private const int PieceBytes = 64 * 1024;
    private const int PartsMax = 64;

    // In UTF-8 a character of the longest text may take three bytes.
    private const int TextBytesMax = AssetDetails.DescriptionLengthMax * 3;

    // As serde_json writes it: nothing is escaped that need not be.
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public async Task FormAsync(HttpContext context) =>
        await AnswerAsync(context, (await StoreFormAsync(context, isToken: null))!.Value);

    /// <summary>Stores the file of a form.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="isToken">Checks the part <c>csrf</c>, which comes before the file; null: none is needed.</param>
    /// <returns>Null when the token is missing or wrong: nothing is stored.</returns>
    public async Task<StoredAsset?> StoreFormAsync(HttpContext context, Func<string, bool>? isToken)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { } boundary
            || boundary.Length is 0 or > BoundaryLengthMax)
            throw Bad("multipart/form-data with a part 'file' is expected");

        var isAllowed = isToken is null;
        var details = new AssetDetails { MimeType = "" };
        AssetUpload? upload = null;
        try
        {
            string? sentName = null;
            long? timestamp = null;
            AssetHash? expected = null;
            var reader = new MultipartReader(boundary, context.Request.Body, PieceBytes);
            for (var parts = 0; await NextAsync(reader, context.RequestAborted) is { } section; parts++)
            {
                if (parts == PartsMax) throw Bad($"more than {PartsMax} parts");
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)) continue;

                var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
                if (name == "csrf" && isToken is not null)
                {
                    isAllowed = isToken(await TextAsync(section.Body, context.RequestAborted));
                    if (!isAllowed) return null;
                }
                else if (name == "file")
                {
                    if (!isAllowed) return null;
                    if (upload is not null) throw Bad("there are two parts 'file'");
                    sentName = FileNameOf(disposition);
                    upload = store.BeginUpload(timestamp, context.Request.ContentLength ?? 0);
                    await ReceiveAsync(section.Body, upload, context.RequestAborted);
                }
                else if (name == "timestamp")
                {
                    timestamp = TimestampOf(await TextAsync(section.Body, context.RequestAborted));
                }
                else if (name == "hash")
                {
                    expected = HashOf(await TextAsync(section.Body, context.RequestAborted));
                }
                else
                {
                    DetailsPatch.TryApply(name, await TextAsync(section.Body, context.RequestAborted), ref details);
                }
            }

            if (upload is null) return isAllowed ? throw Bad("the part 'file' is missing") : null;
            if (timestamp is { } created) upload.SetTimestamp(created);
            if (expected is { } hash && upload.Finish() != hash)
                throw new EdgeSyncException(
                    ErrorKind.Conflict, "the content is not that of the hash: nothing is stored", "send it again");

            return await StoreAsync(upload, Complete(details, sentName));
        }
        finally
        {
            upload?.Dispose();
        }
    }

    public async Task DataAsync(HttpContext context)
    {
        var body = await ReadAllAsync(context, JsonBytesMax);
        using var document = Parse(body);
        var details = new AssetDetails { MimeType = "application/json" };
        if (DetailsPatch.Apply(document.RootElement, ref details, canSetType: true) is { } fault) throw Bad(fault);
        if (!document.RootElement.TryGetProperty("data", out var data)) throw Bad("the member 'data' is missing");

        var content = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(content, Compact)) data.WriteTo(writer);
        using var upload = store.BeginUpload(expectedSize: content.WrittenCount);
        upload.Append(content.WrittenSpan);
        await AnswerAsync(context, await StoreAsync(upload, details));
    }

    /// <summary>A body that is wholly in memory.</summary>
    /// <exception cref="BadHttpRequestException">It is larger than that.</exception>
    public static async Task<byte[]> ReadAllAsync(HttpContext context, int sizeMax)
    {
        if (context.Request.ContentLength > sizeMax) throw new BadHttpRequestException("the body is too large", 413);

        using var body = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                if (body.Length + read > sizeMax) throw new BadHttpRequestException("the body is too large", 413);
                body.Write(buffer, 0, read);
            }

            return body.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public static JsonDocument Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            throw Bad($"the body is not JSON: {e.Message}");
        }
    }

    public static BadHttpRequestException Bad(string text) => new(text, 400);

    private static long TimestampOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var timestamp)
            && AssetFileName.IsTimestamp(timestamp) ? timestamp
            : throw Bad($"timestamp is a number of milliseconds from 0 to {AssetFileName.TimestampMax}");

    private static AssetHash HashOf(string text) => AssetHash.TryParse(text, out var hash) ? hash
        : throw Bad("hash is 64 digits of lower-case hex");

    private static AssetDetails Complete(AssetDetails details, string? sentName)
    {
        details = details with { HumanFileName = details.HumanFileName ?? sentName };
        if (details.MimeType.Length == 0) details = details with { MimeType = MimeTypes.Of(details.HumanFileName) };
        return details.Fault() is { } fault ? throw Bad(fault) : details;
    }

    // The name that the sender's file has: a folder before it is not part of it.
    private static string? FileNameOf(ContentDispositionHeaderValue disposition)
    {
        var name = HeaderUtilities.RemoveQuotes(
            disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value;
        return string.IsNullOrEmpty(name) ? null : name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
    }

    private async Task<StoredAsset> StoreAsync(AssetUpload upload, AssetDetails details)
    {
        var stored = await store.StoreAsync(upload, details);
        Instruments.CanIngested.Add(1);
        Instruments.CanIngestedBytes.Record(upload.Size);
        return stored;
    }

    private static Task AnswerAsync(HttpContext context, StoredAsset stored) => CanAnswer.SuccessAsync(
        context, Ingested.Of(stored.Asset, stored.AlreadyExisted), ServiceContext.Default.SuccessIngested);

    // The reader's own exceptions are about the body, and the sender's fault.
    private static async Task<MultipartSection?> NextAsync(MultipartReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadNextSectionAsync(cancellationToken);
        }
        catch (Exception e) when (e is (IOException or InvalidDataException) and not BadHttpRequestException)
        {
            throw Bad($"the form is not whole: {e.Message}");
        }
    }

    private static async Task ReceiveAsync(Stream source, AssetUpload target, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            while ((read = await ReadAsync(source, buffer, cancellationToken)) > 0)
                target.Append(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<string> TextAsync(Stream source, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(TextBytesMax + 1);
        try
        {
            var length = 0;
            int read;
            while ((read = await ReadAsync(source, buffer.AsMemory(length), cancellationToken)) > 0)
            {
                length += read;
                if (length > TextBytesMax) throw Bad("a part with text is too long");
            }

            return Encoding.UTF8.GetString(buffer, 0, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<int> ReadAsync(
        Stream source, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(target, cancellationToken);
        }
        catch (Exception e) when (e is (IOException or InvalidDataException) and not BadHttpRequestException)
        {
            throw Bad($"the form is not whole: {e.Message}");
        }
    }
}
