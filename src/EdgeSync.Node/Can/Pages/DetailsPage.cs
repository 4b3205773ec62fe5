using EdgeSync.Can.Assets;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Storage.Assets;

namespace EdgeSync.Node.Can.Pages;

/// <summary>The page of one asset: what it shows, what is known about it, and what can be done with it.</summary>
internal sealed class DetailsPage(AssetStore store, CanGuard guard)
{
    private const int PictureSide = 1024, TextBytes = 64 * 1024;

    public HtmlPage Of(Asset asset, CanVisitor visitor, string? note)
    {
        var html = new HtmlPage();
        if (note is not null) html.Add($"<p class=\"bad\" role=\"alert\">{note}</p>\n");
        if (asset.IsTrashed) html.Add($"<p class=\"problem\">It is in the trash.</p>\n");
        if (asset.IsCorrupted)
            html.Add($"<p class=\"problem bad\">Its file is missing or has other content.</p>\n");
        if (AssetText.PictureOf(asset, PictureSide, PictureSide) is { } picture)
            html.Add($"<p><img class=\"preview\" src=\"{picture}\" alt=\"{AssetText.NameOf(asset)}\"></p>\n");
        else if (AssetText.BeginningOf(store, asset, TextBytes) is { } text)
            html.Add($"<pre class=\"preview\" tabindex=\"0\">{text}</pre>\n");
        html.Add($"<div class=\"actions\">\n");
        if (asset is { IsTrashed: false, IsCorrupted: false })
        {
            html.Add($"<a class=\"button\" href=\"{AssetText.ContentOf(asset)}\">Open</a>\n");
            html.Add($"<a class=\"button\" href=\"{AssetText.ContentOf(asset)}\" download>Download</a>\n");
        }

        GridPage.WriteMove(html, asset, visitor, AssetText.PageOf(asset));
        html.Add($"</div>\n");
        WriteFacts(html, asset);
        WriteEdit(html, asset, visitor);
        WriteDelete(html, asset, visitor);
        var attributes = new HtmlPage().Add(
            $" data-events=\"/api/v1/can/0/events\" data-position=\"{store.CommittedNumber}\" "
                + $"data-asset=\"{asset.Hash.ToString()}\"");
        return CanLayout.Of(
            AssetText.NameOf(asset), visitor, html, PageAssets.CanScriptPath, attributes);
    }

    private static void WriteFacts(HtmlPage html, Asset asset)
    {
        var details = asset.Details;
        html.Add($"<h2>Details</h2>\n<table>\n");
        Row("Type", new HtmlPage().Add($"{details.MimeType}"));
        Row("Size", new HtmlPage().Add($"{AssetText.SizeOf(asset)} ({asset.Size} bytes)"));
        Row("Created", new HtmlPage().Add(
            $"<time datetime=\"{AssetText.MachineDateOf(asset)}\">{AssetText.DateOf(asset)} UTC</time>"));
        if (details.HumanPath is { } folder)
            Row("Folder", new HtmlPage().Add(
                $"<a href=\"/?folder={Uri.EscapeDataString(folder)}\"><bdi>{folder}</bdi></a>"));
        if (details.Application is { } application)
            Row("Application", new HtmlPage().Add(
                $"<a href=\"/?application={Uri.EscapeDataString(application)}\"><bdi>{application}</bdi></a>"));
        if (details.User is { } user) Row("User", new HtmlPage().Add($"<bdi>{user}</bdi>"));
        if (details.Tags.Count > 0)
        {
            var tags = new HtmlPage();
            foreach (var tag in details.Tags)
                tags.Add($"<a class=\"tag\" href=\"/?tags={Uri.EscapeDataString(tag)}\"><bdi>{tag}</bdi></a> ");
            Row("Tags", tags);
        }

        if (details.Description is { } description)
            Row("Description", new HtmlPage().Add($"<span class=\"description\">{description}</span>"));
        Row("Hash", new HtmlPage().Add($"<code>{asset.Hash.ToString()}</code>"));
        Row("File", new HtmlPage().Add($"<code>{asset.FileName}</code>"));
        html.Add($"</table>\n");

        void Row(string name, HtmlPage value) => html.Add($"<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n");
    }

    private static void WriteEdit(HtmlPage html, Asset asset, CanVisitor visitor)
    {
        var details = asset.Details;
        html.Add(
            $"""
            <h2>Edit</h2>
            <form class="search" method="post" action="/page/edit">
            <input type="hidden" name="csrf" value="{visitor.Csrf}">
            <input type="hidden" name="hash" value="{asset.Hash.ToString()}">
            <label>Name <input name="human_filename" value="{details.HumanFileName}"
              maxlength="{AssetDetails.NameLengthMax}"></label>
            <label>Tags, separated by commas <input name="tags" value="{TagList.Join(details.Tags)}"></label>
            <label>Folder <input name="human_path" value="{details.HumanPath}"
              maxlength="{AssetDetails.NameLengthMax}"></label>
            <label>Application <input name="application" value="{details.Application}"
              maxlength="{AssetDetails.NameLengthMax}"></label>
            <label>Description <textarea name="description" rows="4"
              maxlength="{AssetDetails.DescriptionLengthMax}">

            """);
        // The line end above is the one that the parser of HTML drops after the begin of a textarea.
        html.Add($"{details.Description}</textarea></label>\n<div><button>Save</button></div>\n</form>\n");
    }

    private void WriteDelete(HtmlPage html, Asset asset, CanVisitor visitor)
    {
        html.Add($"<h2>Delete for good</h2>\n");
        if (!guard.HasAdminToken)
        {
            html.Add($"<p class=\"faint\">The settings have no admin_token, so nothing is deleted for good.</p>\n");
        }
        else if (!visitor.IsAdmin)
        {
            html.Add($"<p><a href=\"/page/login?next={Uri.EscapeDataString(AssetText.PageOf(asset))}\">");
            html.Add($"Log in with the admin token</a> to delete it for good.</p>\n");
        }
        else
        {
            html.Add(
                $"""
                <form method="post" action="/page/delete">
                <input type="hidden" name="csrf" value="{visitor.Csrf}">
                <input type="hidden" name="hash" value="{asset.Hash.ToString()}">
                <p><label class="check"><input type="checkbox" name="confirmed" value="yes" required> It cannot be
                brought back, in no store of the mirror.</label> <button class="danger">Delete for good</button></p>
                </form>

                """);
        }
    }
}
