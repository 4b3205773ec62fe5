using System.Text.Json;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>
/// The web pages of a repository over HTTP: what they show, to whom, and that no text of a repository is markup.
/// </summary>
public sealed class RepositoryPagesTests
{
    private const string Hostile = "<script>alert(1)</script>\"'&\u0007";

    [Test]
    public async Task The_first_page_is_text_for_programs_and_HTML_for_browsers()
    {
        await using var site = await Site.StartAsync();

        var text = await site.GetAsync("/", accept: "*/*");
        var html = await site.GetAsync("/");

        Assert.StartsWith("text/plain", text.Type, StringComparison.Ordinal);
        Assert.Contains("fossil clone", text.Body, StringComparison.Ordinal);
        Assert.StartsWith("text/html", html.Type, StringComparison.Ordinal);
        Assert.Contains("second change", html.Body, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("/timeline", "second change")]
    [Arguments("/timeline?r=side", "on a side")]
    [Arguments("/dir", "folder/")]
    [Arguments("/dir?name=folder", "deep.txt")]
    [Arguments("/file?name=a.txt", "second line")]
    [Arguments("/file/folder/deep.txt", "deep")]
    [Arguments("/finfo?name=a.txt", "first change")]
    [Arguments("/annotate?filename=a.txt", "second line")]
    [Arguments("/brlist", "side")]
    [Arguments("/taglist", "release")]
    [Arguments("/info/tip", "Parents")]
    [Arguments("/info/release", "a.txt")]
    public async Task A_page_shows_what_is_in_the_repository(string path, string text)
    {
        await using var site = await Site.StartAsync();

        var page = await site.GetAsync(path);
        var json = await site.GetAsync(
            path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "format=json");
        var below = await site.GetAsync("/a" + path);

        Assert.Equal((200, 200, 200), (page.Status, json.Status, below.Status));
        Assert.Contains(text, page.Body, StringComparison.Ordinal);
        Assert.Equal("application/json", json.Type);
        using var document = JsonDocument.Parse(json.Body);
        Assert.DoesNotContain("<script", page.Body, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("default-src 'none'", page.Policy, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_check_in_shows_which_lines_have_changed()
    {
        await using var site = await Site.StartAsync();

        var page = await site.GetAsync("/info/release");

        Assert.Contains("<tr class=\"removed\">", page.Body, StringComparison.Ordinal);
        Assert.Contains(">first line</td>", page.Body, StringComparison.Ordinal);
        Assert.Contains("<tr class=\"added\">", page.Body, StringComparison.Ordinal);
        Assert.Contains("A binary file.", page.Body, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_difference_is_unified_beside_each_other_or_left_out()
    {
        await using var site = await Site.StartAsync();

        var unified = (await site.GetAsync("/info/release?diff=1")).Body;
        var beside = (await site.GetAsync("/info/release?diff=2")).Body;
        var none = (await site.GetAsync("/info/release?diff=0")).Body;

        Assert.Contains("<td class=\"number\">-</td><td>first line</td>", unified, StringComparison.Ordinal);
        Assert.Contains(
            "<tr><td class=\"number\">1</td><td class=\"removed\">first line</td>"
                + "<td class=\"number\">1</td><td class=\"added\">second line</td></tr>", beside,
            StringComparison.Ordinal);
        Assert.DoesNotContain("first line", none, StringComparison.Ordinal);
    }

    [Test]
    public async Task Texts_of_very_many_lines_are_not_compared()
    {
        var lines = string.Concat(Enumerable.Repeat("a\n", 120_000));
        await using var site = await Site.StartAsync(project => project.Commit(new CommitOptions
        {
            Parent = project.Repository.Names.ResolveCheckin("trunk"),
            User = TestProject.Tester,
            Comment = "many lines",
            Changes = [TestProject.Put("a.txt", lines)],
        }));

        var checkin = await site.GetAsync("/info/tip");
        var annotated = await site.GetAsync("/annotate?filename=a.txt");

        Assert.Contains("Too many lines to compare here.", checkin.Body, StringComparison.Ordinal);
        Assert.Equal(400, annotated.Status);
    }

    [Test]
    public async Task Hostile_names_and_texts_are_shown_and_not_run()
    {
        await using var site = await Site.StartAsync(project =>
        {
            project.Repository.Settings["project-name"] = Hostile;
            project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("trunk"),
                User = Hostile.Replace("\u0007", "", StringComparison.Ordinal),
                Comment = Hostile,
                Branch = "<b>odd</b>",
                Changes = [TestProject.Put("<img src=x onerror=alert(1)>.txt", Hostile)],
            });
        });

        foreach (var path in (string[])["/", "/timeline", "/info/tip", "/info/tip?diff=2", "/dir?ci=tip",
            "/brlist", "/taglist",
            "/file?name=" + Uri.EscapeDataString("<img src=x onerror=alert(1)>.txt"),
            "/info/" + Uri.EscapeDataString("<script>"), "/dir?name=" + Uri.EscapeDataString("<script>")])
        {
            var page = await site.GetAsync(path);

            Assert.DoesNotContain("<script", page.Body, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<img", page.Body, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<b>odd", page.Body, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain('\u0007', page.Body);
        }
    }

    [Test]
    public async Task A_private_check_in_is_as_if_it_were_not_there()
    {
        var hash = "";
        await using var site = await Site.StartAsync(project =>
        {
            var secret = project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("trunk"),
                User = TestProject.Tester,
                Comment = "a secret change",
                Branch = "hidden",
                IsPrivate = true,
                Changes = [TestProject.Put("secret.txt", "secret\n"), TestProject.Put("again.txt", "deep\n")],
            });
            hash = project.Repository.Content.NameOf(secret).ToString();
            project.Repository.Users.Add("ann", "ox", "right");
        });
        string[] named = [
            $"/info/{hash}", $"/raw/{hash}", $"/dir?ci={hash}", $"/file?ci={hash}&name=secret.txt",
            $"/annotate?checkin={hash}&filename=secret.txt", $"/zip/{hash}.zip"];
        string[] listing = ["/", "/timeline", "/brlist", "/info/release", "/info/trunk"];
        var deep = JsonDocument.Parse((await site.GetAsync("/file?ci=trunk&name=folder/deep.txt&format=json")).Body)
            .RootElement.GetProperty("hash").GetString()!;

        foreach (var path in named) Assert.Equal((path, 404), (path, (await site.GetAsync(path)).Status));
        foreach (var path in (string[])[.. listing, "/info/" + deep])
            Assert.DoesNotContain("secret", (await site.GetAsync(path)).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(hash[..10], (await site.GetAsync("/info/trunk")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(
            hash[..10], (await site.GetAsync("/finfo?name=secret.txt")).Body, StringComparison.Ordinal);

        await site.LogInAsync("ann", "right");
        Assert.Contains("a secret change", (await site.GetAsync("/timeline")).Body, StringComparison.Ordinal);
        Assert.Equal(200, (await site.GetAsync($"/info/{hash}")).Status);
    }

    [Test]
    public async Task A_symbolic_name_means_the_newest_that_the_visitor_sees()
    {
        await using var site = await Site.StartAsync(project =>
        {
            project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("trunk"),
                User = TestProject.Tester,
                Comment = "a secret change",
                Branch = "hidden",
                Tags = ["release", "hidden-tag"],
                IsPrivate = true,
                Changes = [TestProject.Put("a.txt", "secret\n"), TestProject.Put("d.txt", "deep\n")],
            });
            project.Repository.Users.Add("ann", "oxz", "right");
        });
        string[] pages = [
            "/dir?ci=tip", "/file?ci=tip&name=a.txt", "/file?name=d.txt", "/annotate?checkin=tip&filename=a.txt",
            "/zip/tip.zip", "/dir?ci=release", "/dir?ci=9999-01-01", "/info/tip", "/info/tag:release",
            "/dir?ci=root:side", "/taglist"];

        foreach (var path in pages)
        {
            var page = await site.GetAsync(path);

            Assert.Equal((path, 200), (path, page.Status));
            Assert.DoesNotContain("secret", page.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("hidden", page.Body, StringComparison.Ordinal);
        }

        foreach (var path in (string[])["/dir?ci=hidden", "/zip/hidden-tag.zip", "/info/root:hidden"])
            Assert.Equal((path, 404), (path, (await site.GetAsync(path)).Status));

        await site.LogInAsync("ann", "right");
        Assert.Contains("secret", (await site.GetAsync("/file?name=a.txt")).Body, StringComparison.Ordinal);
        Assert.Equal(200, (await site.GetAsync("/zip/hidden-tag.zip")).Status);
    }

    [Test]
    public async Task Contents_and_archives_are_downloads()
    {
        await using var site = await Site.StartAsync();
        var file = await site.GetAsync("/file?name=a.txt&format=json");
        var hash = JsonDocument.Parse(file.Body).RootElement.GetProperty("hash").GetString()!;

        var raw = await site.GetAsync($"/raw/{hash}?at=a.txt");
        var zip = await site.GetAsync("/zip/tip.zip");
        var tarball = await site.GetAsync("/tarball/tip.tar.gz");

        Assert.Equal("second line\nkept\n", raw.Body);
        Assert.Contains("attachment", raw.Disposition, StringComparison.Ordinal);
        Assert.Contains("immutable", raw.Cache, StringComparison.Ordinal);
        using (var archive = new System.IO.Compression.ZipArchive(new MemoryStream(zip.Bytes)))
            Assert.Contains(archive.Entries, e => e.FullName.EndsWith("/folder/deep.txt", StringComparison.Ordinal));
        Assert.Equal((0x1f, 0x8b), (tarball.Bytes[0], tarball.Bytes[1]));
    }

    [Test]
    public async Task An_unchanged_page_is_not_sent_again()
    {
        await using var site = await Site.StartAsync();
        var first = await site.GetAsync("/timeline");

        var again = await site.GetAsync("/timeline", tag: first.Tag);

        Assert.Equal((304, ""), (again.Status, again.Body));
    }

    [Test]
    [Arguments("/info/nosuch", 404)]
    [Arguments("/file?name=nosuch", 404)]
    [Arguments("/dir?name=nosuch", 404)]
    [Arguments("/timeline?c=junk", 400)]
    [Arguments("/raw/0000", 404)]
    [Arguments("/nosuch/timeline", 404)]
    public async Task What_is_not_there_is_said(string path, int status)
    {
        await using var site = await Site.StartAsync();

        var page = await site.GetAsync(path);

        Assert.Equal(status, page.Status);
        Assert.DoesNotContain(site.Folder, page.Body, StringComparison.Ordinal);
    }

    [Test]
    public async Task Without_the_right_to_read_a_login_is_asked_for()
    {
        await using var site = await Site.StartAsync(project =>
        {
            project.Repository.Users.SetCapabilities("nobody", "");
            project.Repository.Users.Add("ann", "o", "right");
        });

        var refused = await site.GetAsync("/timeline");
        var data = await site.GetAsync("/timeline?format=json");
        var home = await site.GetAsync("/");
        Assert.Equal((302, "/login", 403), (refused.Status, refused.Location, data.Status));
        Assert.DoesNotContain("second change", home.Body, StringComparison.Ordinal);

        Assert.Equal(403, (await site.LogInAsync("ann", "wrong")).Status);
        Assert.Equal(303, (await site.LogInAsync("ann", "right")).Status);

        Assert.Contains("second change", (await site.GetAsync("/timeline")).Body, StringComparison.Ordinal);
        Assert.Equal(403, (await site.GetAsync("/zip/tip.zip")).Status);
    }

    [Test]
    public async Task A_session_ends_with_its_password_and_by_its_own_form()
    {
        await using var site = await Site.StartAsync(project =>
        {
            project.Repository.Users.SetCapabilities("nobody", "");
            project.Repository.Users.Add("ann", "o", "right");
        });
        await site.LogInAsync("ann", "right");
        var page = (await site.GetAsync("/timeline")).Body;
        var token = page[(page.IndexOf("name=\"csrf\" value=\"", StringComparison.Ordinal) + 19)..][..64];

        Assert.Equal(404, (await site.PostAsync("/logout", [new("csrf", new string('0', 64))])).Status);
        Assert.Equal(200, (await site.GetAsync("/timeline")).Status);
        Assert.Equal(303, (await site.PostAsync("/logout", [new("csrf", token)])).Status);
        Assert.Equal(302, (await site.GetAsync("/timeline")).Status);

        await site.LogInAsync("ann", "right");
        Assert.Equal(200, (await site.GetAsync("/timeline")).Status);
        using (var repository = Repository.Open(site.Path)) repository.Users.SetPassword("ann", "other");
        Assert.Equal(302, (await site.GetAsync("/timeline")).Status);
    }

    [Test]
    public async Task A_form_of_another_site_and_a_rebound_name_are_refused()
    {
        await using var site = await Site.StartAsync(project => project.Repository.Users.Add("ann", "o", "right"));

        var form = await site.PostAsync(
            "/login", [new("u", "ann"), new("p", "right")], origin: "http://evil.example");
        var page = await site.GetAsync("/timeline", host: "evil.example");

        Assert.Equal((403, 403), (form.Status, page.Status));
    }

    [Test]
    public async Task Guesses_at_the_form_are_throttled_as_at_every_port()
    {
        await using var site = await Site.StartAsync(project => project.Repository.Users.Add("ann", "o", "right"));

        for (var i = 0; i < 10; i++) await site.LogInAsync("ann", "wrong");

        Assert.Equal(429, (await site.LogInAsync("ann", "right")).Status);
    }

    [Test]
    public async Task The_timeline_goes_on_by_its_cursor()
    {
        await using var site = await Site.StartAsync();
        var all = Hashes((await site.GetAsync("/timeline?format=json")).Body);

        var seen = new List<string>();
        for (var cursor = ""; ;)
        {
            var page = JsonDocument.Parse((await site.GetAsync($"/timeline?format=json&n=2{cursor}")).Body).RootElement;
            seen.AddRange(Hashes(page.GetRawText()));
            if (!page.TryGetProperty("next", out var next)) break;

            cursor = "&c=" + Uri.EscapeDataString(next.GetString()!);
        }

        Assert.Equal(string.Join(' ', all), string.Join(' ', seen));

        static List<string> Hashes(string json) => [.. JsonDocument.Parse(json).RootElement.GetProperty("entries")
            .EnumerateArray().Select(e => e.GetProperty("hash").GetString()!)];
    }
}
