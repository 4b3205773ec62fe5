using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Web.Live;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Can.Pages;

/// <summary>
/// The pages of a store for people.
/// <code>
/// GET  /               the grid, with upload, search and tags; its trash with ?trashed=1
/// GET  /asset/HASH     an asset
/// GET  /peers          the mirror              /page/live   its changes, as server-sent events
/// GET  /page/login     asks for a key
/// POST /page/login, logout, upload, edit, trash, restore, delete, mirror     forms, with the token of their page
/// </code>
/// </summary>
internal sealed class CanPages(
    AssetStore store, MirrorHost? mirror, IngestRoutes ingest, CanGuard guard, TimeProvider clock)
{
    private readonly GridPage _grid = new(store);
    private readonly DetailsPage _details = new(store, guard);
    private readonly MirrorPage _mirrorPage = new(mirror, clock);
    private readonly LiveStreams _streams = new(clock);

    public void Map(IEndpointRouteBuilder app, string[] reading)
    {
        PageAssets.MapCan(app);
        app.MapMethods("/", reading, (RequestDelegate)GridAsync);
        app.MapMethods("/asset/{hash}", reading, (RequestDelegate)DetailsAsync);
        app.MapMethods("/peers", reading, (RequestDelegate)PeersAsync);
        app.MapGet("/page/live", (RequestDelegate)LiveAsync);
        var login = new LoginForm(guard);
        app.MapMethods("/page/login", reading, (RequestDelegate)login.ShowAsync);
        app.MapPost("/page/login", (RequestDelegate)login.SubmitAsync);
        app.MapPost("/page/logout", (RequestDelegate)login.EndAsync);
        new AssetForms(store, mirror, ingest, guard, ShowFaultAsync).Map(app);
    }

    /// <summary>Whom a request comes from.</summary>
    public static CanVisitor VisitorOf(HttpContext context, CanGuard guard)
    {
        var cookie = context.Request.Cookies[guard.Sessions.CookieName];
        var session = guard.Sessions.AccessOf(cookie);
        return new CanVisitor(
            guard.AccessOf(context), session != CanAccess.None, guard.HasAdminToken || guard.HasApiKey,
            guard.Sessions.CsrfOf(session == CanAccess.None ? "" : cookie!));
    }

    public static Task SendAsync(HttpContext context, int status, HtmlPage page) => PageSender.SendAsync(
        context, new PageAnswer(status, PageSender.Html, Encoding.UTF8.GetBytes(page.ToString())) { IsLive = true });

    public static Task RedirectAsync(HttpContext context, string path) => PageSender.SendAsync(
        context, new PageAnswer(StatusCodes.Status303SeeOther, PageSender.Html, []) { Location = path });

    /// <summary>A page that says why a request is refused.</summary>
    public static Task RefuseAsync(HttpContext context, CanGuard guard, int status, string reason) => SendAsync(
        context, status, CanLayout.Of(
            "Refused", VisitorOf(context, guard),
            new HtmlPage().Add($"<p role=\"alert\">{reason}</p>\n<p><a href=\"/\">All assets</a></p>\n")));

    /// <summary>A path of this service, for what follows a form; the grid for anything else.</summary>
    public static string PathOf(string? text) =>
        text is ['/', ..] && text is not ['/', '/' or '\\', ..] && !text.Any(char.IsControl) ? text : "/";

    private Task GridAsync(HttpContext context)
    {
        var (page, fault) = _grid.Of(context.Request.Query, VisitorOf(context, guard));
        return page is null ? RefuseAsync(context, guard, 400, fault!) : SendAsync(context, 200, page);
    }

    private Task DetailsAsync(HttpContext context) => FindIn(context) is { } asset
        ? SendAsync(context, 200, _details.Of(asset, VisitorOf(context, guard), null))
        : RefuseAsync(context, guard, 404, "This store has no such asset.");

    private Task ShowFaultAsync(HttpContext context, Asset asset, int status, string fault) =>
        SendAsync(context, status, _details.Of(asset, VisitorOf(context, guard), fault));

    private async Task PeersAsync(HttpContext context)
    {
        if (!MaySeeMirror(context)) await RefuseAsync(
            context, guard, 403, "Only visitors on this machine, or with the admin token, may see the mirror.");
        else await SendAsync(
            context, 200, await _mirrorPage.OfAsync(VisitorOf(context, guard), context.RequestAborted));
    }

    private Task LiveAsync(HttpContext context) => MaySeeMirror(context)
        ? _streams.ServeAsync(context, _mirrorPage.Topic) : RefuseAsync(context, guard, 403, "Log in first.");

    // As /status: it has addresses of other machines.
    private bool MaySeeMirror(HttpContext context) =>
        OperationsRoutes.IsOfThisMachine(context) || guard.AccessOf(context) == CanAccess.Admin;

    private Asset? FindIn(HttpContext context) =>
        AssetHash.TryParse((string?)context.Request.RouteValues["hash"], out var hash) ? store.Find(hash) : null;
}

/// <summary>The form that asks for a key, and gives a cookie for it.</summary>
internal sealed class LoginForm(CanGuard guard)
{
    public Task ShowAsync(HttpContext context) =>
        SendAsync(context, 200, CanPages.PathOf(context.Request.Query["next"]), null);

    public async Task SubmitAsync(HttpContext context)
    {
        var form = await AssetForms.ReadAsync(context);
        var next = CanPages.PathOf(form["next"]);
        var (access, wait) = guard.Check(context, form["key"].ToString());
        if (access == CanAccess.None)
        {
            await (wait > TimeSpan.Zero
                ? SendAsync(
                    context, CanGuard.TooMany(context, wait), next,
                    "Too many wrong keys from this address. Try again in a minute.")
                : SendAsync(context, 401, next, "This is not a key of this store."));
            return;
        }

        context.Response.Cookies.Append(guard.Sessions.CookieName, guard.Sessions.Begin(access), new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = context.Request.IsHttps,
            Path = "/",
            MaxAge = CanSessions.Lifetime,
        });
        await CanPages.RedirectAsync(context, next);
    }

    public async Task EndAsync(HttpContext context)
    {
        var form = await AssetForms.ReadAsync(context);
        if (!AssetForms.HasToken(context, guard, form["csrf"].ToString()))
        {
            await CanPages.RefuseAsync(context, guard, 403, AssetForms.NoToken);
            return;
        }

        context.Response.Cookies.Delete(guard.Sessions.CookieName, new CookieOptions { Path = "/" });
        await CanPages.RedirectAsync(context, "/");
    }

    private Task SendAsync(HttpContext context, int status, string next, string? fault)
    {
        var html = new HtmlPage();
        if (fault is not null) html.Add($"<p class=\"bad\" role=\"alert\">{fault}</p>\n");
        if (guard is { HasApiKey: false, HasAdminToken: false })
        {
            html.Add($"<p>The settings of this store have no key: neither api_key nor admin_token.</p>\n");
        }
        else
        {
            html.Add($"<p>{(guard.HasApiKey
                ? "This store asks for its api_key; its admin_token allows deleting for good, too."
                : "The admin_token allows deleting for good, and deciding about the mirror.")}</p>\n");
            html.Add(
                $"""
                <form class="login" method="post" action="/page/login">
                <input type="hidden" name="next" value="{next}">
                <label>Key <input type="password" name="key" autocomplete="current-password" required autofocus></label>
                <div><button>Log in</button></div>
                </form>

                """);
        }

        var visitor = CanPages.VisitorOf(context, guard) with { CanLogIn = false };
        return CanPages.SendAsync(context, status, CanLayout.Of("Log in", visitor, html));
    }
}
