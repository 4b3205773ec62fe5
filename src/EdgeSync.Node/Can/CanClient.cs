using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>An asset as commands show it.</summary>
internal sealed record CanAsset(
    string Hash, long Timestamp, string MimeType, long Size, string? Name, string? Path, string? Application,
    string? User, string? Description, IReadOnlyList<string> Tags, bool IsTrashed, bool IsCorrupted);

/// <summary>A page of assets.</summary>
internal sealed record CanListing(IReadOnlyList<CanAsset> Items, long Total, string? Next);

/// <summary>An asset that was sent.</summary>
internal sealed record CanStored(string Hash, long Timestamp, string MimeType, long Size, bool AlreadyExisted);

/// <summary>The state of the verifier.</summary>
internal sealed record CanVerify(bool Running, long? LastRun, long Checked, long Corrupted, long Missing);

/// <summary>The state of a service.</summary>
internal sealed record CanState(
    string Version, string Storage, long Assets, long Bytes, long Trashed, long Corrupted, long DiskFree,
    CanMirror? Mirror);

/// <summary>A store's part in a mirror, as <see cref="MirrorStatus"/>.</summary>
internal sealed record CanMirror(
    string Store, string Endpoint, string Name, string Ticket, long Missing, bool IsPaused, long? LimitBytesPerSecond,
    long Deletions, IReadOnlyList<string> Questions, IReadOnlyList<CanMirrorPeer> Peers,
    IReadOnlyList<CanMirrorStore> Stores)
{
    public static CanMirror Of(MirrorStatus status) => new(
        status.Store, status.Endpoint, status.Name, status.Ticket, status.Missing, status.IsPaused,
        status.LimitBytesPerSecond, status.Deletions, status.Questions,
        [.. status.Peers.Select(p => new CanMirrorPeer(
            p.Endpoint, p.Store, p.Name, p.Protocol, p.IsInSync, p.Route, p.Address, p.RttMs, p.Downloads, p.Uploads,
            p.Missing))],
        [.. status.Stores.Select(s => new CanMirrorStore(s.Store, s.Name, s.Endpoint, s.IsConnected))]);
}

/// <summary>A connected store, as <see cref="MirrorPeerStatus"/>.</summary>
internal sealed record CanMirrorPeer(
    string Endpoint, string Store, string Name, string Protocol, bool IsInSync, string? Route, string? Address,
    double? RttMs, int Downloads, int Uploads, long Missing);

/// <summary>A store of the mirror, as <see cref="MirrorStoreStatus"/>.</summary>
internal sealed record CanMirrorStore(string Store, string Name, string Endpoint, bool IsConnected);

/// <summary>What is sent with a file; null is absent.</summary>
internal sealed record CanDetails
{
    public string? Name { get; init; }

    public string? Path { get; init; }

    public string? MimeType { get; init; }

    public string? Application { get; init; }

    public string? User { get; init; }

    public string? Description { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Unix milliseconds of its creation; null: when it arrives.</summary>
    public long? Timestamp { get; init; }

    /// <summary>The identity that it must have; null: any.</summary>
    public string? Hash { get; init; }
}

/// <summary>Uses the HTTP service of an asset store.</summary>
internal sealed class CanClient : IDisposable
{
    private const string Prefix = "/api/v1/can/0";
    private const int CopyBytes = 128 * 1024;
    private const int ReplyBytesMax = 64 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly string _url;
    private readonly string? _token;

    /// <param name="url">Of the service, without a path.</param>
    /// <param name="token">Of administration, or the key of the service; null: none.</param>
    public CanClient(string url, string? token)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new EdgeSyncException(ErrorKind.Usage, $"'{url}' is not an address", "such as http://127.0.0.1:3210");

        (_url, _token) = (url.TrimEnd('/'), token);
        _http = HttpConnections.Client(
            new SocketsHttpHandler { UseProxy = false }, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Stores a stream.</summary>
    public async Task<CanStored> PutAsync(
        Stream content, string fileName, CanDetails details, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in Parts(details))
            if (value is not null) form.Add(new StringContent(value, Encoding.UTF8), name);
        using var file = new StreamContent(content, CopyBytes);
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        form.Add(file, "file", fileName);
        using var reply = await SendAsync(HttpMethod.Post, "/ingest", form, cancellationToken);
        var stored = await ReadAsync(reply, ServiceContext.Default.SuccessIngested, cancellationToken);
        return new CanStored(
            stored.Hash, stored.Timestamp, stored.MimeType, stored.Size, stored.AlreadyExisted);
    }

