using System.Text.Json;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Status;
using EdgeSync.Node.Web.Live;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Storage.Authoring;
using Microsoft.Extensions.Logging;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>Pages that keep themselves current: the streams that say so, and the page of the node.</summary>
public sealed class LivePagesTests
{
    private const string Hostile = "<script>alert(1)</script>";

    [Test]
    public async Task A_commit_is_announced_to_the_pages_that_wait()
    {
        await using var site = await Site.StartAsync();
        await using var stream = await site.OpenAsync("/live");
        using var lines = new StreamReader(stream);
        Assert.Equal("retry: 3000", await lines.ReadLineAsync());

        using (var project = TestProject.Open(site.Path))
        {
            project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("trunk"),
                User = TestProject.Tester,
                Comment = "while the page is open",
                Changes = [TestProject.Put("e.txt", "e\n")],
            });
        }

        while (await lines.ReadLineAsync() is { } line && line != "event: change")
        {
        }

        Assert.Contains("while the page is open", (await site.GetAsync("/timeline")).Body, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("/", true)]
    [Arguments("/timeline", true)]
    [Arguments("/timeline?n=1&c=CURSOR", false)]
    [Arguments("/info/tip", false)]
    [Arguments("/login", false)]
    public async Task Only_a_page_that_keeps_itself_current_has_the_script(string path, bool isLive)
    {
        await using var site = await Site.StartAsync();
        using (var first = JsonDocument.Parse((await site.GetAsync("/timeline?n=1&format=json")).Body))
            path = path.Replace(
                "CURSOR", first.RootElement.GetProperty("next").GetString(), StringComparison.Ordinal);

        var page = await site.GetAsync(path);
        var html = System.Text.Encoding.UTF8.GetString(page.Bytes);

        Assert.Equal(isLive, html.Contains("<script src=\"/edgesync.js?v=", StringComparison.Ordinal));
        Assert.Equal(isLive, html.Contains("data-live=\"/live\"", StringComparison.Ordinal));
        Assert.Equal(isLive, page.Policy.Contains("script-src 'self'", StringComparison.Ordinal));
        Assert.DoesNotContain("unsafe", page.Policy, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_stream_needs_the_right_to_read_and_a_name_of_the_node()
    {
        await using var site = await Site.StartAsync(p => p.Repository.Users.SetCapabilities("nobody", ""));

        Assert.Equal(404, (await site.GetAsync("/live")).Status);
        Assert.Equal(403, (await site.GetAsync("/live", host: "evil.example")).Status);
    }

    [Test]
    public async Task An_address_has_a_limited_number_of_streams()
    {
        await using var site = await Site.StartAsync();
        var open = new List<Stream>();
        for (var i = 0; i < 16; i++) open.Add(await site.OpenAsync("/live"));

        Assert.Equal(503, (await site.GetAsync("/live")).Status);

        foreach (var stream in open) await stream.DisposeAsync();
        while ((await site.HeadAsync("/live")) != 200)
        {
        }
    }

    [Test]
    public async Task A_topic_is_watched_while_somebody_waits_and_once_for_all()
    {
        var (running, started) = (0, 0);
        Action? change = null;
        var topic = new LiveTopic(async (changed, token) =>
        {
            change = changed;
            started++;
            running++;
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                running--;
            }
        });

        topic.Join();
        topic.Join();
        Assert.Equal((1, 1), (running, started));
        var waiting = topic.Change;
        change!();
        await waiting;

        await topic.LeaveAsync();
        Assert.Equal(1, running);
        await topic.LeaveAsync();
        Assert.Equal(0, running);

        topic.Join();
        Assert.Equal((1, 2), (running, started));
        await topic.LeaveAsync();
        Assert.Equal(0, running);
    }

    [Test]
    public void The_page_of_the_node_shows_health_with_reasons_peers_and_events()
    {
        var html = Shown(Status(""));

        foreach (var text in (string[])[
            "Not ready", "the disk is full", "free some", "ship7", "nats", "3 check-ins apart", "2026-01-02 03:04:05",
            "nats.disconnected", "10.0.0.4:443"])
            Assert.Contains(text, html, StringComparison.Ordinal);
    }

    [Test]
    public void Hostile_names_of_peers_are_text() =>
        Assert.DoesNotContain("<script", Shown(Status(Hostile)), StringComparison.Ordinal);

    private static string Shown(NodeStatus status)
    {
        LogEntry[] events = [
            new(DateTimeOffset.UnixEpoch, LogLevel.Warning, "nats.disconnected", "Disconnected",
                [new("url", status.Node)], null)];
        var html = new HtmlPage();
        NodeOverview.Of(status, events).Write(html, default);
        return html.ToString();
    }

    private static NodeStatus Status(string hostile) => new()
    {
        Node = "node" + hostile,
        Role = "leaf",
        StartedAt = DateTimeOffset.UnixEpoch,
        Now = DateTimeOffset.UnixEpoch,
        Checks = [new("repository", CheckState.Failed, "the disk is full" + hostile, "free some" + hostile)],
        Repositories =
        [
            new RepositoryStatus
            {
                Name = "site" + hostile,
                Path = "/x/site.fossil",
                ProjectName = "Site" + hostile,
                Checkins = 12,
                LastCheckinAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
                Peers = [new PeerStatus { Peer = "ship7" + hostile, Route = "nats", Lag = 3 }],
            },
        ],
        Iroh = new IrohStatus
        {
            EndpointId = "0123456789abcdef",
            Ticket = "ticket",
            Peers =
            [
                new IrohPeerStatus
                {
                    EndpointId = "0123456789abcdef",
                    Name = "ship8" + hostile,
                    Origin = "settings",
                    Route = "direct",
                    Address = "10.0.0.4:443",
                    RttMs = 12,
                },
            ],
        },
    };
}
