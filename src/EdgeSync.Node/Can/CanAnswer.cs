using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Can.Service;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Sqlite;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>Replies of the service: the envelope around JSON, and failures as statuses.</summary>
internal static class CanAnswer
{
    public const string Protobuf = "application/x-protobuf";

    private const string Json = "application/json";

    public static Task SuccessAsync<T>(HttpContext context, T data, JsonTypeInfo<Success<T>> type) => BytesAsync(
        context, 200, Json, JsonSerializer.SerializeToUtf8Bytes(new Success<T>(Success<T>.Word, data), type));

    public static Task RefuseAsync(HttpContext context, int status, string error) => BytesAsync(
        context, status, Json,
        JsonSerializer.SerializeToUtf8Bytes(new Refusal(Refusal.Word, error), ServiceContext.Default.Refusal));

    public static Task BytesAsync(HttpContext context, int status, string type, byte[] body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>The status of a failed operation.</summary>
    public static int StatusOf(EdgeSyncException failure) => failure switch
    {
        DiskFullException or SqliteException { IsFull: true } => 507,
        { Kind: ErrorKind.Usage } => 400,
        { Kind: ErrorKind.Denied } => 403,
        { Kind: ErrorKind.NotFound } => 404,
        { Kind: ErrorKind.Conflict } => 409,
        { Kind: ErrorKind.Unavailable } => 503,
        _ => 500,
    };
}
