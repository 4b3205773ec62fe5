using EdgeSync.Node.Web.Pages;

namespace EdgeSync.Node.Can.Pages;

/// <summary>Whom a page is for.</summary>
/// <param name="Access">What the visitor may do.</param>
/// <param name="HasSession">By a login on a page.</param>
/// <param name="CanLogIn">The settings have a key to log in with.</param>
/// <param name="Csrf">The token of the page's forms.</param>
internal sealed record CanVisitor(CanAccess Access, bool HasSession, bool CanLogIn, string Csrf)
{
    public bool IsAdmin => Access == CanAccess.Admin;
}

/// <summary>What stands around every page of a store.</summary>
internal static class CanLayout
{
    /// <param name="title">The heading.</param>
    /// <param name="visitor">Whom it is for.</param>
    /// <param name="content">The main part, below its heading.</param>
    /// <param name="script">The script of the page; null: it has none.</param>
    /// <param name="attributes">Of the main element, for the script.</param>
    public static HtmlPage Of(
        string title, CanVisitor visitor, HtmlPage content, string? script = null, HtmlPage? attributes = null)
    {
        var html = new HtmlPage().Add(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{title} – Assets</title>
            <link rel="stylesheet" href="{PageAssets.StylePath}">
            <link rel="stylesheet" href="{PageAssets.CanStylePath}">

            """);
        if (script is not null) html.Add($"<script src=\"{script}\" defer></script>\n");
        html.Add(
            $"""
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <a class="project" href="/">Assets</a>
            <nav aria-label="Pages">
            <a href="/">All</a>
            <a href="/?trashed=1">Trash</a>
            <a href="/peers">Mirror</a>

            """);
        if (visitor.HasSession)
        {
            html.Add(
                $"""
                <form method="post" action="/page/logout"><input type="hidden" name="csrf" value="{visitor.Csrf}">
                <button>Log out</button></form>

                """);
        }

        if (visitor.CanLogIn && !visitor.IsAdmin) html.Add($"<a href=\"/page/login\">Log in</a>\n");
        html.Add($"</nav>\n</header>\n<main id=\"content\" data-csrf=\"{visitor.Csrf}\"");
        html.Add($"{attributes ?? new HtmlPage()}>\n");
        html.Add($"<h1>{title}</h1>\n{content}\n</main>\n");
        return html.Add(
            $"""
            <footer>edgesync {BuildInfo.Version} <span id="live" role="status"></span></footer>
            </body>
            </html>

            """);
    }
}
