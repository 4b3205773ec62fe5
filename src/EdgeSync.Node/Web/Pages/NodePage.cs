using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Web.Live;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// The page of the node, for those who may read <c>/status</c>, and the stream of its changes.
/// <code>
/// /node         health, repositories, peers, events; ?format=json
/// /node/live    server-sent events
/// </code>
/// </summary>
internal sealed class NodePage(
    INodeStatusSource source, RecentEvents events, Func<HttpSection> settings, LiveStreams streams)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private LiveTopic? _topic;

    private LiveTopic Topic => LazyInitializer.EnsureInitialized(ref _topic, () => new LiveTopic(WatchAsync));

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapMethods("/node", NodeEndpoints.Reading, (RequestDelegate)ServeAsync);
        app.MapGet(
            "/node/live",
            (RequestDelegate)(context => MaySee(context, settings()) ? streams.ServeAsync(context, Topic)
                : PageSender.RefuseNodeAsync(context)));
    }

    /// <summary>True for those who may read <c>/status</c>.</summary>
    public static bool MaySee(HttpContext context, HttpSection http) =>
        http.StatusAccess == StatusAccess.Everybody || HostCheck.IsLocal(context, http.Hosts);

    private async Task ServeAsync(HttpContext context)
    {
        if (!MaySee(context, settings()))
        {
            await PageSender.RefuseNodeAsync(context);
            return;
        }

        var view = NodeOverview.Of(
            await source.SnapshotAsync(context.RequestAborted), events.List(), context.Request.Host.Host);
        var visitor = new PageVisitor(null, default, "") { SeesNode = true };
        var request = new PageRequest(new PageQuery("", context.Request.Query), visitor, default, "edgesync", "");
        await PageSender.SendAsync(context, PageSender.Show(request, view));
    }

    private async Task WatchAsync(Action changed, CancellationToken cancellationToken)
    {
        var seen = await StampAsync(cancellationToken);
        while (true)
        {
            await Task.Delay(LookEvery, streams.Clock, cancellationToken);
            var now = await StampAsync(cancellationToken);
            if (now.AsSpan().SequenceEqual(seen)) continue;

            seen = now;
            changed();
        }
    }

    private async Task<byte[]> StampAsync(CancellationToken cancellationToken) => PageSender.ToJson(
        NodeOverview.Of(await source.SnapshotAsync(cancellationToken), events.List()));
}
