using System.Globalization;
using EdgeSync.Can.Service;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// Decisions about the mirror, with the admin token; each answers the mirror's state.
/// <code>
/// POST /admin/mirror/pause, /admin/mirror/resume      of contents
/// POST /admin/mirror/answer?question=NAME&amp;meant=true   decides an open question; 404 when it is not open
/// POST /admin/mirror/retire?store=ID                  a store that does not come back
/// </code>
/// </summary>
internal sealed class MirrorRoutes(MirrorHost? mirror, CanGuard guard)
{
    public async Task ActAsync(HttpContext context)
    {
        if (guard.AdminStatus(context) is > 0 and var status)
        {
            await CanAnswer.RefuseAsync(context, status, AdminRoutes.RefusalOf(status));
            return;
        }

        if (mirror is null)
        {
            await CanAnswer.RefuseAsync(context, 404, "this store takes part in no mirror");
            return;
        }

        if (await RefusalAsync(mirror, context) is var (refused, reason))
            await CanAnswer.RefuseAsync(context, refused, reason);
        else await CanAnswer.SuccessAsync(
            context, await mirror.StatusAsync(context.RequestAborted), ServiceContext.Default.SuccessMirrorStatus);
    }

    // Null: it was done.
    private static async Task<(int Status, string Reason)?> RefusalAsync(MirrorHost mirror, HttpContext context)
    {
        var query = context.Request.Query;
        switch ((string?)context.Request.RouteValues["action"])
        {
            case "pause":
                await mirror.PauseAsync(isPaused: true);
                return null;
            case "resume":
                await mirror.PauseAsync(isPaused: false);
                return null;
            case "answer":
                if (QuestionOf(query["question"].ToString()) is not { } question
                    || CanSettings.Flag(query["meant"].ToString()) is not { } isMeant)
                    return (
                        400, "question is one of own-deletions, peer-deletions, missing-content; meant true or false");

                return await mirror.AnswerAsync(question, isMeant) ? null : (404, "the question is not open");
            case "retire":
                if (!ulong.TryParse(
                    query["store"].ToString(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                    out var id))
                    return (400, "store is 16 hex digits");

                return await mirror.RetireAsync(new StoreId(id))
                    ? null : (404, "the mirror has no such other store");
            default: return (404, "no such route");
        }
    }

    /// <summary>By the name that people use.</summary>
    public static SyncQuestion? QuestionOf(string name)
    {
        foreach (var question in Enum.GetValues<SyncQuestion>())
        {
            if (MirrorHost.NameOf(question) == name) return question;
        }

        return null;
    }
}
