using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Tracing;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Http;

/// <summary>Options of the HTTP client.</summary>
public sealed record XferHttpClientOptions
{
    public RetryPolicy Retry { get; init; } = RetryPolicy.Standard;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Between two pieces of the request, from its last one to the first byte of the reply, and then between two pieces
    /// of that.
    /// </summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// <c>USER:PASSWORD</c> for a web server in front of the peer (HTTP basic); not the login of the cards.
    /// </summary>
    public string? HttpCredentials { get; init; }

    public string UserAgent { get; init; } = "EdgeSync";

    /// <summary>
    /// Address of an HTTP proxy for all requests, as in the repository's setting <c>proxy</c>. Null, empty or off:
    /// the proxies of the environment.
    /// </summary>
    public string? Proxy { get; init; }

    /// <summary>
    /// The only accepted key of an https server (<see cref="ServerPin"/>); null uses the system's trust.
    /// </summary>
    public byte[]? Pin { get; init; }
}

/// <summary>The peer replied with an error status.</summary>
public sealed class XferHttpException(
    ErrorKind kind, int status, string message, string? hint) : EdgeSyncException(kind, message, hint)
{
    public int Status { get; } = status;
}

/// <summary>
/// Posts cards to a Fossil server and returns the reply as a stream. Redirects are followed as in stock, proxies are
/// those of the environment (<c>http_proxy</c>, <c>https_proxy</c>, <c>no_proxy</c>).
/// </summary>
public sealed class XferHttpClient : IDisposable
{
    private const int RedirectsMax = 20;

    private readonly HttpClient _http;
    private readonly XferHttpClientOptions _options;
    private readonly TimeProvider _clock;

    public XferHttpClient(XferHttpClientOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        var handler = new SocketsHttpHandler
        {
            Proxy = ProxyOf(options.Proxy),
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            UseCookies = false,
            Credentials = null,
        };
        if (options.Pin is { } pin) handler.SslOptions.RemoteCertificateValidationCallback = ServerPin.Check(pin);
        _http = HttpConnections.Client(handler, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called before each pause: the failure, and the length of the pause.</summary>
    public Action<string, TimeSpan>? OnRetry { get; set; }

    /// <inheritdoc cref="PostAsync(PeerUrl, XferContentType, ReadOnlyMemory{byte}, bool, Action, CancellationToken)"/>
    public Task<XferHttpResponse> PostAsync(
        PeerUrl peer, XferContentType type, ReadOnlyMemory<byte> body, bool mayRepeat,
        CancellationToken cancellationToken) =>
        PostAsync(peer, type, body, mayRepeat, null, cancellationToken);

    /// <summary>Sends one request and waits for the head of its reply.</summary>
    /// <param name="body">Framed as <paramref name="type"/> requires; must not change until the reply arrives.</param>
    /// <param name="mayRepeat">
    /// True when a request that was perhaps processed may be sent again. False: only failures that show that the peer
    /// did not process it are retried.
    /// </param>
    /// <param name="progressed">Called when a piece of the request was sent.</param>
    /// <exception cref="EdgeSyncException">By kind: unavailable, denied, not found, or not a reply of a Fossil
    /// server.</exception>
    public async Task<XferHttpResponse> PostAsync(
        PeerUrl peer, XferContentType type, ReadOnlyMemory<byte> body, bool mayRepeat, Action? progressed,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            HttpResponseMessage? response = null;
            EdgeSyncException failure;
            TimeSpan? askedFor = null;
            var address = peer.Address;
            bool retry;
            try
            {
                (response, address, var isMovedForGood) = await FollowAsync(
                    peer, type, body, progressed, cancellationToken);
                if (response.StatusCode == HttpStatusCode.OK)
                    return await XferHttpResponse.OpenAsync(
                        response, address, isMovedForGood, _options.SilenceMax, _clock, cancellationToken);

                askedFor = RetryAfterOf(response);
                retry = RetryPolicy.IsTransient(response.StatusCode) && (mayRepeat || IsUntouched(response.StatusCode));
                failure = await FailureOfAsync(response, address, cancellationToken);
                response.Dispose();
            }
            catch (HttpRequestException e)
            {
                response?.Dispose();
                retry = mayRepeat
                    || e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;
                // A name that does not exist will not exist in a second either.
                if (e.InnerException is SocketException { SocketErrorCode: SocketError.HostNotFound }) retry = false;
                if (e.HttpRequestError is HttpRequestError.SecureConnectionError or HttpRequestError.InvalidResponse)
                    retry = false;
                failure = Unreachable(address, e, _options.Pin is not null);
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                response?.Dispose();
                retry = mayRepeat;
                failure = new EdgeSyncException(
                    ErrorKind.Unavailable, $"{address} did not answer within {_options.SilenceMax.TotalSeconds:F0} s",
                    "try again later", e);
            }

            if (!retry || _options.Retry.PauseAfter(attempt, askedFor) is not { } pause) throw failure;

            OnRetry?.Invoke(failure.Message, pause);
            await Task.Delay(pause, _clock, cancellationToken);
        }
    }

    public void Dispose() => _http.Dispose();

    // Spec: url_enable_proxy() in url.c. A false value falls back to the environment, as no value does.
    private static WebProxy? ProxyOf(string? setting)
    {
        if (string.IsNullOrWhiteSpace(setting)
            || setting.Trim().ToLowerInvariant() is "off" or "no" or "false" or "0" or "system")
            return null;
        if (!PeerUrl.TryParse(setting, out var proxy))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, "the setting 'proxy' is not an address such as http://host:3128",
                "edgesync repo config set proxy off");
        }

