namespace EdgeSync.Node.Web.Pages;

/// <summary>What stands around every page: head, names, navigation, the visitor.</summary>
internal static class PageLayout
{
    public static HtmlPage Of(
        string project, string title, PageLinks links, PageVisitor visitor, HtmlPage content)
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
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <a class="project" href="{links.Base}/">{project}</a>
            <nav aria-label="Pages">

            """);
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

        if (visitor.Login is { } login)
        {
            html.Add(
                $"""
                <form method="post" action="{links.Base}/logout">
                <input type="hidden" name="csrf" value="{visitor.Csrf}"><button>Log out {login}</button></form>

                """);
        }
        else
        {
            html.Add($"""<a href="{links.Base}/login">Log in</a>""");
        }

        return html.Add(
            $"""
            </nav>
            </header>
            <main id="content">
            <h1>{title}</h1>
            {content}
            </main>
            <footer>edgesync {BuildInfo.Version}</footer>
            </body>
            </html>

            """);
    }
}