    /// <summary>One page; parameters as the service has them.</summary>
    public async Task<CanListing> ListAsync(
        IEnumerable<(string Name, string? Value)> parameters, CancellationToken cancellationToken)
    {
        var query = string.Join('&', parameters.Where(p => !string.IsNullOrEmpty(p.Value))
            .Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}"));
        using var reply = await SendAsync(HttpMethod.Get, "/search?" + query, null, cancellationToken);
        var page = await ReadAsync(reply, ServiceContext.Default.SuccessAssetListing, cancellationToken);
        return new CanListing([.. page.Items.Select(Of)], page.Pagination.Total, page.Pagination.Next);
    }

    /// <summary>The asset of a hash, in the trash or not; null: there is none.</summary>
    public async Task<CanAsset?> TryFindAsync(string hash, CancellationToken cancellationToken) =>
        (await ListAsync([("hash", hash), ("include_trashed", "true"), ("limit", "1")], cancellationToken))
            .Items is [var only] ? only : null;

    /// <summary>The asset whose hash begins so, in the trash or not.</summary>
    /// <exception cref="EdgeSyncException">There is none, or several.</exception>
    public async Task<CanAsset> FindAsync(string hashPrefix, CancellationToken cancellationToken)
    {
        var page = await ListAsync(
            [("hash", hashPrefix), ("include_trashed", "true"), ("limit", "10")], cancellationToken);
        return page.Items switch
        {
            [var only] => only,
            [] => throw new EdgeSyncException(
                ErrorKind.NotFound, $"no asset's hash begins with {hashPrefix}", "edgesync can ls"),
            _ => throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"{page.Total} assets' hashes begin with {hashPrefix}", "give more of it")
            {
                Candidates = [.. page.Items.Select(i => i.Hash)],
            },
        };
    }

    /// <summary>Copies the content, and checks that it is what the hash says.</summary>
    /// <exception cref="EdgeSyncException">It is not, or the service refuses.</exception>
    public async Task GetAsync(CanAsset asset, Stream target, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Get, $"/asset/{asset.Hash}", null, cancellationToken);
        await using var content = await reply.Content.ReadAsStreamAsync(cancellationToken);
        using var hasher = new AssetHasher(asset.Timestamp);
        var buffer = new byte[CopyBytes];
        try
        {
            int read;
            while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
            {
                hasher.Append(buffer.AsSpan(0, read));
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
        }
        catch (HttpIOException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"the service broke off: {e.Message}", "run it again", e);
        }

