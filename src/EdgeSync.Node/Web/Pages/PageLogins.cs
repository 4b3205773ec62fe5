using System.Security.Cryptography;
using System.Text;
using EdgeSync.Node.Repositories;
using EdgeSync.Storage;
using Microsoft.AspNetCore.Http;
using static EdgeSync.Node.Web.Pages.PageSender;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Logins of pages by the users of a repository: the forms, the cookie of a session, and who sends a request.
/// </summary>
/// <param name="account">The failed logins of the node.</param>
internal sealed class PageLogins(WebSessions sessions, LoginAccount account)
{
    /// <summary>The name of the token in forms of a session.</summary>
    public const string CsrfField = "csrf";

    /// <summary>The visitor of a request, by the cookie of the repository.</summary>
    public PageVisitor VisitorOf(HttpContext context, Repository repository) =>
        sessions.VisitorOf(repository, context.Request.Cookies[WebSessions.CookieName(repository)]);

    /// <summary>Begins a session with the login and password of a form, or shows the form again.</summary>
    /// <param name="requestOf">Makes the request of a page, on the repository's thread.</param>
    public async Task LogInAsync(
        HttpContext context, RepositoryHost host, PageLinks links, Func<Repository, PageRequest> requestOf)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (login, password) = (form["u"].ToString(), form["p"].ToString());
        var gate = account.GateOf(context.Connection.RemoteIpAddress!, host.FilePath);
        var isOpen = gate.IsOpen(login);
        var (request, cookie, name) = await host.Readers.RunAsync(
            repository => (
                requestOf(repository),
                isOpen && repository.Users.IsPassword(login, password) ? sessions.Begin(repository, login) : null,
                WebSessions.CookieName(repository)),
            context.RequestAborted);
        if (isOpen) gate.OnLogin(login, cookie is not null);
        if (cookie is null)
        {
            await SendAsync(context, Show(request, new LoginView(Failed: true), isOpen ? 403 : 429));
            return;
        }

        context.Response.Cookies.Append(name, cookie, CookieOf(context.Request, links));
        await SendAsync(context, new PageAnswer(303, Html, []) { Location = links.Base + "/" });
    }

    /// <summary>
    /// Begins a session of the owner for a request with the right key, and goes to its page; without it, or where the
    /// setting <c>localauth</c> asks everybody for a login, to the form.
    /// </summary>
    public async Task EnterAsync(HttpContext context, RepositoryHost host, PageLinks links, string ownerKey)
    {
        var query = context.Request.Query;
        var isOwner = CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(query["key"].ToString()), Encoding.UTF8.GetBytes(ownerKey));
        var (cookie, name) = await host.Readers.RunAsync(
            repository => (
                isOwner && !repository.Settings.Boolean("localauth", otherwise: false)
                    && repository.Users.OwnerLogin is { Length: > 0 } owner ? sessions.Begin(repository, owner) : null,
                WebSessions.CookieName(repository)),
            context.RequestAborted);
        if (cookie is not null) context.Response.Cookies.Append(name, cookie, CookieOf(context.Request, links));

        var page = query["page"].ToString();
        var isHere = page is ['/', not ('/' or '\\'), ..] && !page.AsSpan().ContainsAnyInRange('\0', '\x1f');
        var target = cookie is null ? "/login" : isHere ? page : "/";
        await SendAsync(context, new PageAnswer(303, Html, []) { Location = links.Base + target });
    }

    /// <summary>Ends the session of a form with its token.</summary>
    public async Task LogOutAsync(HttpContext context, RepositoryHost host, PageLinks links)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var name = await host.Readers.RunAsync(WebSessions.CookieName, context.RequestAborted);
        if (context.Request.Cookies[name] is not { } cookie || !sessions.IsCsrf(cookie, form[CsrfField].ToString()))
        {
            await MissingAsync(context);
            return;
        }

        context.Response.Cookies.Delete(name, CookieOf(context.Request, links));
        await SendAsync(context, new PageAnswer(303, Html, []) { Location = links.Base + "/" });
    }

    /// <summary>
    /// False for a form of another site. A browser names the page that it comes from; a program need not. The scheme is
    /// not compared: a web server in front may have ended TLS.
    /// </summary>
    public static bool IsSameOrigin(HttpRequest request) =>
        request.Headers.Origin is not [{ Length: > 0 } origin]
        || (Uri.TryCreate(origin, UriKind.Absolute, out var page)
            && page.Scheme is "http" or "https"
            && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));

    private static CookieOptions CookieOf(HttpRequest request, PageLinks links) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = request.IsHttps,
        Path = links.Base.Length == 0 ? "/" : links.Base,
        MaxAge = WebSessions.Lifetime,
    };
}
