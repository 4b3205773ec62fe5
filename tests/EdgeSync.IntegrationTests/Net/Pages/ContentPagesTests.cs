using System.Text;
using System.Text.Json;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>
/// Wiki, technotes, tickets, forum, search and unversioned files over HTTP: what they show, to whom, and that no text
/// of a repository is markup of its own.
/// </summary>
public sealed class ContentPagesTests
{
    private const string Hostile =
        "<script>alert(1)</script><img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">a</a>"
            + "[javascript:alert(1)|b]<svg onload=alert(1)><b onclick=\"alert(1)\" style=\"x\">bold</b>"
            + "<a href=\"//evil.example/\">c</a><iframe src=\"http://evil.example\"></iframe>";

    private const string Rights = "gjorz2";

    [Test]
    [Arguments("/wiki?name=Start", "<strong>strong</strong>")]
    [Arguments("/wiki/Start", "<strong>strong</strong>")]
    [Arguments("/wiki?name=Old+style", "<li>item")]
    [Arguments("/wiki", "Old style")]
    [Arguments("/wcontent", "Start")]
    [Arguments("/whistory?name=Start", "ann")]
    [Arguments("/technote", "A release")]
    [Arguments("/tktview/TICKET", "It does not work")]
    [Arguments("/tktview?name=TICKET", "a remark")]
    [Arguments("/ticket", "It does not work")]
    [Arguments("/reportlist", "All Tickets")]
    [Arguments("/rptview?rn=1", "It does not work")]
    [Arguments("/forum", "How to start")]
    [Arguments("/search?s=answer", "How to start")]
    [Arguments("/forumpost/POST", "an answer")]
    [Arguments("/search?s=strong", "Start")]
    [Arguments("/search?s=second", "a.txt")]
    [Arguments("/search", "Words that all occur")]
    [Arguments("/uvlist", "notes/read.txt")]
    public async Task A_page_shows_what_is_in_the_repository(string path, string text)
    {
        await using var site = await StartAsync();
        path = await site.PathOfAsync(path);

        var page = await site.GetAsync(path);
        var json = await site.GetAsync(
            path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "format=json");

        Assert.Equal((path, 200, 200), (path, page.Status, json.Status));
        Assert.Contains(text, page.Body, StringComparison.Ordinal);
        Assert.Equal("application/json", json.Type);
        using var document = JsonDocument.Parse(json.Body);
        Assert.Contains("default-src 'none'", page.Policy, StringComparison.Ordinal);
    }