        return new WebProxy(proxy.Address)
        {
            Credentials = proxy.User is { } user ? new NetworkCredential(user, proxy.Password) : null
        };
    }

    private async Task<(HttpResponseMessage Response, Uri Address, bool IsMovedForGood)> FollowAsync(
        PeerUrl peer, XferContentType type, ReadOnlyMemory<byte> body, Action? progressed,
        CancellationToken cancellationToken)
    {
        var address = peer.Address;
        var isMovedForGood = true;
        for (var hop = 0; hop <= RedirectsMax; hop++)
        {
            var response = await SendAsync(address, type, body, progressed, cancellationToken);
            if (response.StatusCode is not (HttpStatusCode.Moved or HttpStatusCode.Found
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
            {
                return (response, address, isMovedForGood && address != peer.Address);
            }

            isMovedForGood &= response.StatusCode is HttpStatusCode.Moved or HttpStatusCode.PermanentRedirect;
            var location = response.Headers.Location;
            response.Dispose();
            address = Redirect(address, location);
        }

        throw new EdgeSyncException(ErrorKind.Protocol, $"{peer} redirects more than {RedirectsMax} times");
    }

    // Spec: www/sync.wiki §2 and http.c. A trailing /xfer is removed, and https never becomes http.
    private static Uri Redirect(Uri from, Uri? location)
    {
        if (location is null) throw new EdgeSyncException(ErrorKind.Protocol, $"{from} redirects to nowhere");

        var target = location.IsAbsoluteUri ? location : new Uri(from, location);
        if (target.Scheme != Uri.UriSchemeHttp && target.Scheme != Uri.UriSchemeHttps)
            throw new EdgeSyncException(
                ErrorKind.Protocol, $"{from} redirects to '{location}', which is not a web address");
        if (from.Scheme == Uri.UriSchemeHttps && target.Scheme == Uri.UriSchemeHttp)
            throw new EdgeSyncException(ErrorKind.Protocol, $"{from} redirects to {target}, away from https: refused");

        var builder = new UriBuilder(target) { UserName = "", Password = "", Fragment = "" };
        if (builder.Path.EndsWith("/xfer", StringComparison.Ordinal)) builder.Path = builder.Path[..^"/xfer".Length];
        return builder.Uri;
    }

    private async Task<HttpResponseMessage> SendAsync(
        Uri address, XferContentType type, ReadOnlyMemory<byte> body, Action? progressed,
        CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(_options.SilenceMax, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ProgressContent(body, OnBodyProgress),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(XferContentTypes.NameOf(type));
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        if (_options.HttpCredentials is { } credentials)
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));

        // The span ends with the head of the reply.
        var span = HttpSpans.Ask(address);
        var status = 0;
        try
        {
            if (TraceContext.TryFormat(span ?? Activity.Current, out var traceParent, out var traceState))
            {
                request.Headers.TryAddWithoutValidation(TraceContext.ParentHeader, traceParent);
                if (traceState is not null)
                    request.Headers.TryAddWithoutValidation(TraceContext.StateHeader, traceState);
            }

            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            status = (int)response.StatusCode;
            return response;
        }
        finally
        {
            HttpSpans.End(span, status, errorFrom: 400);
        }

        void OnBodyProgress()
        {
            silence.CancelAfter(_options.SilenceMax);
            progressed?.Invoke();
        }
    }

    /// <summary>Statuses sent before a request is processed.</summary>
    private static bool IsUntouched(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable;

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _clock.GetUtcNow(),
        _ => null,
    };

    private static async Task<EdgeSyncException> FailureOfAsync(
        HttpResponseMessage response, Uri address, CancellationToken cancellationToken)
    {
        var text = await XferHttpResponse.ReadExcerptAsync(response, cancellationToken);
        var status = response.StatusCode;
        var said = $"{address} replied {(int)status} {response.ReasonPhrase}{(text.Length > 0 ? ": " + text : "")}";
        var (kind, hint) = status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired =>
                (ErrorKind.Denied, "give --http-auth USER:PASSWORD for the web server in front"),
            HttpStatusCode.NotFound or HttpStatusCode.Gone => (ErrorKind.NotFound, "check the path of the address"),
            _ when RetryPolicy.IsTransient(status) => (ErrorKind.Unavailable, "try again later"),
            _ => (ErrorKind.Protocol, "is this the address of a Fossil repository?"),
        };
        return new XferHttpException(kind, (int)status, said, hint);
    }

    private static EdgeSyncException Unreachable(Uri address, HttpRequestException e, bool isPinned)
    {
        var reason = (e.InnerException ?? e).Message.TrimEnd('.');
        return e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError =>
                new EdgeSyncException(
                    ErrorKind.Unavailable, $"cannot find the host {address.Host}", "check the name and the network", e),

            // The runtime's message for a server that replies to a TLS greeting with plain text.
            HttpRequestError.SecureConnectionError when reason.Contains("frame", StringComparison.Ordinal) =>
                new EdgeSyncException(
                    ErrorKind.Protocol, $"{address} answers plain HTTP", $"use {PlainOf(address)}", e),
            HttpRequestError.SecureConnectionError when isPinned
                && e.InnerException is System.Security.Authentication.AuthenticationException =>
                new EdgeSyncException(
                    ErrorKind.Denied, $"{address} has another key than the one that was joined",
                    "edgesync join CODE, with a new code, if the server was set up again", e),
            HttpRequestError.SecureConnectionError =>
                new EdgeSyncException(
                    ErrorKind.Denied, $"no secure connection to {address}: {reason}",
                    "check the certificate of the server", e),
            HttpRequestError.InvalidResponse when reason.Contains("'INFO {", StringComparison.Ordinal) =>
                new EdgeSyncException(
                    ErrorKind.Protocol, $"{address} is a NATS server, not a Fossil server",
                    $"edgesync leaf --nats nats://{address.Authority}", e),
            HttpRequestError.InvalidResponse =>
                new EdgeSyncException(
                    ErrorKind.Protocol, $"{address} does not speak HTTP", "check the address and the port", e),
            _ =>
                new EdgeSyncException(
                    ErrorKind.Unavailable, $"cannot reach {address}: {reason}",
                    "is the server running? Check the address and the port", e),
        };
    }

    private static string PlainOf(Uri address) =>
        new UriBuilder(address) { Scheme = Uri.UriSchemeHttp, Port = address.Port }.Uri.ToString();
}
