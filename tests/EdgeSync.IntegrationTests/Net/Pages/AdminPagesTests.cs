using System.Text.RegularExpressions;
using EdgeSync.Storage;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>The pages of users and settings: who may change what, and what is written.</summary>
public sealed partial class AdminPagesTests
{
    private const string Hostile = "<script>alert(1)</script>\"'&";

    [Test]
    [Arguments("", "/setup_ulist", 302)]
    [Arguments("", "/setup_uedit", 302)]
    [Arguments("", "/setup_settings", 302)]
    [Arguments("dev", "/setup_ulist", 403)]
    [Arguments("dev", "/setup_uedit?id=1", 403)]
    [Arguments("dev", "/setup_settings", 403)]
    [Arguments("adm", "/setup_ulist", 200)]
    [Arguments("adm", "/setup_uedit", 200)]
    [Arguments("adm", "/setup_settings", 403)]
    [Arguments("boss", "/setup_ulist", 200)]
    [Arguments("boss", "/setup_settings", 200)]
    [Arguments("boss", "/setup_uedit?id=999", 404)]
    [Arguments("boss", "/setup_uedit?id=x", 400)]
    public async Task A_page_opens_for_those_who_may_change_it(string login, string path, int status)
    {
        await using var site = await StartAsync(login);

        var page = await site.GetAsync(path);

        Assert.Equal(status, page.Status);
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
        if (status != 200) return;

        var json = await site.GetAsync(path + "?format=json");
        Assert.Equal(("application/json", 200), (json.Type, json.Status));
        Assert.DoesNotContain("csrf", json.Body, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_user_is_added_changed_and_deleted_after_a_confirmation()
    {
        await using var site = await StartAsync("boss");
        var token = await TokenAsync(site, "/setup_uedit");

        var added = await site.PostAsync(
            "/setup_uedit", [token, F("login", "cook"), F("info", Hostile), F("cap", "i"), F("cap", "h")]);
        Assert.Equal((200, "no-store", ""), (added.Status, added.Cache, added.Tag));
        var password = Code().Match(added.Body).Groups[1].Value;
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
        {
            var cook = repository.Users.Get("cook");
            Assert.Equal(("ih", Hostile), (cook.Capabilities, cook.Info));
            Assert.True(repository.Users.IsPassword("cook", password));
        }

        var id = IdOf(site, "cook");
        Assert.DoesNotContain("<script", (await site.GetAsync("/setup_ulist")).Body, StringComparison.Ordinal);
        var changed = await site.PostAsync(
            $"/setup_uedit?id={id}", [token, F("info", "in the galley"), F("cap", "o"), F("pw", "galley")]);
        Assert.Equal((303, "/setup_ulist"), (changed.Status, changed.Location));
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
        {
            Assert.Equal("o", repository.Users.Get("cook").Capabilities);
            Assert.True(repository.Users.IsPassword("cook", "galley"));
            Assert.Equal(
                3L, repository.Database.QueryInt64("SELECT count(*)+1 FROM admin_log WHERE who='boss'"));
        }

        var asked = await site.PostAsync($"/setup_uedit?id={id}", [token, F("delete", "1")]);
        Assert.Contains("verifydelete", asked.Body, StringComparison.Ordinal);
        Assert.True(IdOf(site, "cook") > 0);
        var deleted = await site.PostAsync(
            $"/setup_uedit?id={id}", [token, F("delete", "1"), F("verifydelete", "1")]);
        Assert.Equal(303, deleted.Status);
        Assert.Equal(404, (await site.GetAsync($"/setup_uedit?id={id}")).Status);
        Assert.Equal(409, (await site.PostAsync("/setup_uedit", [token, F("login", "dev")])).Status);
        Assert.Equal(400, (await site.PostAsync("/setup_uedit", [token, F("login", "a b")])).Status);
        Assert.Equal(
            400, (await site.PostAsync("/setup_uedit", [token, F("login", "x"), F("cap", "!")])).Status);
    }

    /// <summary>As in stock, only s gives s and y, and only s changes who has s; in whatever way it comes.</summary>
    [Test]
    public async Task A_user_gets_another_login_with_a_new_password()
    {
        await using var site = await StartAsync("boss");
        var token = await TokenAsync(site, "/setup_uedit");
        var address = $"/setup_uedit?id={IdOf(site, "dev")}";
        Assert.Contains("name=\"login\" required maxlength=\"100\" value=\"dev\"", (await site.GetAsync(address)).Body);

        Assert.Equal(409, (await site.PostAsync(address, [token, F("login", "adm"), F("cap", "o")])).Status);
        Assert.Equal(400, (await site.PostAsync(address, [token, F("login", "a b"), F("cap", "o")])).Status);
        Assert.Equal(400, (await site.PostAsync(address, [token, F("login", "reader"), F("cap", "o")])).Status);
        Assert.Equal(
            400,
            (await site.PostAsync($"/setup_uedit?id={IdOf(site, "reader")}", [token, F("login", "x")])).Status);
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
            Assert.NotEqual("o", repository.Users.Get("dev").Capabilities);

        // Without a password: a random one, shown once.
        var renamed = await site.PostAsync(address, [token, F("login", "developer-ann"), F("cap", "o")]);
        Assert.Equal((200, "no-store"), (renamed.Status, renamed.Cache));
        Assert.Contains("developer-ann was renamed", renamed.Body, StringComparison.Ordinal);
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
        {
            Assert.False(repository.Users.TryGet("dev", out _));
            Assert.Equal("o", repository.Users.Get("developer-ann").Capabilities);
            Assert.True(repository.Users.IsPassword("developer-ann", Code().Match(renamed.Body).Groups[1].Value));
        }

        // With one.
        var again = await site.PostAsync(address, [token, F("login", "dev"), F("cap", "o"), F("pw", "own")]);
        Assert.Equal((303, "/setup_ulist"), (again.Status, again.Location));
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
        {
            Assert.True(repository.Users.IsPassword("dev", "own"));
            Assert.Equal(
                2L, repository.Database.QueryInt64("SELECT count(*) FROM admin_log WHERE what GLOB 'Renamed user*'"));
        }
    }

    [Test]
    public async Task An_administrator_cannot_raise_anybody_to_setup()
    {
        await using var site = await StartAsync("adm");
        var token = await TokenAsync(site, "/setup_uedit");
        async Task Refused(string path, params KeyValuePair<string, string>[] fields)
        {
            var before = Rows(site);
            Assert.Equal(403, (await site.PostAsync(path, [token, .. fields])).Status);
            Assert.Equal(before, Rows(site));
        }

        Assert.DoesNotContain("value=\"s\"", (await site.GetAsync("/setup_uedit")).Body, StringComparison.Ordinal);
        foreach (var letters in (string[][])[["s"], ["a", "s"], ["y"], ["as"]])
        {
            var caps = letters.Select(c => F("cap", c)).ToArray();
            await Refused("/setup_uedit", [F("login", "new"), .. caps]);
            await Refused($"/setup_uedit?id={IdOf(site, "dev")}", caps);
            await Refused($"/setup_uedit?id={IdOf(site, "adm")}", caps);
            await Refused($"/setup_uedit?id={IdOf(site, "developer")}", caps);
            await Refused($"/setup_uedit?id={IdOf(site, "nobody")}", caps);
        }

        await Refused($"/setup_uedit?id={IdOf(site, "boss")}", F("pw", "mine"), F("cap", "s"));
        await Refused($"/setup_uedit?id={IdOf(site, "boss")}", F("delete", "1"), F("verifydelete", "1"));
        await Refused($"/setup_uedit?id={IdOf(site, "adm")}", F("delete", "1"), F("verifydelete", "1"));
        await Refused($"/setup_uedit?id={IdOf(site, "reader")}", F("delete", "1"), F("verifydelete", "1"));
        Assert.DoesNotContain("<form class", (await site.GetAsync($"/setup_uedit?id={IdOf(site, "boss")}")).Body,
            StringComparison.Ordinal);

        // Where 'developer' has s, its letter v is s, too. A user keeps letters that the form does not offer.
        using (var repository = Repository.Open(site.Path)) repository.Users.SetCapabilities("developer", "s");
        await Refused($"/setup_uedit?id={IdOf(site, "dev")}", F("cap", "v"));
        using (var repository = Repository.Open(site.Path))
        {
            repository.Users.SetCapabilities("developer", "ei");
            repository.Users.SetCapabilities("dev", "yi");
        }

        Assert.Equal(
            303, (await site.PostAsync($"/setup_uedit?id={IdOf(site, "dev")}", [token, F("cap", "o")])).Status);
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
            Assert.Equal("yo", repository.Users.Get("dev").Capabilities);
        await RefusedSetting(site, token);
    }

    [Test]
    public async Task A_form_needs_the_token_of_the_session_and_a_page_of_this_site()
    {
        await using var site = await StartAsync("boss");
        var token = await TokenAsync(site, "/setup_uedit");
        var before = Rows(site);

        Assert.Equal(403, (await site.PostAsync("/setup_uedit", [F("login", "new")])).Status);
        Assert.Equal(403, (await site.PostAsync("/setup_uedit", [F("login", "new"), F("csrf", "00")])).Status);
        Assert.Equal(
            403, (await site.PostAsync("/setup_uedit", [token, F("login", "new")], "https://evil.example")).Status);
        Assert.Equal(
            403, (await site.PostAsync($"/setup_uedit?id={IdOf(site, "boss")}", [token, F("cap", "a")])).Status);
        Assert.Equal(before, Rows(site));

        // A web server in front has ended TLS.
        var added = await site.PostAsync("/setup_uedit", [token, F("login", "new")], $"https://{site.Authority}");
        Assert.Equal(200, added.Status);
    }

    [Test]
    public async Task A_setting_is_set_removed_and_checked()
    {
        await using var site = await StartAsync("boss");
        var token = await TokenAsync(site, "/setup_uedit");
        async Task<int> SetAsync(string name, string value) => (await site.PostAsync(
            "/setup_settings", [token, F("name", name), F("value", value)])).Status;

        Assert.Equal(303, await SetAsync("autosync", "off"));
        Assert.Equal(303, await SetAsync("ignore-glob", $"*.o\r\n{Hostile}"));
        Assert.Equal(303, await SetAsync("hash-digits", "12"));
        Assert.Equal(303, await SetAsync("mtime-changes", "off"));
        Assert.Equal(400, await SetAsync("mtime-changes", "perhaps"));
        Assert.Equal(400, await SetAsync("hash-digits", "many"));
        Assert.Equal(400, await SetAsync("nosuch", "1"));
        Assert.Equal(400, await SetAsync("ignore-glob", new string('x', 10_001)));
        Assert.Equal(400, await SetAsync("project-code", new string('0', 40)));
        Assert.Equal(403, await SetAsync("ssh-command", "rm"));
        Assert.Equal(403, await SetAsync("th1-setup", "puts 1"));

        var page = await site.GetAsync("/setup_settings");
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
        Assert.Contains("value=\"12\"", page.Body, StringComparison.Ordinal);
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
        {
            Assert.Equal("off", repository.Settings["autosync"]);
            Assert.Equal($"*.o\n{Hostile}", repository.Settings["ignore-glob"]);
            Assert.Null(repository.Settings["ssh-command"]);
        }

        Assert.Equal(303, await SetAsync("autosync", ""));
        using (var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly))
            Assert.Null(repository.Settings["autosync"]);
    }

    private static async Task RefusedSetting(Site site, KeyValuePair<string, string> token) => Assert.Equal(
        403, (await site.PostAsync("/setup_settings", [token, F("name", "autosync"), F("value", "off")])).Status);

    private static async Task<Site> StartAsync(string login)
    {
        var site = await Site.StartAsync(project =>
        {
            var users = project.Repository.Users;
            users.Add("boss", "s", "secret");
            users.Add("adm", "a", "secret");
            users.Add("dev", "v", "secret");
            project.Repository.Settings["admin-log"] = "1";
        });
        if (login.Length > 0) Assert.Equal(303, (await site.LogInAsync(login, "secret")).Status);
        return site;
    }

    private static KeyValuePair<string, string> F(string name, string value) => new(name, value);

    private static async Task<KeyValuePair<string, string>> TokenAsync(Site site, string path) =>
        F("csrf", Token().Match((await site.GetAsync(path)).Body).Groups[1].Value);

    private static long IdOf(Site site, string login)
    {
        using var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly);
        return repository.Users.Get(login).UserId;
    }

    private static List<string> Rows(Site site)
    {
        using var repository = Repository.Open(site.Path, RepositoryOptions.ReadOnly);
        return [.. repository.Users.List().Select(u => $"{u.Login} {u.Capabilities} {u.Info} {u.MtimeSeconds}")];
    }

    [GeneratedRegex("name=\"csrf\" value=\"([0-9a-f]+)\"")]
    private static partial Regex Token();

    [GeneratedRegex("<code>([^<]+)</code></p>")]
    private static partial Regex Code();
}
