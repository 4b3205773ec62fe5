using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>The pages of messages: what people see and answer with a browser, also without its scripts.</summary>
public sealed partial class NotifyPagesTests
{
    private const string Hostile = "<script>alert(1)</script>\"'&";

    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task A_person_answers_the_question_of_a_script_by_a_button_and_the_script_goes_on()
    {
        using var edgesync = Ship();
        var password = User(edgesync, "ann", "io");
        using var leaf = Leaf(edgesync);
        using var phone = new Browser(leaf.Address("http"));
        using var script = edgesync.Start(
            "notify", "ask", "Deploy now?", "--actions", "Yes please, No", "--from", "script", "-R", "project.fossil")
            .Begin();
        await leaf.UntilAsync(
            async _ => (await phone.GetAsync("/notify")).Body.Contains("Deploy now?", Ordinal), "the question");

        // A visitor reads; to answer takes a login.
        var list = await phone.GetAsync("/notify");
        var thread = Link().Match(list.Body).Groups[1].Value;
        Assert.Contains("needs an answer", list.Body, Ordinal);
        Assert.DoesNotContain("<button>Yes please", (await phone.GetAsync(thread)).Body, Ordinal);

        var login = await phone.PostAsync("/notify/login", [("u", "ann"), ("p", password)]);
        Assert.Equal((303, "/notify/"), (login.Status, login.Location));
        var page = await phone.GetAsync(thread);
        Assert.Contains("width=device-width", page.Body, Ordinal);
        var form = Form().Match(page.Body).Groups[1].Value;
        var answer = await phone.PostAsync(
            thread, [.. Fields(form), ("action", Button().Match(form).Groups[1].Value)]);

        Assert.Equal(303, answer.Status);
        var answered = script.WaitForEnd(PatienceMax).MustSucceed();
        Assert.EndsWith(" from:ann action:yes_please\n", answered.Output, Ordinal);
        page = await phone.GetAsync(thread);
        Assert.Contains("Answered by ann.", page.Body, Ordinal);
        Assert.Contains("Yes please</p>", page.Body, Ordinal);
        Assert.DoesNotContain("name=\"action\"", page.Body, Ordinal);
    }

    [Test]
    public async Task A_reply_goes_to_the_question_and_a_page_that_waits_hears_of_it()
    {
        using var edgesync = Ship();
        var password = User(edgesync, "ann", "io");
        using var leaf = Leaf(edgesync);
        using var browser = new Browser(leaf.Address("http"));
        await browser.PostAsync("/notify/login", [("u", "ann"), ("p", password)]);
        using var script = edgesync.Start("notify", "ask", "Which port?", "--from", "script", "-R", "project.fossil")
            .Begin();
        await leaf.UntilAsync(
            async _ => (await browser.GetAsync("/notify")).Body.Contains("Which port?", Ordinal), "the question");
        var thread = Link().Match((await browser.GetAsync("/notify")).Body).Groups[1].Value;
        using var live = await browser.OpenAsync("/notify/live");
        Assert.Equal("retry: 3000", await live.ReadLineAsync(Stop));
        edgesync.Run(
            "notify", "send", "I do not know", "--from", "bob", "--thread", Short().Match(thread).Groups[1].Value, "-R",
            "project.fossil");
        while (await live.ReadLineAsync(Stop) != "event: change")
        {
        }

        // The form replies to what the page names, whatever has come since.
        var page = await browser.GetAsync(thread);
        Assert.Contains("I do not know", page.Body, Ordinal);
        var question = Article("Which port?").Match(page.Body).Groups[1].Value;
        page = await browser.GetAsync($"{thread}&to={question}");
        Assert.Contains("To “Which port?”", page.Body, Ordinal);
        var sent = await browser.PostAsync(
            thread, [.. Fields(LastForm().Match(page.Body).Groups[1].Value), ("body", "5432,\r\nas always")]);

        Assert.Equal(303, sent.Status);
        var answered = script.WaitForEnd(PatienceMax).MustSucceed();
        Assert.EndsWith(" from:ann text:5432, as always\n", answered.Output, Ordinal);

        // A thread begins here, too.
        page = await browser.GetAsync(thread);
        var token = Fields(LastForm().Match(page.Body).Groups[1].Value)[0];
        var begun = await browser.PostAsync(
            "/notify/new", [token, ("project", "ship"), ("body", "Hello"), ("priority", "urgent"), ("actions", "Ay")]);
        Assert.Contains("Hello", (await browser.GetAsync(begun.Location)).Body, Ordinal);
        using var data = JsonDocument.Parse((await browser.GetAsync("/notify?format=json&inbox=1")).Body);
        Assert.Equal("urgent", data.RootElement.GetProperty("threads")[0].GetProperty("priority").GetString());
    }

