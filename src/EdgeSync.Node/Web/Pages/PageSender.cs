using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A request for a page.</summary>
/// <param name="Project">The name of the project.</param>
/// <param name="CloneUrl">The address of the repository, as the visitor reached it.</param>
internal sealed record PageRequest(
    PageQuery Query, PageVisitor Visitor, PageLinks Links, string Project, string CloneUrl)
{
    public bool IsJson => Query["format"] == "json";
}

/// <summary>Makes the response of a page, and sends it under the policy of pages.</summary>
internal static class PageSender
{
    public const string Html = "text/html; charset=utf-8";

    private const string Json = "application/json", Plain = "text/plain; charset=utf-8";

    private const string Policy =
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
            + "'none'";

    // A page that keeps itself current has the one script of the program.
    private const string LivePolicy = Policy + "; script-src 'self'; connect-src 'self'";

    /// <summary>The JSON of a page.</summary>
    public static byte[] ToJson(IPageModel model) =>
        [
            .. JsonSerializer.SerializeToUtf8Bytes(model, PagesContext.Default.GetTypeInfo(model.GetType())!),
            (byte)'\n'];

    /// <summary>The page as HTML, or as its data.</summary>
    public static PageAnswer Show(PageRequest request, IPageModel model, int status = 200)
    {
        if (request.IsJson) return new PageAnswer(status, Json, ToJson(model));

        var content = new HtmlPage();
        model.Write(content, request.Links);
        var live = (model as ILivePage)?.LivePath(request.Links);
        var page = PageLayout.Of(request.Project, model.Title, request.Links, request.Visitor, content, live);
        return new PageAnswer(status, Html, Encoding.UTF8.GetBytes(page.ToString())) { IsLive = live is not null };
    }

    public static Task MissingAsync(HttpContext context) => SendAsync(
        context,
        new PageAnswer(
            404, Plain, "Not found. See / for the repositories; a Fossil client may use any path.\n"u8.ToArray()));

    public static Task RefuseHostAsync(HttpContext context) => SendAsync(
        context,
        new PageAnswer(
            403, Plain, "This name is not one of this node; http.hosts in the settings names more.\n"u8.ToArray()));

    public static Task RefuseNodeAsync(HttpContext context) => SendAsync(
        context,
        new PageAnswer(
            403, Plain,
            Encoding.UTF8.GetBytes(
                "Only programs on this machine may read this page, under the name localhost; http.status_access or "
                    + "http.hosts in the settings opens it.\n")));

    public static async Task SendAsync(HttpContext context, PageAnswer answer)
    {
        var (request, response) = (context.Request, context.Response);
        var headers = response.Headers;
        headers.ContentSecurityPolicy = answer.IsLive ? LivePolicy : Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers.CacheControl = answer.IsSecret ? "no-store"
            : answer.IsImmutable ? "private, max-age=31536000, immutable" : "private, no-cache";
        if (answer.ComesAgain) headers["Refresh"] = "1";
        response.StatusCode = answer.Status;
        if (answer.Location is { } location)
        {
            headers.Location = location;
            return;
        }

        response.ContentType = answer.ContentType;
        if (answer.FileName is { } file)
            headers.ContentDisposition = $"attachment; filename*=UTF-8''{Uri.EscapeDataString(file)}";
        if (answer is { Status: 200, IsSecret: false })
        {
            headers.ETag = answer.Tag;
            if (request.Headers.IfNoneMatch == answer.Tag)
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                response.ContentType = null;
                return;
            }
        }

        response.ContentLength = answer.Body.Length;
        if (!HttpMethods.IsHead(request.Method)) await response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }
}
