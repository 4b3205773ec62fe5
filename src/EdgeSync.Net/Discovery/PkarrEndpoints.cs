using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Net.Discovery;

/// <summary>
/// A pkarr relay, and the answers of its DNS zone.
/// <code>
/// PUT /pkarr/Z32    204 stored; 409 a later packet is there; 400 not signed by the id; 413 too large
/// GET /pkarr/Z32    200 the packet without the id; 404
/// </code>
/// </summary>
internal sealed class PkarrEndpoints(PkarrStore store, DnsOrigin origin, TimeProvider clock)
{
    private const string Path = "/pkarr/{id}";
    private const string MediaType = "application/x-pkarr-signed-packet";

    private readonly Lock _gate = new();

    /// <summary>Packets that are kept.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return store.Count;
        }
    }

    public void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapPut(Path, PutAsync);
        routes.MapGet(Path, GetAsync);
    }

    /// <summary>The answer to a DNS query; null for what is none.</summary>
    public byte[]? Answer(ReadOnlyMemory<byte> query, bool isStream)
    {
        lock (_gate) return origin.Answer(Now, query.Span, isStream);
    }

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private async Task PutAsync(HttpContext context)
    {
        context.Response.Headers.AccessControlAllowOrigin = "*";
        var body = new byte[SignedPacket.BodyBytesMax + 1];
        var count = await context.Request.Body.ReadAtLeastAsync(
            body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        context.Response.StatusCode = count > SignedPacket.BodyBytesMax ? 413 : Put(context, body.AsSpan(0, count));
    }

    private int Put(HttpContext context, ReadOnlySpan<byte> body)
    {
        if (!EndpointId.TryParseZ32(IdOf(context), out var id) || !SignedPacket.TryRead(id, body, out var packet))
            return 400;

        lock (_gate) return store.Put(Now, packet) == PkarrPutResult.Stored ? 204 : 409;
    }

    private async Task GetAsync(HttpContext context)
    {
        context.Response.Headers.AccessControlAllowOrigin = "*";
        if (Find(IdOf(context)) is not { } packet)
        {
            context.Response.StatusCode = 404;
            return;
        }

        context.Response.ContentType = MediaType;
        context.Response.ContentLength = packet.Body.Length;
        await context.Response.Body.WriteAsync(packet.Body, context.RequestAborted);
    }

    private SignedPacket? Find(string text)
    {
        if (!EndpointId.TryParseZ32(text, out var id)) return null;

        lock (_gate) return store.TryGet(Now, id, out var packet) ? packet : null;
    }

    private static string IdOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";
}
