using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Can.Wire;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Agent;

/// <summary>What became of an asset that was sent to a service.</summary>
/// <param name="Outcome">Whether it is there.</param>
/// <param name="AlreadyExisted">It was there before.</param>
/// <param name="Number">Of its last change in the service; 0: not told.</param>
internal readonly record struct PushedAsset(PushOutcome Outcome, bool AlreadyExisted, long Number);

/// <summary>Of <see cref="PushedAsset"/>.</summary>
internal enum PushOutcome
{
    Stored,

    /// <summary>It was deleted there for good.</summary>
    Deleted,

    /// <summary>It is too large, the disk is full, or the service finds it wrong.</summary>
    Refused,
}

/// <summary>
/// The service of an agent, over <c>/sync/*</c> with the sync key. A service that has no more than the original's
/// routes is one that is not <see cref="IsExtended"/>.
/// </summary>
internal sealed class ServiceClient : IDisposable
{
    private const int ReplyBytesMax = 256 << 20;
    private const int CopyBytes = 128 * 1024;

    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(120);

    // The service reads all of the asset: 4 GiB from a slow card take minutes.
    private static readonly TimeSpan VerifyTime = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly string _key;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private int _isAway;

    /// <exception cref="EdgeSyncException">The address is none.</exception>
    public ServiceClient(string url, string key, TimeProvider clock, ILogger log)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"can_service_url is '{url}', which is not a URL", "such as http://127.0.0.1:3210");

        (Url, _key, _clock, _log) = (url.TrimEnd('/'), key, clock, log);
        _http = HttpConnections.Client(
            new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false },
            Timeout.InfiniteTimeSpan);
    }

    public string Url { get; }

    /// <summary>Whether the service tells of every change; as it answered last.</summary>
    public bool IsExtended { get; private set; }

    /// <summary>Asks what the service is.</summary>
    /// <exception cref="EdgeSyncException">It does not answer, or refuses the key.</exception>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Get, "/sync/changes?after=9223372036854775807&limit=1", null, cancellationToken);
        if (reply.IsSuccessStatusCode) IsExtended = true;
        else if (reply.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed) IsExtended = false;
        else throw Failure(reply, "asking for changes");
    }

    /// <summary>
    /// Does something, again after a while as long as the service does not answer; that it is away is said once.
    /// </summary>
    /// <param name="action">To be done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="isPatient">Also where it answers otherwise than it should, such as with another key.</param>
    public async Task<T> UntilAnsweredAsync<T>(
        Func<CancellationToken, Task<T>> action, CancellationToken cancellationToken, bool isPatient = false)
    {
        for (var wait = RetryMin; ; wait = wait * 2 < RetryMax ? wait * 2 : RetryMax)
        {
            try
            {
                var result = await action(cancellationToken);
                OnAnswered();
                return result;
            }
            catch (EdgeSyncException e) when (isPatient || e.Kind == ErrorKind.Unavailable)
            {
                OnAway(e.Message);
                await Task.Delay(wait, _clock, cancellationToken);
            }
        }
    }

    public void OnAway(string reason)
    {
        if (Interlocked.Exchange(ref _isAway, 1) == 0) _log.CanServiceAway(Url, reason, "edgesync can serve");
    }

    public void OnAnswered()
    {
        if (Interlocked.Exchange(ref _isAway, 0) == 1) _log.CanServiceBack(Url);
    }

    /// <summary>A page of changes, of a service that is extended.</summary>
    public async Task<ChangesPage> ChangesAsync(long after, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"/sync/changes?after={after}"), null,
            cancellationToken);
        if (!reply.IsSuccessStatusCode) throw Failure(reply, "reading changes");

        return ChangesPage.TryParse(await BodyAsync(reply, cancellationToken), out var page) ? page : throw Malformed();
    }

    /// <summary>Digests of all assets.</summary>
    public async Task<IReadOnlyList<AssetDigest>> HashesAsync(CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, "/sync/hashes", Empty(), cancellationToken);
        if (!reply.IsSuccessStatusCode) throw Failure(reply, "reading hashes");

        return AssetDigest.TryParseAll(await BodyAsync(reply, cancellationToken), out var digests)
            ? digests : throw Malformed();
    }

    /// <summary>
    /// What a service that is not extended has of an asset: by its page of details, else by the asset itself. Null: it
    /// does not have it.
    /// </summary>
    public async Task<AssetState?> StateAsync(AssetDigest digest, CancellationToken cancellationToken)
    {
        using (var reply = await SendAsync(
            HttpMethod.Get, $"/api/v1/can/0/asset/{digest.Hash}/meta", null, cancellationToken))
        {
            if (reply.IsSuccessStatusCode && await MetaAsync(reply, cancellationToken) is { } meta)
                return StateOf(digest, meta);
        }

        await using var content = await OpenContentAsync(digest.Hash, 0, cancellationToken);
        if (content is null) return null;

        var buffer = new byte[CopyBytes];
        while (await content.ReadAsync(buffer, cancellationToken) > 0)
        {
            // What follows the content is needed, too.
        }

        return content.Bundle is { } bundle ? StateOf(digest, bundle.Details) : null;
    }

    /// <summary>Opens the content of an asset; null: the service does not have it whole.</summary>
    public async Task<ServiceContent?> OpenContentAsync(
        AssetHash hash, long offset, CancellationToken cancellationToken)
    {
        HttpResponseMessage reply;
        if (IsExtended)
        {
            using var request = Request(HttpMethod.Get, $"/sync/content/{hash}", null);
            if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
            reply = await SendAsync(request, cancellationToken);
        }
        else
        {
            var body = new ArrayBufferWriter<byte>(80);
            PullRequest.Write([hash], body);
            reply = await SendAsync(HttpMethod.Post, "/sync/pull", Body(body.WrittenMemory), cancellationToken);
        }

        try
        {
            if (reply.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable
                or HttpStatusCode.InternalServerError)
            {
                reply.Dispose();
                return null;
            }

            if (!reply.IsSuccessStatusCode) throw Failure(reply, $"reading {hash}");

            var stream = await reply.Content.ReadAsStreamAsync(cancellationToken);
            var content = new ServiceContent(hash, reply, stream, isBundle: !IsExtended, Url);
            var isRange = reply.StatusCode == HttpStatusCode.PartialContent;
            if (await content.BeginAsync(isRange ? offset : 0, offset, cancellationToken)) return content;

            await content.DisposeAsync();
            return null;
        }
        catch
        {
            reply.Dispose();
            throw;
        }
    }

    /// <summary>Stores an asset.</summary>
    /// <param name="state">What is sent with the content.</param>
    /// <param name="path">The content.</param>
    /// <param name="known">The service's last change that is known: deletions up to it are taken back.</param>
    public async Task<PushedAsset> PushAsync(
        AssetState state, string path, long known, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        var query = IsExtended ? string.Create(CultureInfo.InvariantCulture, $"?known={known}") : "";
        using var reply = await SendAsync(
            HttpMethod.Post, "/sync/push" + query, new BundleBody(BundleOf(state), file), cancellationToken,
            RequestTime + TimeSpan.FromSeconds(state.Size >> 20));
        if (reply.IsSuccessStatusCode)
        {
            var body = await BodyAsync(reply, cancellationToken);
            return SyncReplies.TryParsePushed(body, out var existed, out var number)
                ? new PushedAsset(PushOutcome.Stored, existed, number) : throw Malformed();
        }

        if (reply.StatusCode == HttpStatusCode.Gone) return new PushedAsset(PushOutcome.Deleted, false, 0);
        if (reply.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge
            or HttpStatusCode.InsufficientStorage)) throw Failure(reply, $"storing {state.Hash}");

        _log.CanServiceRefuses(
            state.Hash.ToString(), (int)reply.StatusCode, (await TextAsync(reply, cancellationToken)).Trim());
        return new PushedAsset(PushOutcome.Refused, false, 0);
    }

    /// <summary>Makes an asset what it is to be, in a service that is extended.</summary>
    /// <returns>
    /// The number of its change; 0: the service does not have it; null: it was changed there since.
    /// </returns>
    public async Task<long?> ApplyAsync(AssetState state, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, "/sync/apply", Body(state.ToArray()), cancellationToken);
        if (reply.StatusCode == HttpStatusCode.NotFound) return 0;
        if (reply.StatusCode == HttpStatusCode.Conflict) return null;
        if (!reply.IsSuccessStatusCode) throw Failure(reply, $"changing {state.Hash}");

        return SyncReplies.TryParseApplied(await BodyAsync(reply, cancellationToken), out _, out var number)
            ? number : throw Malformed();
    }

    /// <summary>Tags, description and trash state, in any service.</summary>
    /// <returns>Whether they were later than what is there; null: there is no such asset.</returns>
    public async Task<bool?> SendMetaAsync(MetaUpdate update, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(256);
        update.WriteTo(body);
        using var reply = await SendAsync(HttpMethod.Post, "/sync/meta", Body(body.WrittenMemory), cancellationToken);
        if (reply.StatusCode == HttpStatusCode.NotFound) return null;
        if (!reply.IsSuccessStatusCode) throw Failure(reply, $"changing {update.Hash}");

        return SyncReplies.TryParseApplied(await BodyAsync(reply, cancellationToken), out var applied, out _)
            ? applied : throw Malformed();
    }

    /// <summary>Has the service hash a content again.</summary>
    public async Task VerifyAsync(AssetHash hash, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Post, $"/sync/verify/{hash}", Empty(), cancellationToken, VerifyTime);
    }

    /// <summary>Follows the service's events until the stream ends or fails.</summary>
    /// <param name="happened">Called with null when it is open, and for each event with its asset.</param>
    /// <param name="silenceMax">Without a word of the service.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task FollowAsync(
        Action<AssetHash?> happened, TimeSpan silenceMax, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Get, "/sync/events" + (IsExtended ? "?all=true" : ""), null, cancellationToken);
        if (!reply.IsSuccessStatusCode) throw Failure(reply, "following events");

        happened(null);
        try
        {
            await using var stream = new PatientStream(
                await reply.Content.ReadAsStreamAsync(cancellationToken), silenceMax, _clock);
            await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
                happened(HashOf(item.Data));
        }
        catch (Exception e) when (IsFault(e, cancellationToken))
        {
            throw Away(e);
        }

        throw new EdgeSyncException(
            ErrorKind.Unavailable, $"{Url} has ended its stream of events", "it is tried again");
    }

    public void Dispose() => _http.Dispose();

    private static AssetHash? HashOf(string data)
    {
        try
        {
            var happened = JsonSerializer.Deserialize(data, ServiceContext.Default.AssetEvent);
            return AssetHash.TryParse(happened?.Hash ?? "", out var hash) ? hash : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static AssetBundle BundleOf(AssetState state) => new()
    {
        Hash = state.Hash,
        TimestampMs = state.TimestampMs,
        Details = state.Details,
        IsTrashed = state.IsTrashed,
        Size = state.Size,
        MetaUpdatedAtMs = state.MetaUpdatedAtMs,
    };

    private static AssetState StateOf(AssetDigest digest, AssetDetails details) => new()
    {
        Hash = digest.Hash,
        TimestampMs = digest.TimestampMs,
        Size = digest.Size,
        Details = details.Fault() is null ? details : new AssetDetails(),
        IsTrashed = digest.IsTrashed,
        MetaUpdatedAtMs = digest.MetaUpdatedAtMs,
    };

    private static AssetState StateOf(AssetDigest digest, AssetMeta meta) => StateOf(digest, new AssetDetails
    {
        MimeType = meta.MimeType ?? MimeTypes.Unknown,
        Application = meta.Application,
        User = meta.User,
        Description = meta.Description,
        HumanFileName = meta.HumanFilename,
        HumanPath = meta.HumanPath,
        Tags = TagList.Normalize(meta.Tags ?? []),
    });

    private async Task<AssetMeta?> MetaAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        try
        {
            return JsonSerializer.Deserialize(
                await BodyAsync(reply, cancellationToken), ServiceContext.Default.SuccessAssetMeta)?.Data;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ByteArrayContent Empty() => Body(ReadOnlyMemory<byte>.Empty);

    private static ByteArrayContent Body(ReadOnlyMemory<byte> bytes)
    {
        var content = new ByteArrayContent(bytes.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue(CanAnswer.Protobuf);
        return content;
    }

    private async Task<byte[]> BodyAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        try
        {
            await using var stream = new PatientStream(
                await reply.Content.ReadAsStreamAsync(cancellationToken), RequestTime, _clock);
            while (await stream.ReadAsync(body.GetMemory(CopyBytes), cancellationToken) is var count and > 0)
            {
                body.Advance(count);
                if (body.WrittenCount > ReplyBytesMax) throw Malformed();
            }
        }
        catch (Exception e) when (IsFault(e, cancellationToken))
        {
            var reason = e is OperationCanceledException ? "it is silent" : e.Message;
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{Url} broke off in a reply: {reason}", "it is tried again", e);
        }

        return body.WrittenSpan.ToArray();
    }

    private async Task<string> TextAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        var body = await BodyAsync(reply, cancellationToken);
        return Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, 300));
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content)
    {
        var request = new HttpRequestMessage(method, Url + path) { Content = content };
        request.Headers.TryAddWithoutValidation("X-Sync-Key", _key);
        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken,
        TimeSpan? time = null)
    {
        using var request = Request(method, path, content);
        return await SendAsync(request, cancellationToken, time);
    }

    // Until the reply begins.
    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken, TimeSpan? time = null)
    {
        using var patience = new CancellationTokenSource(time ?? RequestTime, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (Exception e) when (IsFault(e, cancellationToken))
        {
            throw Away(e);
        }
    }

    private static bool IsFault(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or IOException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private EdgeSyncException Away(Exception e) => new(
        ErrorKind.Unavailable,
        $"no asset store answers at {Url}: {(e is OperationCanceledException ? "it is silent" : e.Message)}",
        "edgesync can serve; can_service_url in the settings names another one", e);

    private EdgeSyncException Malformed() => new(
        ErrorKind.Protocol, $"the reply of {Url} is not that of an asset store", "check can_service_url");

    private EdgeSyncException Failure(HttpResponseMessage reply, string action)
    {
        var status = (int)reply.StatusCode;
        return reply.StatusCode switch
        {
            HttpStatusCode.Unauthorized => new EdgeSyncException(
                ErrorKind.Denied, $"{Url} refuses the sync key (401)",
                "set sync_api_key to the one in the settings of the service"),
            HttpStatusCode.Forbidden => new EdgeSyncException(
                ErrorKind.Denied, $"{Url} refuses sync (403): it has no sync_api_key, or does not know its own name",
                "set sync_api_key in the settings of the service, and the same here"),
            _ when status >= 500 || status is 408 or 429 => new EdgeSyncException(
                ErrorKind.Unavailable, $"{action} failed: {Url} answers {status}", "see the log of the service"),
            _ => new EdgeSyncException(
                ErrorKind.Protocol, $"{action} failed: {Url} answers {status}", "check can_service_url"),
        };
    }

    /// <summary>A <c>PushRequest</c> whose content is a file.</summary>
    private sealed class BundleBody : HttpContent
    {
        private readonly byte[] _head;
        private readonly byte[] _tail;
        private readonly FileStream _file;
        private readonly long _size;

        public BundleBody(AssetBundle bundle, FileStream file)
        {
            (_head, _tail) = bundle.Frame();
            (_file, _size) = (file, bundle.Size);
            Headers.ContentType = new MediaTypeHeaderValue(CanAnswer.Protobuf);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(_head, cancellationToken);
            await _file.CopyToAsync(stream, CopyBytes, cancellationToken);
            await stream.WriteAsync(_tail, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _head.Length + _size + _tail.Length;
            return true;
        }
    }
}