        if (hasher.Finish().ToString() != asset.Hash)
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the content of {asset.Hash[..10]} is not what its hash says",
                "edgesync can verify");
    }

    /// <summary>Replaces tags, or other details that are not null.</summary>
    public async Task<CanAsset> PatchAsync(
        string hash, IReadOnlyList<string>? tags, string? description, CancellationToken cancellationToken)
    {
        var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            if (tags is not null)
            {
                json.WriteStartArray("tags");
                foreach (var tag in tags) json.WriteStringValue(tag);
                json.WriteEndArray();
            }

            if (description is not null) json.WriteString("description", description);
            json.WriteEndObject();
        }

        using var content = new ByteArrayContent(body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var reply = await SendAsync(HttpMethod.Patch, $"/asset/{hash}/meta", content, cancellationToken);
        return Of(await ReadAsync(reply, ServiceContext.Default.SuccessAssetMeta, cancellationToken));
    }

    /// <summary>Into the trash, or for good.</summary>
    public async Task RemoveAsync(string hash, bool isPermanent, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Delete, $"/asset/{hash}{(isPermanent ? "?permanent=true" : "")}", null, cancellationToken);
    }

    public async Task<CanAsset> RestoreAsync(string hash, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, $"/asset/{hash}/restore", null, cancellationToken);
        return Of(await ReadAsync(reply, ServiceContext.Default.SuccessAssetMeta, cancellationToken));
    }

    /// <summary>Starts a pass of the verifier, or reads how far it is.</summary>
    public async Task<CanVerify> VerifyAsync(bool starts, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            starts ? HttpMethod.Post : HttpMethod.Get, "/admin/verify", null, cancellationToken);
        var state = await ReadAsync(reply, ServiceContext.Default.SuccessVerifyState, cancellationToken);
        return new CanVerify(state.Running, state.LastRun, state.Checked, state.Corrupted, state.Missing);
    }

    public async Task<CanState> StatusAsync(CancellationToken cancellationToken)
    {
        using var reply = await SendToAsync(HttpMethod.Get, "/status", null, cancellationToken);
        var status = await ReadAsync(reply, ServiceContext.Default.SuccessCanStatus, cancellationToken);
        return new CanState(
            status.Version, status.StorageRoot, status.Assets, status.Bytes, status.Trashed, status.Corrupted,
            status.DiskFree, status.Mirror is null ? null : CanMirror.Of(status.Mirror));
    }

    /// <summary>Decides something about the mirror; see the routes.</summary>
    /// <param name="action">The last part of the path, with its parameters.</param>
    public async Task<CanMirror> MirrorAsync(string action, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, "/admin/mirror/" + action, null, cancellationToken);
        return CanMirror.Of(await ReadAsync(reply, ServiceContext.Default.SuccessMirrorStatus, cancellationToken));
    }

    public void Dispose() => _http.Dispose();

    private static IEnumerable<(string Name, string? Value)> Parts(CanDetails details) =>
    [
        ("timestamp", details.Timestamp?.ToString(CultureInfo.InvariantCulture)), ("hash", details.Hash),
        ("mime_type", details.MimeType), ("human_file_name", details.Name), ("human_readable_path", details.Path),
        ("application", details.Application), ("user", details.User),
        ("tags", details.Tags.Count > 0 ? string.Join(',', details.Tags) : null),
        ("description", details.Description),
    ];

    private static CanAsset Of(AssetMeta meta) => new(
        meta.Hash, meta.Timestamp, meta.MimeType, meta.Size, meta.HumanFilename, meta.HumanPath, meta.Application,
        meta.User, meta.Description, meta.Tags, meta.IsTrashed, meta.IsCorrupted);

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken) =>
        SendToAsync(method, Prefix + path, content, cancellationToken);

    private async Task<HttpResponseMessage> SendToAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, _url + path) { Content = content };
        if (_token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        HttpResponseMessage reply;
        try
        {
            reply = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"no asset store answers at {_url}: {e.Message}", "edgesync can serve", e);
        }

        if (reply.IsSuccessStatusCode) return reply;

        using (reply) throw await FailureOfAsync(reply, cancellationToken);
    }

    private static async Task<T> ReadAsync<T>(
        HttpResponseMessage reply, JsonTypeInfo<Success<T>> type, CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadJsonAsync(reply, type, cancellationToken) is { Data: { } data }) return data;
        }
        catch (Exception e) when (e is JsonException or HttpRequestException)
        {
            // Below.
        }

        throw new EdgeSyncException(ErrorKind.Protocol, "the reply is not that of an asset store", "check the address");
    }

    // Whole, and then parsed: parsing a stream piece by piece would be compiled for every type that has a form in JSON
    // (docs/adr/0083).
    private static async Task<T?> ReadJsonAsync<T>(
        HttpResponseMessage reply, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        await reply.Content.LoadIntoBufferAsync(ReplyBytesMax, cancellationToken);
        return JsonSerializer.Deserialize(await reply.Content.ReadAsByteArrayAsync(cancellationToken), type);
    }

    private static async Task<EdgeSyncException> FailureOfAsync(
        HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        var status = (int)reply.StatusCode;
        string text;
        try
        {
            var refusal = await ReadJsonAsync(reply, ServiceContext.Default.Refusal, cancellationToken);
            text = refusal?.Error ?? reply.ReasonPhrase ?? "";
        }
        catch (Exception e) when (e is JsonException or HttpRequestException)
        {
            text = reply.ReasonPhrase ?? "";
        }

        var kind = reply.StatusCode switch
        {
            HttpStatusCode.BadRequest => ErrorKind.Usage,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ErrorKind.Denied,
            HttpStatusCode.NotFound => ErrorKind.NotFound,
            HttpStatusCode.Conflict => ErrorKind.Conflict,
            HttpStatusCode.InsufficientStorage => ErrorKind.System,
            HttpStatusCode.TooManyRequests => ErrorKind.Unavailable,
            _ when status >= 500 => text.Contains("corrupted", StringComparison.Ordinal)
                ? ErrorKind.Corrupt : ErrorKind.Unavailable,
            _ => ErrorKind.Protocol,
        };
        return new EdgeSyncException(
            kind, string.Create(CultureInfo.InvariantCulture, $"the asset store refuses ({status}): {text}"),
            kind == ErrorKind.Denied ? "name the settings that hold its keys: --config FILE"
                : kind == ErrorKind.Corrupt ? "edgesync can verify"
                : kind == ErrorKind.Conflict ? "edgesync can answer own-deletions --yes, if they are meant" : null);
    }
}
