using System.Globalization;
using System.Net;
using System.Text.Json.Serialization;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A check of the node.</summary>
/// <param name="State"><c>ok</c>, <c>warning</c> or <c>failed</c>.</param>
internal sealed record CheckRow(string Name, string State, string? Detail, string? Hint);

/// <summary>A peer of a repository.</summary>
/// <param name="State">In the words of <c>edgesync status --json</c>.</param>
/// <param name="Route"><c>nats</c>, <c>http</c> or <c>iroh</c>; null while there is none.</param>
/// <param name="Lag">Check-ins that only one of the two has; null when unknown.</param>
/// <param name="Since">In sync: the last agreement.</param>
internal sealed record NodePeerRow(
    string Peer, string State, string? Route, long? Lag, string? Since, string? Reason, string? Hint);

/// <summary>A repository of the node.</summary>
internal sealed record NodeRepositoryRow(
    string Name, string? Project, string State, string? Reason, string? Hint, long Checkins, string? LastCheckinAt,
    string? LastAgreedAt, IReadOnlyList<NodePeerRow> Peers);

/// <summary>A connection of the iroh endpoint.</summary>
/// <param name="Route"><c>direct</c>, <c>relay</c> or <c>none</c>.</param>
internal sealed record NodeConnectionRow(string Peer, string Route, string? Address, double? RttMs);

/// <summary>The asset store of the node.</summary>
/// <param name="Url">Of its pages, for the visitor.</param>
/// <param name="Text">How much it holds, and the state of its mirror.</param>
/// <param name="State">Of its mirror, in the words of <c>/status</c>; null without one.</param>
internal sealed record NodeAssetsRow(string Url, string Text, string? State);

/// <summary>An event of the log.</summary>
internal sealed record NodeEventRow(string Date, string Level, string Event, string Text);