    [Test]
    public async Task What_was_seen_of_another_device_counts_as_read()
    {
        using var edgesync = Ship();
        Directory.CreateDirectory(edgesync["b"]);
        foreach (var file in (string[])["project.fossil", "notify.fossil"])
            File.Copy(edgesync[file], edgesync[$"b/{file}"]);
        edgesync.Run("notify", "init", "-R", "b/project.fossil", "--device", "b");
        var password = User(edgesync, "ann", "io");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "project.fossil", "--notify", "--nats-leaf-port", "0");
        using var browser = new Browser(leaf.Address("http"));
        edgesync.Run(
            "notify", "send", "From b", "--project", "ship", "-R", "b/project.fossil", "--nats",
            leaf.Address("nats-leaf"));
        await leaf.UntilAsync(
            async _ => (await browser.GetAsync("/notify")).Body.Contains("1 unread", Ordinal), "the message");
        await browser.PostAsync("/notify/login", [("u", "ann"), ("p", password)]);
        var thread = Link().Match((await browser.GetAsync("/notify")).Body).Groups[1].Value;

        // To look at a page changes nothing.
        await browser.GetAsync(thread);
        var page = await browser.GetAsync(thread);
        Assert.Contains("unread\">new<", page.Body, Ordinal);
        var seen = await browser.PostAsync("/notify/seen", Fields(Seen().Match(page.Body).Groups[1].Value));

