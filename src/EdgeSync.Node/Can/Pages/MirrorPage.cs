using System.Text.Json;
using EdgeSync.Can.Service;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Web.Live;
using EdgeSync.Node.Web.Pages;

namespace EdgeSync.Node.Can.Pages;

/// <summary>The page of the mirror: stores with their routes and progress, and the questions that are open.</summary>
internal sealed class MirrorPage
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly MirrorHost? _mirror;
    private readonly TimeProvider _clock;

    public MirrorPage(MirrorHost? mirror, TimeProvider clock)
    {
        (_mirror, _clock) = (mirror, clock);
        Topic = new LiveTopic(WatchAsync);
    }

    /// <summary>Changes of what the page shows.</summary>
    public LiveTopic Topic { get; }

    public async Task<HtmlPage> OfAsync(CanVisitor visitor, CancellationToken cancellationToken)
    {
        var html = new HtmlPage();
        if (_mirror is null)
        {
            html.Add(
                $"""
                <p>This store takes part in no mirror. With a passphrase in its settings, and
                <code>edgesync can serve --sync</code> (in a leaf: <code>assets.mirror.enabled</code>), it has the same
                assets as all stores with that passphrase.</p>

                """);
            return CanLayout.Of("Mirror", visitor, html);
        }

        Write(html, await _mirror.StatusAsync(cancellationToken), visitor);
        return CanLayout.Of(
            "Mirror", visitor, html, PageAssets.ScriptPath, new HtmlPage().Add($" data-live=\"/page/live\""));
    }

    private static void Write(HtmlPage html, MirrorStatus status, CanVisitor visitor)
    {
        html.Add($"<p>This store is <bdi>{status.Name}</bdi>, <code>{status.Store}</code>. ");
        if (status.Missing > 0) html.Add($"<strong>{status.Missing} assets have not come yet.</strong> ");
        if (status.Deletions > 0) html.Add($"{status.Deletions} deletions have not reached every store. ");
        if (status.LimitBytesPerSecond is { } limit) html.Add($"Limited to {limit} bytes a second. ");
        if (status.IsPaused) html.Add($"<strong>Contents are paused.</strong>");
        html.Add($"</p>\n");
        if (visitor.IsAdmin) WritePause(html, status, visitor);
        foreach (var question in status.Questions) WriteQuestion(html, question, visitor);

        html.Add($"<h2>Connected</h2>\n");
        if (status.Peers.Count == 0) html.Add($"<p>No other store is connected.</p>\n");
        else WritePeers(html, status);
        html.Add($"<h2>All stores</h2>\n<ul>\n");
        foreach (var store in status.Stores)
        {
            var state = store.Store == status.Store ? "this one" : store.IsConnected ? "connected" : "not connected";
            html.Add($"<li><bdi>{store.Name}</bdi> <code>{store.Store}</code>, {state}</li>\n");
        }

        html.Add($"</ul>\n<h2>Ticket</h2>\n<p>The ways to this store, for <code>--peer</code> ");
        html.Add($"of another one with the same passphrase:</p>\n");
        html.Add($"<p><code class=\"ticket\">{status.Ticket}</code></p>\n");
    }

    private static void WritePeers(HtmlPage html, MirrorStatus status)
    {
        html.Add(
            $"""
            <div class="scroll" role="region" aria-label="Connected stores" tabindex="0"><table class="peers">
            <tr><th scope="col">Store</th><th scope="col">State</th><th scope="col">Route</th>
            <th scope="col">Round trip</th><th scope="col">Coming</th><th scope="col">Going</th></tr>

            """);
        foreach (var peer in status.Peers)
        {
            var name = peer.Store.Length > 0 ? peer.Name : peer.Protocol;
            html.Add($"<tr><td><bdi>{name}</bdi></td><td class=\"{(peer.IsInSync ? "good" : "")}\">");
            if (peer.IsInSync) html.Add($"in sync</td>");
            else if (peer.Missing > 0) html.Add($"lacks {peer.Missing} assets</td>");
            else html.Add($"comparing</td>");
            html.Add($"<td>{peer.Route ?? "none yet"} {peer.Address}</td><td>");
            if (peer.RttMs is { } rtt) html.Add($"{(long)Math.Round(rtt)} ms");
            html.Add($"</td><td>{peer.Downloads}</td><td>{peer.Uploads}</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }

    private static void WritePause(HtmlPage html, MirrorStatus status, CanVisitor visitor) => html.Add(
        $"""
        <form method="post" action="/page/mirror"><input type="hidden" name="csrf" value="{visitor.Csrf}">
        <button name="action" value="{(status.IsPaused ? "resume" : "pause")}">{(status.IsPaused
            ? "Resume" : "Pause")} contents</button></form>

        """);

    private static void WriteQuestion(HtmlPage html, string question, CanVisitor visitor)
    {
        html.Add($"<div class=\"problem\"><h2>A decision is needed: {question}</h2>\n<p>");
        html.Add(
            $"{question switch
            {
                "own-deletions" => "Many assets were deleted here. Are these deletions meant?",
                "peer-deletions" => "Other stores delete many assets. Are these deletions meant?",
                _ => "Many contents are missing in the storage folder. Shall they be fetched again?",
            }}");
        html.Add($"</p>\n");
        if (visitor.IsAdmin)
        {
            html.Add(
                $"""
                <form method="post" action="/page/mirror"><input type="hidden" name="csrf" value="{visitor.Csrf}">
                <input type="hidden" name="question" value="{question}">
                <button name="action" value="yes">Yes</button> <button name="action" value="no">No</button></form>

                """);
        }
        else
        {
            html.Add($"<p>Log in with the admin token to decide it, or use <code>can answer</code>.</p>\n");
        }

        html.Add($"</div>\n");
    }

    private async Task WatchAsync(Action changed, CancellationToken cancellationToken)
    {
        if (_mirror is null) return;

        var seen = Array.Empty<byte>();
        while (true)
        {
            var now = JsonSerializer.SerializeToUtf8Bytes(
                await _mirror.StatusAsync(cancellationToken), ServiceContext.Default.MirrorStatus);
            if (seen.Length > 0 && !now.AsSpan().SequenceEqual(seen)) changed();
            seen = now;
            await Task.Delay(LookEvery, _clock, cancellationToken);
        }
    }
}