    [Test]
    public async Task Links_lead_to_pages_hashes_and_paths()
    {
        await using var site = await StartAsync();

        var page = (await site.GetAsync("/a/wiki?name=Start")).Body;

        Assert.Contains(
            "<a href=\"/a/wiki?name=Old%20style\" rel=\"nofollow\">Old style</a>", page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/a/timeline\" rel=\"nofollow\">t</a>", page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"https://x.example/\" rel=\"nofollow\">out</a>", page, StringComparison.Ordinal);
        Assert.Contains("[No such page]", page, StringComparison.Ordinal);
        Assert.Contains("/a/info/", page, StringComparison.Ordinal);
        Assert.Contains("<img src=\"/a/uv/pic.png\" alt=\"picture\">", page, StringComparison.Ordinal);
        Assert.Contains(
            "<a href=\"http://evil.example/p.png\" rel=\"nofollow\">outside</a>", page, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("/timeline?n=100")]
    [Arguments("/wiki?name=Bad")]
    [Arguments("/wiki?name=Bad+markdown")]
    [Arguments("/whistory?name=Bad")]
    [Arguments("/wcontent")]
    [Arguments("/technote")]
    [Arguments("/technote/NOTE")]
    [Arguments("/tktview/TICKET")]
    [Arguments("/ticket")]
    [Arguments("/rptview?rn=1")]
    [Arguments("/rptview?rn=99")]
    [Arguments("/forum")]
    [Arguments("/forumpost/POST")]
    [Arguments("/search?s=alert")]
    [Arguments("/search?s=%3Cscript%3E+%22+NEAR%28")]
    [Arguments("/uvlist")]
    [Arguments("/wiki?name=%3Cscript%3E")]
    [Arguments("/tktview/%3Cscript%3E")]
    [Arguments("/forumpost/%3Cscript%3E")]
    [Arguments("/technote/%3Cscript%3E")]
    [Arguments("/uv/%3Cscript%3E")]
    public async Task Hostile_texts_are_shown_and_not_run(string path)
    {
        await using var site = await StartAsync(Hostile);

        var page = (await site.GetAsync(await site.PathOfAsync(path))).Body;

        foreach (var bad in (string[])["<script", "<img", "<svg o", "<iframe", "<b ", "href=\"javascript", "href=\"//"])
            Assert.DoesNotContain(bad, page, StringComparison.OrdinalIgnoreCase);
    }

    [Test]
    [Arguments("/wiki", "j")]
    [Arguments("/wiki?name=Start", "j")]
    [Arguments("/whistory?name=Start", "j")]
    [Arguments("/technote", "j")]
    [Arguments("/tktview/TICKET", "r")]
    [Arguments("/ticket", "r")]
    [Arguments("/rptview?rn=1", "r")]
    [Arguments("/forum", "2")]
    [Arguments("/forumpost/POST", "2")]
    [Arguments("/uvlist", "o")]
    [Arguments("/uv/notes/read.txt", "o")]
    public async Task A_page_needs_its_right(string path, string right)
    {
        await using var site = await StartAsync();
        path = await site.PathOfAsync(path);
        using (var repository = Repository.Open(site.Path))
            repository.Users.SetCapabilities("nobody", Rights.Replace(right, "", StringComparison.Ordinal));

        Assert.Equal(302, (await site.GetAsync(path)).Status);
    }

    [Test]
    public async Task Lines_of_the_timeline_have_their_markup_and_lead_to_pages()
    {
        await using var site = await StartAsync();
        var id = (await site.PathOfAsync("TICKET"))[..16];

        var timeline = (await site.GetAsync("/timeline?n=100")).Body;
        var ticket = await site.GetAsync("/info/" + id);

        Assert.Contains("Added: <a href=\"/wiki?name=Old%20style\">Old style</a>", timeline, StringComparison.Ordinal);
        Assert.Contains($"<a href=\"/info/{id}\" rel=\"nofollow\">", timeline, StringComparison.Ordinal);
        Assert.Contains("<i>It does not work</i>", timeline, StringComparison.Ordinal);
        Assert.Equal(302, ticket.Status);
        Assert.StartsWith("/tktview/" + id, ticket.Location, StringComparison.Ordinal);
    }

    [Test]
    public async Task Entries_of_the_timeline_and_hits_need_their_rights_too()
    {
        await using var site = await StartAsync();
        using (var repository = Repository.Open(site.Path)) repository.Users.SetCapabilities("nobody", "o");

        var timeline = (await site.GetAsync("/timeline")).Body;
        var hits = (await site.GetAsync("/search?s=strong")).Body;
        var tickets = (await site.GetAsync("/search?s=work")).Body;

        Assert.DoesNotContain("How to start", timeline, StringComparison.Ordinal);
        Assert.DoesNotContain("It does not work", timeline, StringComparison.Ordinal);
        Assert.DoesNotContain("A release", timeline, StringComparison.Ordinal);
        Assert.Contains("second change", timeline, StringComparison.Ordinal);
        Assert.Contains(
            "Nothing has all of these words", (await site.GetAsync("/search?s=answer")).Body, StringComparison.Ordinal);
        Assert.Contains("Nothing has all of these words", hits, StringComparison.Ordinal);
        Assert.Contains("Nothing has all of these words", tickets, StringComparison.Ordinal);
    }

    [Test]
    public async Task What_is_private_is_neither_shown_nor_found()
    {
        await using var site = await StartAsync(more: project =>
        {
            var repository = project.Repository;
            using (var transaction = repository.Begin())
            {
                var author = new ArtifactAuthor(repository);
                author.Store(
                    ArtifactDraft.Wiki(
                        Date(90), "ann", "Start", new CardText("hiddenword in wiki"u8.ToArray()), default, null),
                    ArtifactKind.Wiki, isPrivate: true, isUnsent: true);
                author.Store(
                    ArtifactDraft.Wiki(
                        Date(91), "ann", "Secret page", new CardText("hiddenword in page"u8.ToArray()), default, null),
                    ArtifactKind.Wiki, isPrivate: true, isUnsent: true);
                author.Store(
                    Post("A secret thread", "hiddenword in forum", 92), ArtifactKind.Forum, isPrivate: true,
                    isUnsent: true);
                transaction.Commit();
            }

            var secret = project.Commit(new CommitOptions
            {
                Parent = repository.Names.ResolveCheckin("trunk"),
                User = TestProject.Tester,
                Comment = "hiddenword in comment",
                Changes = [TestProject.Put("a.txt", "hiddenword in file\n")],
            });
            using (var hide = repository.Database.Prepare(
                "INSERT INTO private SELECT ?1 UNION SELECT fid FROM mlink WHERE mid=?1"))
                hide.Bind(1, secret).Run();
            repository.Users.Add("ann", Rights + "x", "right");
        });
        string[] pages = [
            "/search?s=hiddenword", "/search?s=hiddenword&format=json", "/wiki?name=Start", "/wcontent", "/forum",
            "/whistory?name=Start", "/timeline?n=100"];

        foreach (var path in pages)
        {
            var page = await site.GetAsync(path);

            Assert.Equal((path, 200), (path, page.Status));
            Assert.DoesNotContain(
                " in ", page.Body.Replace("Log in", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.DoesNotContain("secret", page.Body, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(404, (await site.GetAsync("/wiki?name=Secret+page")).Status);

        await site.LogInAsync("ann", "right");
        var found = (await site.GetAsync("/search?s=hiddenword")).Body;
        foreach (var where in (string[])["in wiki", "in page", "in comment", "in file", "in forum"])
            Assert.Contains(where, found, StringComparison.Ordinal);
        Assert.Contains("A secret thread", (await site.GetAsync("/forum")).Body, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("notes/read.txt", "text/plain; charset=utf-8", false)]
    [Arguments("pic.png", "image/png", false)]
    [Arguments("page.html", "application/octet-stream", true)]
    [Arguments("pic.svg", "application/octet-stream", true)]
    [Arguments("data", "application/octet-stream", true)]
    public async Task Unversioned_files_have_a_type_in_which_nothing_runs(string name, string type, bool isDownload)
    {
        await using var site = await StartAsync();

        var file = await site.GetAsync("/uv/" + name);

        Assert.Equal((200, type), (file.Status, file.Type));
        Assert.Equal(isDownload, file.Disposition.StartsWith("attachment", StringComparison.Ordinal));
        Assert.Contains("default-src 'none'", file.Policy, StringComparison.Ordinal);
        Assert.Equal("content of " + name, file.Body);
    }

    [Test]
    [Arguments("/wiki?name=nosuch", 404)]
    [Arguments("/whistory?name=nosuch", 404)]
    [Arguments("/technote/0123456789", 404)]
    [Arguments("/tktview/0123456789", 404)]
    [Arguments("/tktview", 404)]
    [Arguments("/rptview?rn=77", 404)]
    [Arguments("/rptview?rn=x", 404)]
    [Arguments("/forumpost/tip", 404)]
    [Arguments("/uv/nosuch", 404)]
    public async Task What_is_not_there_is_said(string path, int status)
    {
        await using var site = await StartAsync();

        Assert.Equal(status, (await site.GetAsync(path)).Status);
    }

    [Test]
    public async Task A_report_without_end_is_ended()
    {
        var many = $"json_each('[{string.Join(',', Enumerable.Repeat("0", 2000))}]')";
        await using var site = await StartAsync(more: project => AddReport(
            project.Repository, 99, $"SELECT count(*) FROM {many} a, {many} b, {many} c, {many} d"));

        var page = await site.GetAsync("/rptview?rn=99");

        Assert.Contains("too much work", page.Body, StringComparison.Ordinal);
        Assert.Equal(503, page.Status);
        Assert.Equal(200, (await site.GetAsync("/timeline")).Status);
    }

    [Test]
    public async Task A_report_does_not_read_check_ins_for_visitors()
    {
        await using var site = await StartAsync(
            more: project => AddReport(project.Repository, 98, "SELECT comment FROM event"));

        Assert.NotEqual(200, (await site.GetAsync("/rptview?rn=98")).Status);
    }

    [Test]
    public async Task A_version_of_a_page_and_its_source_stay_readable()
    {
        await using var site = await StartAsync();
        var history = JsonDocument.Parse((await site.GetAsync("/whistory?name=Start&format=json")).Body).RootElement;
        var first = history.GetProperty("versions")[1].GetProperty("hash").GetString();

        var version = await site.GetAsync($"/wiki?name=Start&id={first}");
        var source = await site.GetAsync($"/wiki?name=Start&id={first}&raw=1");

        Assert.Contains("first version", version.Body, StringComparison.Ordinal);
        Assert.Equal(("text/plain; charset=utf-8", "first version"), (source.Type, source.Body));
        Assert.Equal(404, (await site.GetAsync($"/wiki?name=Other&id={first}")).Status);
    }

    private static Instant Date(int minutes) => Instant.FromUnixSeconds(1_704_300_000 + (minutes * 60));

    private static ArtifactDraft Post(string title, string body, int minutes) => new()
    {
        Date = Date(minutes),
        ThreadTitle = title,
        User = "ann",
        Mimetype = "text/x-markdown",
        Body = body,
    };

    private static void AddReport(Repository repository, int number, string sql)
    {
        using var insert = repository.Database.Prepare(
            "REPLACE INTO reportfmt(rn,owner,title,mtime,cols,sqlcode) VALUES(?1,'ann',?3,0,'',?2)");
        insert.Bind(1, number).BindText(2, sql).BindText(3, "report " + number).Run();
    }

    private static Task<Site> StartAsync(string hostile = "", Action<TestProject>? more = null) =>
        Site.StartAsync(project =>
        {
            var repository = project.Repository;
            repository.Users.SetCapabilities("nobody", Rights);
            var wiki = new WikiPages(repository);
            void Page(string title, string text, string? mimetype) => wiki.Put(new WikiOptions
            {
                Title = title,
                User = "ann",
                Body = Encoding.UTF8.GetBytes(text),
                Mimetype = mimetype,
            });

            Page("Old style", "  *  item\n  *  other", null);
            Page("Start", "first version", "markdown");
            project.Wait(TimeSpan.FromMinutes(1));
            var hash = repository.Content.NameOf(repository.Names.ResolveCheckin("release")).ToString()[..16];
            Page(
                "Start",
                $"**strong** [Old style] [t](/timeline) [out](https://x.example/) [No such page] [{hash}]\n"
                    + "![picture](/uv/pic.png) ![outside](http://evil.example/p.png)",
                "markdown");
            if (hostile.Length > 0)
            {
                Page("Bad", hostile, null);
                Page("Bad markdown", hostile + "\n\n[x](javascript:alert(1)) ![y](javascript:alert(2))", "markdown");
            }

            new Technotes(repository).Put(new TechnoteOptions
            {
                User = "ann",
                About = Date(1),
                Comment = "A release" + hostile,
                Body = Encoding.UTF8.GetBytes("the notes" + hostile),
            });
            var tickets = new Tickets(repository);
            var (_, id) = tickets.Add("ann", [
                new("title", "It does not work" + hostile), new("status", "Open" + hostile),
                new("comment", "a description" + hostile)]);
            project.Wait(TimeSpan.FromMinutes(1));
            tickets.Change("ann", id, [new("icomment", "a remark" + hostile), new("mimetype", "text/x-fossil-wiki")]);
            AddReport(repository, 1, "SELECT substr(tkt_uuid,1,10) AS '#', title, status AS bgcolor FROM ticket");
            using (var title = repository.Database.Prepare("UPDATE reportfmt SET title='All Tickets' WHERE rn=1"))
                title.Run();
            if (hostile.Length > 0)
            {
                AddReport(repository, 99, "SELECT '<script>' AS \"<script>\", '<img src=x>' AS _x");
            }

            using (var transaction = repository.Begin())
            {
                var author = new ArtifactAuthor(repository);
                var post = author.Store(
                    Post("How to start" + hostile, "a question" + hostile, 2), ArtifactKind.Forum, isPrivate: false,
                    isUnsent: true);
                author.Store(
                    new ArtifactDraft
                    {
                        Date = Date(3),
                        ThreadRoot = post.Id,
                        InReplyTo = post.Id,
                        User = "bob",
                        Body = "an answer" + hostile,
                    }, ArtifactKind.Forum, isPrivate: false, isUnsent: true);
                transaction.Commit();
            }

            foreach (var name in (string[])["notes/read.txt", "pic.png", "page.html", "pic.svg", "data"])
                repository.Unversioned.Put(name, Encoding.UTF8.GetBytes("content of " + name));
            more?.Invoke(project);
        });
}

/// <summary>Names in the paths of tests that only the repository knows.</summary>
internal static class SitePaths
{
    public static async Task<string> PathOfAsync(this Site site, string path)
    {
        foreach (var (word, page, list, field) in ((string, string, string, string)[])[
            ("TICKET", "/ticket", "tickets", "id"), ("POST", "/forum", "threads", "hash"),
            ("NOTE", "/technote", "technotes", "id")])
        {
            if (!path.Contains(word, StringComparison.Ordinal)) continue;

            using var document = JsonDocument.Parse((await site.GetAsync(page + "?format=json")).Body);
            path = path.Replace(
                word, document.RootElement.GetProperty(list)[0].GetProperty(field).GetString(),
                StringComparison.Ordinal);
        }

        return path;
    }
}
