using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Can.Pages;

/// <summary>
/// Forms of the pages. Each carries the token of its page, as a field or, from the page's script, as
/// <c>X-Csrf-Token</c>; a script gets 204 or the reason as text, a form gets a page.
/// </summary>
internal sealed class AssetForms(
    AssetStore store, MirrorHost? mirror, IngestRoutes ingest, CanGuard guard,
    Func<HttpContext, Asset, int, string, Task> showFaultAsync)
{
    public const string NoToken = "The form is not one of this page, or the page is of an earlier session. "
        + "Open the page again.";

    private const string TokenHeader = "X-Csrf-Token";
    private const long FormBytesMax = 1 << 20;

    private static readonly string[] Fields =
        ["human_filename", "human_path", "application", "user", "tags", "description"];

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/page/upload", (RequestDelegate)UploadAsync);
        app.MapPost("/page/edit", (RequestDelegate)(context => ChangeAsync(context, EditAsync)));
        app.MapPost("/page/trash", (RequestDelegate)(context => ChangeAsync(context, TrashAsync)));
        app.MapPost("/page/restore", (RequestDelegate)(context => ChangeAsync(context, RestoreAsync)));
        app.MapPost("/page/delete", (RequestDelegate)DeleteAsync);
        app.MapPost("/page/mirror", (RequestDelegate)MirrorAsync);
    }

    /// <summary>A form of bounded size.</summary>
    public static async Task<IFormCollection> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = FormBytesMax;
        try
        {
            return await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            throw IngestRoutes.Bad($"the form cannot be read: {e.Message}");
        }
    }

    /// <summary>Whether the token is that of the visitor's pages.</summary>
    public static bool HasToken(HttpContext context, CanGuard guard, string token)
    {
        var cookie = context.Request.Cookies[guard.Sessions.CookieName];
        return guard.Sessions.IsCsrf(
            guard.Sessions.AccessOf(cookie) == CanAccess.None ? "" : cookie!, token);
    }

    private static bool IsScript(HttpContext context) => context.Request.Headers.ContainsKey(TokenHeader);

    // The file follows the token in the form, so that nothing of a refused one is stored.
    private async Task UploadAsync(HttpContext context)
    {
        if (IsScript(context))
        {
            if (HasToken(context, guard, context.Request.Headers[TokenHeader].ToString()))
                await ingest.FormAsync(context);
            else await CanAnswer.RefuseAsync(context, 403, NoToken);
            return;
        }

        if (await ingest.StoreFormAsync(context, token => HasToken(context, guard, token)) is { } stored)
            await CanPages.RedirectAsync(context, AssetText.PageOf(stored.Asset));
        else await CanPages.RefuseAsync(context, guard, 403, NoToken);
    }

    private async Task ChangeAsync(HttpContext context, Func<AssetHash, IFormCollection, Task<Asset?>> changeAsync)
    {
        var form = await ReadAsync(context);
        if (await HashAsync(context, form) is not { } hash) return;

        Asset? changed = null;
        string? fault = null;
        var status = 404;
        try
        {
            changed = await changeAsync(hash, form);
            if (changed is null) fault = "This store has no such asset.";
        }
        catch (Exception e) when (e is EdgeSyncException or BadHttpRequestException)
        {
            status = e is BadHttpRequestException bad ? bad.StatusCode : CanAnswer.StatusOf((EdgeSyncException)e);
            fault = e.Message;
        }

        if (fault is null) await DoneAsync(context, form["back"] is [{ } back, ..] ? back : $"/asset/{hash}");
        else if (!IsScript(context) && store.Find(hash) is { } present)
            await showFaultAsync(context, present, status, fault);
        else await FailAsync(context, status, fault);
    }

    private Task<Asset?> EditAsync(AssetHash hash, IFormCollection form)
    {
        AssetDetails Apply(AssetDetails details)
        {
            foreach (var field in Fields)
            {
                // Browsers send line ends as CR LF.
                if (form.TryGetValue(field, out var value))
                    DetailsPatch.TryApply(
                        field, value.ToString().Replace("\r\n", "\n", StringComparison.Ordinal), ref details);
            }

            return details;
        }

        return Apply(new AssetDetails()).Fault() is { } fault ? throw IngestRoutes.Bad(fault)
            : store.UpdateAsync(hash, Apply);
    }

    private Task<Asset?> TrashAsync(AssetHash hash, IFormCollection form) =>
        mirror?.TrashAsync(hash) ?? store.TrashAsync(hash);

    private Task<Asset?> RestoreAsync(AssetHash hash, IFormCollection form) => store.RestoreAsync(hash);

    private async Task DeleteAsync(HttpContext context)
    {
        var form = await ReadAsync(context);
        if (await HashAsync(context, form) is not { } hash) return;

        if (guard.AccessOf(context) != CanAccess.Admin)
            await FailAsync(context, 403, "Only with the admin token an asset is deleted for good.");
        else if (form["confirmed"] != "yes")
            await FailAsync(context, 400, "The box that confirms the deletion is not ticked.");
        else if (await (mirror?.DeleteAsync(hash) ?? store.DeleteAsync(hash))) await DoneAsync(context, "/");
        else await FailAsync(context, 404, "This store has no such asset.");
    }

    private async Task MirrorAsync(HttpContext context)
    {
        var form = await ReadAsync(context);
        if (!await IsAllowedAsync(context, form)) return;

        if (guard.AccessOf(context) != CanAccess.Admin)
        {
            await FailAsync(context, 403, "Only with the admin token decisions about the mirror are made.");
            return;
        }

        if (mirror is null)
        {
            await FailAsync(context, 404, "This store takes part in no mirror.");
            return;
        }

        switch (form["action"].ToString())
        {
            case "pause" or "resume":
                await mirror.PauseAsync(form["action"] == "pause");
                break;
            case "yes" or "no" when MirrorRoutes.QuestionOf(form["question"].ToString()) is SyncQuestion question:
                // One that is not open any more was decided elsewhere.
                await mirror.AnswerAsync(question, form["action"] == "yes");
                break;
            default:
                await FailAsync(context, 400, "The form asks for an unknown action.");
                return;
        }

        await DoneAsync(context, "/peers");
    }

    private async Task<AssetHash?> HashAsync(HttpContext context, IFormCollection form)
    {
        if (!await IsAllowedAsync(context, form)) return null;
        if (AssetHash.TryParse(form["hash"].ToString(), out var hash)) return hash;

        await FailAsync(context, 400, "A hash is 64 digits of lower-case hex.");
        return null;
    }

    private async Task<bool> IsAllowedAsync(HttpContext context, IFormCollection form)
    {
        var token = IsScript(context) ? context.Request.Headers[TokenHeader].ToString() : form["csrf"].ToString();
        if (HasToken(context, guard, token)) return true;

        await FailAsync(context, 403, NoToken);
        return false;
    }

    private static Task DoneAsync(HttpContext context, string path)
    {
        if (!IsScript(context)) return CanPages.RedirectAsync(context, CanPages.PathOf(path));

        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task FailAsync(HttpContext context, int status, string reason) => IsScript(context)
        ? CanAnswer.RefuseAsync(context, status, reason) : CanPages.RefuseAsync(context, guard, status, reason);
}
