using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Messages over HTTP: JSON and server-sent events, behind Fossil's logins.</summary>
public sealed class NotifyWebTests
{
    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Programs_read_listen_and_send_with_the_rights_of_their_login()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Run("repo", "new", "project.fossil", "--user", "tester");
        edgesync.Run("notify", "init", "-R", "project.fossil", "--device", "ship7");
        var password = edgesync.Json("repo", "user", "add", "ann", "--cap", "io", "-R", "notify.fossil")
            .GetProperty("password").GetString()!;
        using var leaf = new RunningNode(edgesync, "leaf", "--repo", "project.fossil", "--notify", "--no-nats");
        using var web = new HttpClient { BaseAddress = new Uri(leaf.Address("http")) };

        // Users who may read the repository read; without a right or with a wrong password nothing is written.
        Assert.Equal(0, (await GetAsync("/notify/threads")).GetProperty("threads").GetArrayLength());
        var text = """{"body":"Retry?","project":"ship","priority":"urgent","actions":"Yes, No"}""";
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("send", text, null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("send", text, "ann:wrong")).StatusCode);
        using var events = await web.GetAsync("/notify/events", HttpCompletionOption.ResponseHeadersRead, Stop);
        using var listening = new StreamReader(await events.Content.ReadAsStreamAsync(Stop));
        Assert.Contains("ship7", await EventAsync(listening, "connected"), StringComparison.Ordinal);

        // A message of a program arrives at a listener, and the answer of a person at the program.
        var sent = await SentAsync(await PostAsync("send", text, "ann:" + password));
        Assert.Equal(("ann", "ship7"), (Text(sent, "from_name"), Text(sent, "from")));
        using (var heard = JsonDocument.Parse(await EventAsync(listening, "message")))
            Assert.Equal(Text(sent, "id"), Text(heard.RootElement, "id"));
        edgesync.Run("notify", "act", Text(sent, "id"), "no", "-R", "project.fossil");
        using (var heard = JsonDocument.Parse(await EventAsync(listening, "message")))
            Assert.Equal(
                ("no", Text(sent, "id")), (Text(heard.RootElement, "body"), Text(heard.RootElement, "reply_to")));
        await SentAsync(await PostAsync(
            "reply", $$"""{"target":"{{Text(sent, "id")}}","body":"all right"}""", "ann:" + password));

        var thread = (await GetAsync("/notify/threads?project=ship")).GetProperty("threads")[0];
        Assert.Equal((3, "urgent"), (thread.GetProperty("message_count").GetInt32(), Text(thread, "priority")));
        var log = await GetAsync($"/notify/thread/{Text(thread, "thread_short")}");
        Assert.Equal(
            ["Retry?", "no", "all right"], log.GetProperty("messages").EnumerateArray().Select(m => Text(m, "body")));
        Assert.Equal("ship7", Text(await GetAsync("/notify/status"), "device"));

        // What a client has missed comes first.
        using var again = new HttpRequestMessage(HttpMethod.Get, "/notify/events");
        again.Headers.Add("Last-Event-ID", "1");
        using var replay = await web.SendAsync(again, HttpCompletionOption.ResponseHeadersRead, Stop);
        using var missed = new StreamReader(await replay.Content.ReadAsStreamAsync(Stop));
        using (var heard = JsonDocument.Parse(await EventAsync(missed, "message")))
            Assert.Equal("no", Text(heard.RootElement, "body"));

        // Other sites, other names, other forms.
        Assert.Equal(
            HttpStatusCode.UnsupportedMediaType,
            (await PostAsync("send", text, "ann:" + password, type: "text/plain")).StatusCode);
        Assert.Equal(
            HttpStatusCode.UnsupportedMediaType,
            (await PostAsync("send", text, "ann:" + password, origin: "https://elsewhere.example")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("send", "[", "ann:" + password)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("send", "{}", "ann:" + password)).StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/notify/threads");
        rebound.Headers.Host = "elsewhere.example";
        Assert.Equal(HttpStatusCode.Forbidden, (await web.SendAsync(rebound, Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await web.GetAsync("/notify/thread/ffffffff", Stop)).StatusCode);
        edgesync.Run("repo", "user", "update", "nobody", "--cap", "", "-R", "notify.fossil");
        Assert.Equal(HttpStatusCode.Unauthorized, (await web.GetAsync("/notify/threads", Stop)).StatusCode);

        async Task<JsonElement> GetAsync(string path)
        {
            using var document = JsonDocument.Parse(await web.GetStringAsync(path, Stop));
            return document.RootElement.Clone();
        }

        async Task<HttpResponseMessage> PostAsync(
            string what, string body, string? login, string type = "application/json", string? origin = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/notify/" + what)
            {
                Content = new StringContent(body, Encoding.UTF8, type),
            };
            if (login is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue(
                    "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(login)));
            if (origin is not null) request.Headers.Add("Origin", origin);
            return await web.SendAsync(request, Stop);
        }
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static async Task<JsonElement> SentAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("message").Clone();
    }

    // The data of the next event with this name.
    private static async Task<string> EventAsync(StreamReader events, string name)
    {
        while (await events.ReadLineAsync(Stop) is { } line)
            if (line == $"event: {name}") return (await events.ReadLineAsync(Stop))!["data: ".Length..];
        throw new Xunit.Sdk.XunitException("the stream has ended");
    }
}
