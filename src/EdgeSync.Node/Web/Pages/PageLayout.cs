namespace EdgeSync.Node.Web.Pages;

/// <summary>What stands around every page: head, names, navigation, the visitor.</summary>
internal static class PageLayout
{
    public static HtmlPage Of(
        string project, string title, PageLinks links, PageVisitor visitor, HtmlPage content, string? live)
    {
        var html = new HtmlPage().Add(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{title} – {project}</title>
            <link rel="stylesheet" href="{PageAssets.StylePath}">

            """);
        if (live is not null) html.Add($"<script src=\"{PageAssets.ScriptPath}\" defer></script>\n");
        html.Add(
            $"""
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <a class="project" href="{links.Base}/">{project}</a>
            <nav aria-label="Pages">

            """);
        if (links.IsOfMessages) html.Add($"<a href=\"{links.Base}\">Threads</a>\n<a href=\"/\">Repositories</a>\n");
        else AddPages(html, links, visitor);
        if (visitor.HasMessages && !links.IsOfMessages) html.Add($"<a href=\"/notify\">Messages</a>\n");
        if (visitor.Login is { } login)
        {
            html.Add(
                $"""
                <form method="post" action="{links.Base}/logout">
                <input type="hidden" name="csrf" value="{visitor.Csrf}"><button>Log out {login}</button></form>

                """);
        }
        else if (links.IsOfRepository)
        {
            html.Add($"""<a href="{links.Base}/login">Log in</a>""");
        }

        html.Add($"</nav>\n</header>\n");
        if (live is null) html.Add($"<main id=\"content\">\n");
        else html.Add($"<main id=\"content\" data-live=\"{live}\">\n");
        html.Add($"<h1>{title}</h1>\n{content}\n</main>\n<footer>");
        if (visitor.SeesNode) html.Add($"<a href=\"/node\">This node</a>, ");
        return html.Add(
            $"""
            edgesync {BuildInfo.Version} <span id="live" role="status"></span></footer>
            </body>
            </html>

            """);
    }

    private static void AddPages(HtmlPage html, PageLinks links, PageVisitor visitor)
    {
        if (visitor.May('o'))
        {
            html.Add(
                $"""
                <a href="{links.Timeline}">Timeline</a>
                <a href="{links.Folder("tip", "")}">Files</a>
                <a href="{links.Base}/brlist">Branches</a>
                <a href="{links.Base}/taglist">Tags</a>

                """);
        }

        if (visitor.May('j')) html.Add($"<a href=\"{links.Base}/wiki\">Wiki</a>\n");
        if (visitor.May('r')) html.Add($"<a href=\"{links.Base}/ticket\">Tickets</a>\n");
        if (visitor.May('2')) html.Add($"<a href=\"{links.Base}/forum\">Forum</a>\n");
        if (visitor.May('o'))
        {
            html.Add($"<a href=\"{links.Base}/uvlist\">Unversioned</a>\n");
            html.Add($"<a href=\"{links.Base}/search\">Search</a>\n");
        }

        if (visitor.Login is not null && visitor.May('a')) html.Add($"<a href=\"{links.Users}\">Users</a>\n");
    }
}
