using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Net.Http;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web;
using EdgeSync.Node.Web.Live;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>
/// A repository with a small history behind a server on loopback, and a browser without redirects.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private RepositoryHost _host = null!;
    private WebServer _server = null!;

    public string Path => _folder["a.fossil"];

    public string Folder => _folder.Path;

    public static async Task<Site> StartAsync(Action<TestProject>? more = null)
    {
        var site = new Site();
        using (var project = new TestProject(site.Path))
        {
            var first = project.Commit(new CommitOptions
            {
                Parent = project.Root,
                User = TestProject.Tester,
                Comment = "first change",
                Changes = [
                    TestProject.Put("a.txt", "first line\nkept\n"), TestProject.Put("folder/deep.txt", "deep\n")],
            });
            project.Commit(new CommitOptions
            {
                Parent = first,
                User = TestProject.Tester,
                Comment = "second change",
                Tags = ["release"],
                Changes = [
                    TestProject.Put("a.txt", "second line\nkept\n"),
                    FileChange.Put("b.bin", new byte[] { 0, 1, 2 })],
            });
            project.Commit(new CommitOptions
            {
                Parent = first,
                User = TestProject.Tester,
                Comment = "on a side",
                Branch = "side",
                Changes = [TestProject.Put("c.txt", "c\n")],
            });
            project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("release"),
                User = TestProject.Tester,
                Comment = "third change",
                Changes = [TestProject.Put("d.txt", "d\n")],
            });
            more?.Invoke(project);
        }

        var log = NullLogger.Instance;
        site._host = await RepositoryHost.OpenAsync(
            site.Path, new RepositoryHostOptions(), TimeProvider.System, log, Cancellation);
        var web = new NodeWeb(new LoginAccount(TimeProvider.System), log);
        web.Serve([site._host]);
        var streams = new LiveStreams(TimeProvider.System);
        var pages = new RepositoryPages(
            web, () => new HttpSection(), new PageLogins(new WebSessions(new SeededEntropy(3)), web.Logins), streams);
        site._server = await WebServer.StartAsync(
            new WebServerOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] }, web,
            app => NodeEndpoints.MapPages(app, web, pages), TimeProvider.System, Cancellation);
        site._http.BaseAddress = new Uri(site._server.Addresses[0]);
        return site;
    }

    public Task<Reply> GetAsync(
        string path, string accept = "text/html,*/*", string? tag = null, string? host = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        if (host is not null) request.Headers.Host = host;
        return SendAsync(request);
    }

    /// <summary>A stream that the test reads itself.</summary>
    public async Task<Stream> OpenAsync(string path) => await _http.GetStreamAsync(path, Cancellation);

    /// <summary>The status of a stream, which is then left.</summary>
    public async Task<int> HeadAsync(string path)
    {
        using var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return (int)response.StatusCode;
    }

    public Task<Reply> LogInAsync(string login, string password) =>
        PostAsync("/login", new Dictionary<string, string> { ["u"] = login, ["p"] = password });

    /// <summary>Host and port.</summary>
    public string Authority => _http.BaseAddress!.Authority;

    public Task<Reply> PostAsync(
        string path, IEnumerable<KeyValuePair<string, string>> form, string? origin = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(form) };
        if (origin is not null) request.Headers.Add("Origin", origin);
        return SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<Reply> SendAsync(HttpRequestMessage request)
    {
        using var response = await _http.SendAsync(request, Cancellation);
        var bytes = await response.Content.ReadAsByteArrayAsync(Cancellation);
        string Header(string name) => response.Headers.TryGetValues(name, out var values)
            || response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : "";
        return new Reply(
            (int)response.StatusCode, Header("Content-Type"), bytes, Header("Location"), Header("ETag"),
            Header("Content-Security-Policy"), Header("Content-Disposition"), Header("Cache-Control"));
    }
}

/// <summary>What a page came back as.</summary>
internal sealed partial record Reply(
    int Status, string Type, byte[] Bytes, string Location, string Tag, string Policy, string Disposition,
    string Cache)
{
    /// <summary>Without the tag of the script of the program, which pages that keep themselves current have.</summary>
    public string Body => OwnScript().Replace(Encoding.UTF8.GetString(Bytes), "");

    [GeneratedRegex("<script src=\"/edgesync\\.js\\?v=[0-9a-f]{12}\" defer></script>")]
    private static partial Regex OwnScript();
}
