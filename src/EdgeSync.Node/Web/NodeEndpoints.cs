using EdgeSync.Node.Web.Pages;
using EdgeSync.Node.Web.Pages.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web;

/// <summary>
/// The routes of a node's HTTP ports. Add a page or an endpoint here: as a line of this class, or as a class with a
/// <c>Map</c> that this one calls when it has parts of its own.
/// <code>
/// GET  /                                       for a browser RepositoryPages, else the repositories as text
/// GET  /timeline /info/NAME /dir /live …       RepositoryPages
/// GET, POST /setup_ulist /setup_uedit …        AdminPages
/// GET  /node /node/live                        NodePage
/// GET  /xfer                                   to /
/// GET  /healthz /readyz /status /metrics       OperationsEndpoints
/// GET  /iroh/status                            OperationsEndpoints, with an iroh endpoint only
/// POST /join                                   JoinEndpoint
/// GET, POST /notify/threads /notify/send …     NotifyEndpoints
/// GET, POST /notify /notify/messages/THREAD …  NotifyPages
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

    public static void Map(
        IEndpointRouteBuilder app, NodeWeb web, OperationsEndpoints operations, JoinEndpoint joins,
        RepositoryPages pages, NodePage node, NotifyEndpoints notify, NotifyPages messages)
    {
        app.MapMethods("/xfer", Reading, () => Results.Redirect("/"));
        operations.Map(app);
        joins.Map(app);
        node.Map(app);
        notify.Map(app);
        messages.Map(app);
        MapPages(app, web, pages);
    }

    /// <summary>The first page and those of the repositories.</summary>
    internal static void MapPages(IEndpointRouteBuilder app, NodeWeb web, RepositoryPages pages)
    {
        app.MapMethods(
            "/", Reading,
            (RequestDelegate)(context => IsBrowser(context.Request) ? pages.HomeAsync(context)
                : Results.Text(web.Describe(context.Request.Host.Value ?? "", context.Request.IsHttps) + "\n")
                    .ExecuteAsync(context)));
        pages.Map(app);
        new AdminPages(pages, stop => web.AccessChanged(stop)).Map(app);
    }

    // A browser names HTML first; curl and the like take anything, and a person reads their text.
    private static bool IsBrowser(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
        || request.Query.ContainsKey("format");
}