        Assert.Equal(303, seen.Status);
        Assert.DoesNotContain("1 unread", (await browser.GetAsync("/notify")).Body, Ordinal);
        Assert.DoesNotContain("data-seen", (await browser.GetAsync(thread)).Body, Ordinal);
    }

    [Test]
    public async Task Nothing_is_written_without_a_right_the_token_of_the_session_and_a_page_of_this_site()
    {
        using var edgesync = Ship();
        var (ann, bob) = (User(edgesync, "ann", "io"), User(edgesync, "bob", "o"));
        edgesync.Run("notify", "send", Hostile, "--project", "ship", "--actions", Hostile, "-R", "project.fossil");
        using var leaf = Leaf(edgesync);
        using var browser = new Browser(leaf.Address("http"));
        await leaf.UntilAsync(
            async _ => (await browser.GetAsync("/notify")).Body.Contains("alert(1)", Ordinal), "the question");
        var thread = Link().Match((await browser.GetAsync("/notify")).Body).Groups[1].Value;

        (string, string)[] message = [("project", "ship"), ("body", "no")];
        Assert.Equal((302, "/notify/login"), Status(await browser.PostAsync("/notify/new", message)));
        Assert.Equal(403, (await browser.PostAsync("/notify/login", [("u", "ann"), ("p", "wrong")])).Status);
        Assert.Equal(303, (await browser.PostAsync("/notify/login", [("u", "bob"), ("p", bob)])).Status);
        Assert.Equal(403, (await browser.PostAsync("/notify/new", message)).Status);
        Assert.DoesNotContain("Reply</h2>", (await browser.GetAsync(thread)).Body, Ordinal);
        Assert.Equal(303, (await browser.PostAsync("/notify/login", [("u", "ann"), ("p", ann)])).Status);
        Assert.Equal(403, (await browser.PostAsync("/notify/new", message)).Status);
        Assert.Equal(403, (await browser.PostAsync("/notify/new", [.. message, ("csrf", "0123")])).Status);
        var page = await browser.GetAsync(thread);
        var token = Fields(LastForm().Match(page.Body).Groups[1].Value)[0];
        Assert.Equal(403, (await browser.PostAsync("/notify/new", [.. message, token], "https://evil.example")).Status);
        Assert.Equal(400, (await browser.PostAsync("/notify/new", [token, ("project", "ship")])).Status);
        Assert.Equal(404, (await browser.PostAsync(thread, [token, ("target", "msg-00000000"), ("body", "x")])).Status);
        Assert.Equal(404, (await browser.GetAsync("/notify/messages/ffffffff")).Status);

        // The text of a message is text, in all pages.
        foreach (var address in (string[])["/notify", thread])
        {
            var shown = await browser.GetAsync(address);
            Assert.DoesNotContain("<script>", shown.Body, Ordinal);
            Assert.Contains("script-src 'self'", shown.Policy, Ordinal);
            Assert.DoesNotContain("unsafe", shown.Policy, Ordinal);
        }

        // Programs of a page have its login, and need its token for a change.
        using var status = JsonDocument.Parse((await browser.GetAsync("/notify/status")).Body);
        Assert.Equal("ann", status.RootElement.GetProperty("login").GetString());
        Assert.Equal(token.Value, status.RootElement.GetProperty("csrf").GetString());
        Assert.Equal(403, await browser.SendJsonAsync("""{"body":"x","project":"ship"}"""));
        Assert.Equal(200, await browser.SendJsonAsync($$"""{"body":"x","project":"ship","csrf":"{{token.Value}}"}"""));

        Assert.Equal(303, (await browser.PostAsync("/notify/logout", [token])).Status);
        Assert.Equal(302, (await browser.PostAsync("/notify/new", [.. message, token])).Status);
        edgesync.Run("repo", "user", "update", "nobody", "--cap", "", "-R", "notify.fossil");
        Assert.Equal((302, "/notify/login"), Status(await browser.GetAsync("/notify")));
        Assert.Equal(404, (await browser.GetAsync("/notify/live")).Status);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static (int, string) Status(Answer answer) => (answer.Status, answer.Location);

    private static EdgeSyncProgram Ship()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Run("repo", "new", "project.fossil", "--user", "tester");
        edgesync.Run("notify", "init", "-R", "project.fossil", "--device", "ship7");
        return edgesync;
    }

    private static string User(EdgeSyncProgram edgesync, string login, string capabilities) =>
        edgesync.Json("repo", "user", "add", login, "--cap", capabilities, "-R", "notify.fossil")
            .GetProperty("password").GetString()!;

    private static RunningNode Leaf(EdgeSyncProgram edgesync) =>
        new(edgesync, "leaf", "--repo", "project.fossil", "--notify", "--no-nats");

    private static List<(string Name, string Value)> Fields(string form) =>
        [.. Hidden().Matches(form).Select(m => (m.Groups[1].Value, WebUtility.HtmlDecode(m.Groups[2].Value)))];

    [GeneratedRegex("href=\"(/notify/messages/[^\"]+)\"")]
    private static partial Regex Link();

    [GeneratedRegex("thread-([0-9a-f]{8})")]
    private static partial Regex Short();

    [GeneratedRegex("<form class=\"actions\"[^>]*>(.*?)</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<form data-seen[^>]*>(.*?)</form>", RegexOptions.Singleline)]
    private static partial Regex Seen();

    [GeneratedRegex("<form class=\"search\"[^>]*>(.*?)</form>", RegexOptions.Singleline)]
    private static partial Regex LastForm();

    [GeneratedRegex("<button name=\"action\" value=\"([^\"]+)\">Yes please</button>")]
    private static partial Regex Button();

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">")]
    private static partial Regex Hidden();

    private static Regex Article(string body) =>
        new($"<article class=\"entry message\" id=\"(msg-[0-9a-f]+)\">(?:(?!</article>).)*{Regex.Escape(body)}</p>",
            RegexOptions.Singleline);

    private sealed record Answer(int Status, string Location, string Policy, string Body);

    /// <summary>Keeps cookies, follows nothing, and runs no scripts.</summary>
    private sealed class Browser(string address) : IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(address),
        };

        public Task<Answer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

        public Task<Answer> PostAsync(
            string path, IReadOnlyList<(string Name, string Value)> form, string? origin = null) =>
            SendAsync(
                new HttpRequestMessage(HttpMethod.Post, path)
                {
                    Content = new FormUrlEncodedContent(form.ToDictionary(f => f.Name, f => f.Value)),
                    Headers = { { "Origin", origin ?? address.TrimEnd('/') } },
                });

        public async Task<int> SendJsonAsync(string json) => (await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/notify/send")
            {
                Content = new StringContent(json, Encoding.UTF8, "application/json"),
            })).Status;

        public async Task<StreamReader> OpenAsync(string path) => new(await _http.GetStreamAsync(path, Stop));

        public void Dispose() => _http.Dispose();

        private async Task<Answer> SendAsync(HttpRequestMessage request)
        {
            request.Headers.TryAddWithoutValidation("Accept", "text/html");
            using var response = await _http.SendAsync(request, Stop);
            return new Answer(
                (int)response.StatusCode, response.Headers.Location?.ToString() ?? "",
                response.Headers.TryGetValues("Content-Security-Policy", out var policy) ? policy.First() : "",
                await response.Content.ReadAsStringAsync(Stop));
        }
    }
}