/// <summary>The node: its health with reasons, its repositories with their peers, and what happened last.</summary>
internal sealed record NodeOverview(
    string Node, string Role, string Version, string StartedAt, bool Ready, IReadOnlyList<CheckRow> Checks,
    IReadOnlyList<NodeRepositoryRow> Repositories, IReadOnlyList<NodeConnectionRow> Connections,
    IReadOnlyList<NodeEventRow> Events) : ILivePage
{
    /// <summary>Null without a store.</summary>
    public NodeAssetsRow? Assets { get; init; }

    [JsonIgnore]
    public string Title => Node;

    /// <param name="host">The name by which the visitor has reached the node, for links to its other ports.</param>
    public static NodeOverview Of(NodeStatus status, IReadOnlyList<LogEntry> events, string? host = null) => new(
        status.Node, status.Role, status.Version, Text(status.StartedAt)!, status.Ready,
        [.. status.Checks.Select(c => new CheckRow(c.Name, WordOf(c.State), c.Detail, c.Hint))],
        [.. status.Repositories.Select(r => Of(r, status))],
        [.. (status.Iroh?.Peers ?? []).Select(p => new NodeConnectionRow(
            p.Name ?? p.EndpointId[..10], p.Route, p.Address, p.RttMs is { } rtt ? Math.Round(rtt) : null))],
        [.. events.Select(e => new NodeEventRow(
            Text(e.Time)!, e.Level.ToString().ToLowerInvariant(), e.Event, TextOf(e)))])
    {
        Assets = status.Assets is { } assets
            ? new NodeAssetsRow(ForVisitor(assets.Url, host), AssetsText.Of(assets), assets.Mirror?.State)
            : null,
    };

    public string LivePath(PageLinks links) => "/node/live";

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p>{Role}, edgesync {Version}, since ");
        html.Add($"<time datetime=\"{StartedAt}\">{Second(StartedAt)}</time></p>\n");
        html.Add($"<h2>Health</h2>\n<p class=\"{(Ready ? "good" : "bad")}\">");
        html.Add($"{(Ready ? "Ready" : "Not ready")}</p>\n");
        if (Checks.Count > 0)
        {
            html.Add($"<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Check</th><th scope=\"col\">State</th>");
            html.Add($"<th scope=\"col\">Reason</th></tr>\n");
            foreach (var check in Checks)
            {
                html.Add($"<tr><td>{check.Name}</td><td class=\"{ClassOf(check.State)}\">{check.State}</td>");
                html.Add($"<td>{check.Detail} <span class=\"faint\">{check.Hint}</span></td></tr>\n");
            }

            html.Add($"</table></div>\n");
        }

        foreach (var repository in Repositories) Write(html, repository);
        WriteAssets(html);
        WriteConnections(html);
        WriteEvents(html);
    }

    private static void Write(HtmlPage html, NodeRepositoryRow repository)
    {
        html.Add($"<h2><a href=\"/{Uri.EscapeDataString(repository.Name)}/\">");
        html.Add($"{repository.Project ?? repository.Name}</a> ");
        html.Add($"<span class=\"{ClassOf(repository.State)}\">{Words(repository.State)}</span></h2>\n");
        if (repository.Reason is { } reason)
            html.Add($"<p>{reason} <span class=\"faint\">{repository.Hint}</span></p>\n");
        html.Add($"<p>{DisplayText.Number(repository.Checkins)} check-ins");
        if (repository.LastCheckinAt is { } checkin)
            html.Add($", the last one of <time datetime=\"{checkin}\">{Second(checkin)}</time>");
        if (repository.LastAgreedAt is { } agreed)
            html.Add($"; last agreement <time datetime=\"{agreed}\">{Second(agreed)}</time>");
        html.Add($"</p>\n");
        if (repository.Peers.Count == 0) return;

        html.Add($"<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Peer</th><th scope=\"col\">State</th>");
        html.Add($"<th scope=\"col\">Route</th><th scope=\"col\">Lag</th><th scope=\"col\">Last agreement</th>");
        html.Add($"<th scope=\"col\">Reason</th></tr>\n");
        foreach (var peer in repository.Peers)
        {
            html.Add($"<tr><td>{peer.Peer}</td><td class=\"{ClassOf(peer.State)}\">{Words(peer.State)}</td>");
            html.Add($"<td>{peer.Route ?? "none"}</td><td>");
            if (peer.Lag is { } lag) html.Add($"{lag}");
            html.Add($"</td><td>");
            if (peer.Since is { } since) html.Add($"<time datetime=\"{since}\">{Second(since)}</time>");
            html.Add($"</td><td>{peer.Reason} <span class=\"faint\">{peer.Hint}</span></td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }

    private void WriteAssets(HtmlPage html)
    {
        if (Assets is not { } assets) return;

        html.Add($"<h2><a href=\"{assets.Url}/\">Assets</a>");
        if (assets.State is { } state) html.Add($" <span class=\"{ClassOf(state)}\">{Words(state)}</span>");
        html.Add($"</h2>\n<p>{assets.Text}</p>\n");
    }

    private void WriteConnections(HtmlPage html)
    {
        if (Connections.Count == 0) return;

        html.Add($"<h2>Connections</h2>\n<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Peer</th>");
        html.Add($"<th scope=\"col\">Route</th><th scope=\"col\">Address</th><th scope=\"col\">Round trip</th></tr>\n");
        foreach (var connection in Connections)
        {
            html.Add($"<tr><td>{connection.Peer}</td><td>{connection.Route}</td><td>{connection.Address}</td><td>");
            if (connection.RttMs is { } rtt) html.Add($"{(long)rtt} ms");
            html.Add($"</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }

    private void WriteEvents(HtmlPage html)
    {
        html.Add($"<h2>Recent events</h2>\n");
        if (Events.Count == 0) html.Add($"<p>None yet.</p>\n");
        html.Add($"<table class=\"timeline\">\n");
        foreach (var row in Events)
        {
            html.Add($"<tr><td class=\"when\"><time datetime=\"{row.Date}\">{Second(row.Date)}</time></td>");
            html.Add($"<td class=\"{(row.Level is "warning" or "error" or "critical" ? "bad" : "")}\">");
            html.Add($"{row.Event}</td><td>{row.Text}</td></tr>\n");
        }

        html.Add($"</table>\n");
    }

    private static NodeRepositoryRow Of(RepositoryStatus repository, NodeStatus status)
    {
        var verdict = SyncVerdict.Of(repository, status);
        return new NodeRepositoryRow(
            repository.Name, repository.ProjectName, SyncStates.WordOf(verdict.State), verdict.Reason, verdict.Hint,
            repository.Checkins, Text(repository.LastCheckinAt), Text(verdict.Since),
            [.. verdict.Peers.Select(p => new NodePeerRow(
                p.Peer, SyncStates.WordOf(p.State), p.Route,
                repository.Peers.FirstOrDefault(known => known.Peer == p.Peer)?.Lag, Text(p.Since), p.Reason,
                p.Hint))]);
    }

    // A store that listens everywhere is where the visitor found the node.
    private static string ForVisitor(string url, string? host) =>
        host is { Length: > 0 } && IPAddress.TryParse(new Uri(url).Host.Trim('[', ']'), out var address)
        && ListenAddress.IsEvery(address) ? new UriBuilder(url) { Host = host }.Uri.ToString().TrimEnd('/') : url;

    private static string TextOf(LogEntry entry) => string.Join(
        ' ', entry.Fields.Where(f => f.Value is not null && f.Key != "agent")
            .Select(f => $"{f.Key}={LogEntry.TextOf(f.Value)}").Prepend(entry.Message));

    private static string WordOf(CheckState state) => state switch
    {
        CheckState.Ok => "ok",
        CheckState.Warning => "warning",
        _ => "failed",
    };

    private static string ClassOf(string state) => state switch
    {
        "ok" or "in_sync" => "good",
        "syncing" or "alone" or "unknown" or "cloning" => "",
        _ => "bad",
    };

    private static string Words(string state) => state.Replace('_', ' ');

    private static string? Text(DateTimeOffset? date) =>
        date?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Second(string date) => DisplayText.Second(date);
}
