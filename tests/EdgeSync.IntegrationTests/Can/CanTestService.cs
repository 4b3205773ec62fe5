using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Logging;
using EdgeSync.Storage.Assets;
using EdgeSync.Tests.Support;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>An asset store with its service in this process, on a port and in a folder of its own.</summary>
internal sealed class CanTestService : IAsyncDisposable
{
    public const string Token = "admin-token";
    public const string Key = "sync-key";
    public const string Prefix = "/api/v1/can/0";

    private readonly TemporaryFolder _folder = new("can");
    private readonly StringWriter _log = new();
    private CanService? _service;

    public HttpClient Http { get; } = new();

    public string Root => _folder["data"];

    public AssetStore Store => _service!.Store;

    public string Log => _log.ToString();

    public static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    public static async Task<CanTestService> StartAsync(
        Func<CanSettings, CanSettings>? change = null, bool isMirror = false)
    {
        var service = new CanTestService();
        await service.OpenAsync(change, isMirror);
        return service;
    }

    public MirrorHost Mirror => _service!.Mirror!;

    /// <summary>Closes the store and opens it again, as another process would.</summary>
    public async Task ReopenAsync(
        Action? meanwhile = null, Func<CanSettings, CanSettings>? change = null, bool isMirror = false)
    {
        await _service!.DisposeAsync();
        meanwhile?.Invoke();
        await OpenAsync(change, isMirror);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_service is not null) await _service.DisposeAsync();
        _folder.Dispose();
    }

    public string Url(string path) => _service!.Url + path;

    public async Task<Reply> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, Url(path)) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request, Cancellation);
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);
        return new Reply((int)response.StatusCode, body, response.Headers, response.Content.Headers);
    }

    public Task<Reply> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    /// <summary>Stores an asset, and returns its hash.</summary>
    public async Task<string> PutAsync(string text, string name = "a.txt", params (string Name, string Value)[] parts)
    {
        var reply = await IngestAsync(Encoding.UTF8.GetBytes(text), name, parts);
        return reply.Data().GetProperty("hash").GetString()!;
    }

    public Task<Reply> IngestAsync(byte[] content, string name, params (string Name, string Value)[] parts)
    {
        var form = new MultipartFormDataContent();
        foreach (var (part, value) in parts) form.Add(new StringContent(value), part);
        form.Add(new ByteArrayContent(content), "file", name);
        return SendAsync(HttpMethod.Post, Prefix + "/ingest", form);
    }

    public static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    public static (string, string) Bearer(string token) => ("Authorization", "Bearer " + token);

    private async Task OpenAsync(Func<CanSettings, CanSettings>? change, bool isMirror)
    {
        var settings = new CanSettings
        {
            StorageRoot = Root,
            Port = 0,
            AdminToken = Token,
            SyncApiKey = Key,
            VerifyIntervalHours = 0,
        };
        _service = await CanService.StartAsync(
            change?.Invoke(settings) ?? settings, TimeProvider.System,
            new NodeLog(
                _log, TimeProvider.System,
                new LogSettings(LogStyle.Text, isMirror ? LogLevel.Information : LogLevel.Warning)),
            e => throw new InvalidOperationException("a part of the store failed", e), Cancellation, isMirror);
    }
}

/// <summary>A reply that was read to its end.</summary>
internal sealed record Reply(
    int Status, byte[] Body, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The data of a success.</summary>
    public JsonElement Data()
    {
        Assert.True(Status == 200, $"{Status}: {Text}");
        var envelope = JsonDocument.Parse(Body).RootElement;
        Assert.Equal("success", envelope.GetProperty("status").GetString());
        return envelope.GetProperty("data");
    }

    /// <summary>The text of a failure.</summary>
    public string Error(int status)
    {
        Assert.True(status == Status, $"{Status} is not {status}: {Text}");
        var envelope = JsonDocument.Parse(Body).RootElement;
        Assert.Equal("error", envelope.GetProperty("status").GetString());
        return envelope.GetProperty("error").GetString()!;
    }
}
