using EdgeSync.Can.Service;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>
/// Administration, with the admin token.
/// <code>
/// POST /admin/rebuild    makes the index again from the files
/// POST /admin/verify     starts a pass of the verifier, or joins the one that runs
/// GET  /admin/verify     the last pass
/// </code>
/// </summary>
internal sealed class AdminRoutes(AssetStore store, VerifyLoop verifier, CanGuard guard)
{
    public static string RefusalOf(int status) => status switch
    {
        403 => "administration is disabled: admin_token is not set",
        429 => CanGuard.TooManyKeys,
        _ => "the admin token is missing or wrong",
    };

    public async Task RebuildAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        var (indexed, errors) = await store.RebuildAsync();
        await CanAnswer.SuccessAsync(
            context, new RebuildResult(indexed, errors), ServiceContext.Default.SuccessRebuildResult);
    }

    public async Task StartVerifyAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        _ = verifier.Start();   // its end is read by the other route
        await CanAnswer.SuccessAsync(context, verifier.State, ServiceContext.Default.SuccessVerifyState);
    }

    public async Task VerifyStateAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        await CanAnswer.SuccessAsync(context, verifier.State, ServiceContext.Default.SuccessVerifyState);
    }

    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        var status = guard.AdminStatus(context);
        if (status == 0) return false;

        await CanAnswer.RefuseAsync(context, status, RefusalOf(status));
        return true;
    }
}
