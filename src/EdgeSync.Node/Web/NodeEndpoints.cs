using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web;

/// <summary>
/// The routes of a node's HTTP ports. Add a page or an endpoint here: as a line of this class, or as a class with a
/// <c>Map</c> that this one calls when it has parts of its own.
/// <code>
/// GET  /                                       the repositories served, as text
/// GET  /xfer                                   to /
/// GET  /healthz /readyz /status /metrics       OperationsEndpoints
/// POST /join                                   JoinEndpoint
/// </code>
/// A POST of cards is not routed here: Fossil clients post to any path, and the content type selects it before routing.
/// Handlers are minimal APIs, compiled by the request delegate generator; a body is at most 4 KiB, unless the endpoint
/// carries <c>IRequestSizeLimitMetadata</c>; <c>HttpContext.Connection.RemoteIpAddress</c> is the client's address,
/// behind a trusted proxy too.
/// </summary>
internal static class NodeEndpoints
{
    /// <summary>Methods of a page.</summary>
    public static readonly string[] Reading = ["GET", "HEAD"];

    public static void Map(IEndpointRouteBuilder app, NodeWeb web, OperationsEndpoints operations, JoinEndpoint joins)
    {
        app.MapMethods(
            "/", Reading,
            (HttpRequest request) => Results.Text(web.Describe(request.Host.Value ?? "", request.IsHttps) + "\n"));
        app.MapMethods("/xfer", Reading, () => Results.Redirect("/"));
        operations.Map(app);
        joins.Map(app);
    }
}
