using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Node.Notify;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web;

/// <summary>The messages that a node keeps in sync.</summary>
/// <param name="Host">Their repository.</param>
internal sealed record ServedMessages(RepositoryHost Host, NotifyNode Node);

/// <summary>
/// Messages over HTTP, for programs: JSON, and a stream of events. Users with the right <c>o</c> in the repository
/// of messages may read them, those with <c>i</c> may send: by HTTP Basic with a user of that repository, by the cookie
/// of a login of the pages, otherwise as <c>nobody</c>. Names and members are in docs/notify.md.
/// <code>
/// GET  /notify/threads /notify/thread/THREAD /notify/status /notify/media/PROJECT/NAME /notify/events
/// POST /notify/send /notify/reply /notify/act /notify/read
/// </code>
/// </summary>
/// <param name="messages">Null while the node keeps none.</param>
internal sealed class NotifyEndpoints(
    Func<ServedMessages?> messages, LoginAccount logins, WebSessions sessions, Func<HttpSection> settings,
    TimeProvider clock)
{
    private const string Json = "application/json", Bytes = "application/octet-stream";
    private const int ThreadsMax = 1000, BatchMax = 100, StreamsMax = 64;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    private int _streams;

    /// <summary>A page of the answer is made on the repository's thread.</summary>
    private delegate Answer Make(NotifyRepository notify, Caller caller);

    public void Map(IEndpointRouteBuilder app)
    {
        Get(app, "/notify/threads", (notify, caller) => Of(
            new NotifyThreadsAnswer(notify.Threads(
                caller.Query("project"), caller.Query("inbox") is not null, caller.Number("limit", ThreadsMax))),
            NotifyContext.Default.NotifyThreadsAnswer));
        Get(app, "/notify/thread/{thread}", (notify, caller) => Of(
            new NotifyMessagesAnswer(notify.Log(notify.FindThread(caller.Query("project"), caller.Route("thread")))),
            NotifyContext.Default.NotifyMessagesAnswer));
        Get(app, "/notify/status", Status);
        Get(app, "/notify/media/{project}/{name}", (notify, caller) => new Answer(
            200, Bytes, notify.ReadMedia(caller.Route("project"), caller.Route("name"))));
        app.MapGet("/notify/events", (RequestDelegate)StreamAsync);
        Post(app, "/notify/send", (notify, caller) => Sent(notify.Send(new NotifySend(caller.Text(r => r.Body))
        {
            Project = caller.Request.Project,
            Thread = caller.Request.Thread,
            Priority = caller.Request.Priority,
            Actions = caller.Request.Actions,
            FromName = caller.Login,
        })));
        Post(app, "/notify/reply", (notify, caller) => Sent(notify.Reply(
            caller.Text(r => r.Target), new NotifySend(caller.Text(r => r.Body)) { FromName = caller.Login })));
        Post(app, "/notify/act", (notify, caller) => Sent(notify.Act(
            caller.Text(r => r.Target), caller.Text(r => r.Action), caller.Request.Project, caller.Login)));
        Post(app, "/notify/read", (notify, caller) => Of(
            new NotifyReadAnswer(notify.Queries.MarkRead(caller.Request.Ids ?? [])),
            NotifyContext.Default.NotifyReadAnswer));
    }

    private static Answer Status(NotifyRepository notify, Caller caller) => Of(
        new NotifyStatusAnswer(
            notify.Device, notify.Repository.ProjectCode, caller.Login,
            [
                .. notify.Queries.Projects()
                    .Select(p => new NotifyProjectItem(p.Project, p.Threads, p.Messages, p.Unread)),
            ],
            notify.Devices(), caller.Visitor.Csrf.Length > 0 ? caller.Visitor.Csrf : null),
        NotifyContext.Default.NotifyStatusAnswer);

    private static Answer Sent(NotifyItem item) =>
        Of(new NotifyMessageAnswer(item), NotifyContext.Default.NotifyMessageAnswer);

    private static Answer Of<T>(T value, JsonTypeInfo<T> type, int status = 200) =>
        new(status, Json, [.. JsonSerializer.SerializeToUtf8Bytes(value, type), (byte)'\n']);

    private void Get(IEndpointRouteBuilder app, string path, Make make)
    {
        async Task ServeAsync(HttpContext context)
        {
            if (await OpenAsync(context) is not { } served) return;

            var caller = await CallerOf(context, served.Host, new NotifyRequest(), 'o');
            if (caller is null) return;

            await SendAsync(context, await served.Host.Readers.RunAsync(
                r => Try(r, make, caller), context.RequestAborted));
        }

        app.MapMethods(path, NodeEndpoints.Reading, (RequestDelegate)ServeAsync);
    }

    private void Post(IEndpointRouteBuilder app, string path, Make make)
    {
        async Task ServeAsync(HttpContext context)
        {
            if (await OpenAsync(context) is not { } served) return;

            // A form of another site cannot have this content type without asking first.
            if (!context.Request.HasJsonContentType() || !PageLogins.IsSameOrigin(context.Request))
            {
                await SendAsync(context, Refusal(415, "A JSON object of this site is expected."));
                return;
            }

            if (await ReadAsync(context) is not { } request)
            {
                await SendAsync(context, Refusal(400, "That is not a JSON object with the members of this request."));
                return;
            }

            var caller = await CallerOf(context, served.Host, request, 'i');
            if (caller is null) return;

            var answer = await served.Host.Writer.RunAsync(
                r =>
                {
                    new NotifyRepository(r).Update();
                    return Try(r, make, caller);
                },
                context.RequestAborted);
            served.Host.Pushed?.Invoke();
            served.Node.Nudge();
            await SendAsync(context, answer);
        }

        app.MapPost(path, (RequestDelegate)ServeAsync).WithMetadata(new BodyLimit());
    }

    /// <summary>
    /// New messages as server-sent events <c>message</c>, whose id is their number in this copy: a client that comes
    /// back with <c>Last-Event-ID</c> gets what it missed.
    /// </summary>
    private async Task StreamAsync(HttpContext context)
    {
        if (await OpenAsync(context) is not { } served) return;

        var caller = await CallerOf(context, served.Host, new NotifyRequest(), 'o');
        if (caller is null) return;

        if (Interlocked.Increment(ref _streams) > StreamsMax)
        {
            Interlocked.Decrement(ref _streams);
            await SendAsync(context, Refusal(503, "Too many clients listen already."));
            return;
        }

        try
        {
            await StreamAsync(context, served, caller);
        }
        catch (EdgeSyncException e) when (e.Kind is ErrorKind.NotFound or ErrorKind.Ambiguous
            && !context.Response.HasStarted)
        {
            await SendAsync(context, Refusal(404, e.Message));
        }
        catch (OperationCanceledException)
        {
            // The client went away.
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task StreamAsync(HttpContext context, ServedMessages served, Caller caller)
    {
        var stop = context.RequestAborted;
        var (filter, last) = await served.Host.Readers.RunAsync(
            r =>
            {
                var notify = new NotifyRepository(r);
                var thread = caller.Query("thread") is { } text
                    ? notify.FindThread(caller.Query("project"), text) : null;
                return (
                    new NotifyFilter(thread?.Project ?? caller.Query("project"), thread?.Thread),
                    notify.Queries.LastSeq);
            },
            stop);
        var after = long.TryParse(
            context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header
                : caller.Query("last_event_id"),
            NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? Math.Min(given, last) : last;
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        await WriteAsync(
            context, $"retry: 2000\nevent: connected\ndata: {{\"device\":{Quoted(served.Node.Device)}}}\n\n", stop);
        while (true)
        {
            var batch = await served.Host.Readers.RunAsync(r => Read(r, filter, after), stop);
            foreach (var (seq, json) in batch)
            {
                after = seq;
                if (json is not null)
                    await WriteAsync(
                        context, string.Create(
                            CultureInfo.InvariantCulture, $"id: {seq}\nevent: message\ndata: {json}\n\n"), stop);
            }

            if (batch.Count < BatchMax) await WaitAsync(context, served.Node, after, stop);
            if (served.Node.Feed.IsOver) return;
        }
    }

    // Also those that the filter leaves out: they are not read again.
    private static List<(long Seq, string? Json)> Read(Repository repository, NotifyFilter filter, long after)
    {
        var notify = new NotifyRepository(repository);
        var batch = new List<(long, string?)>();
        foreach (var indexed in notify.Queries.Arrived(default, after, BatchMax))
        {
            var fits = (filter.Project is null || indexed.Project == filter.Project)
                && (filter.Thread is null || indexed.Thread == filter.Thread);
            batch.Add((indexed.Seq, fits ? notify.Read(indexed)?.Json : null));
        }

        return batch;
    }

    private async Task WaitAsync(HttpContext context, NotifyNode node, long after, CancellationToken cancellationToken)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var news = node.Feed.WaitAsync(after, pause.Token);
        while (await Task.WhenAny(news, Task.Delay(KeepAlive, clock, pause.Token)) != news)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await WriteAsync(context, ": keep-alive\n\n", cancellationToken);
        }

        await pause.CancelAsync();
        await news;
    }

    private async Task<ServedMessages?> OpenAsync(HttpContext context)
    {
        if (HostCheck.IsRebound(context, settings().Hosts))
        {
            await SendAsync(context, Refusal(
                403, "This name is not one of this node; http.hosts in the settings names more."));
            return null;
        }

        if (messages() is { } served) return served;

        await SendAsync(context, Refusal(404, "This node keeps no messages (--notify)."));
        return null;
    }

    /// <summary>Who asks; null: the refusal was sent.</summary>
    private async Task<Caller?> CallerOf(HttpContext context, RepositoryHost host, NotifyRequest request, char right)
    {
        var given = Credentials(context.Request);
        var gate = logins.GateOf(context.Connection.RemoteIpAddress!, host.FilePath);
        if (given is var (name, _) && !gate.IsOpen(name))
        {
            context.Response.Headers.RetryAfter = ((int)Math.Ceiling(logins.Pause.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
            await SendAsync(context, Refusal(429, "Too many failed logins of this name from your address; wait."));
            return null;
        }

        var (isKnown, visitor) = await host.Readers.RunAsync(
            repository => given is var (login, password)
                ? repository.Users.IsPassword(login, password)
                    && repository.Users.TryGet(login, out var user) && !user!.IsExpired
                    ? (true, new PageVisitor(login, repository.Users.CapabilitiesOf(login), ""))
                    : (false, new PageVisitor(null, default, ""))
                : (true, sessions.VisitorOf(
                    repository, context.Request.Cookies[WebSessions.CookieName(repository)])),
            context.RequestAborted);
        if (given is not null) gate.OnLogin(given.Value.Login, isKnown);
        if (right == 'i' && visitor.Csrf.Length > 0 && !visitor.IsCsrf(request.Csrf ?? ""))
        {
            await SendAsync(context, Refusal(403, "With a cookie, the token of the session is needed: csrf."));
            return null;
        }

        if (isKnown && visitor.May(right)) return new Caller(context, visitor, request);

        if (visitor.Login is null || !isKnown) context.Response.Headers.WWWAuthenticate = "Basic realm=\"messages\"";
        await SendAsync(context, Refusal(
            visitor.Login is not null ? 403 : 401,
            given is not null && !isKnown ? "The login is not right." : "This needs a right that you do not have."));
        return null;
    }

    private static (string Login, string Password)? Credentials(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) || header.Length > 1024) return null;

        Span<byte> bytes = stackalloc byte[1024];
        if (!Convert.TryFromBase64String(header[6..].Trim(), bytes, out var size)) return null;

        var text = Encoding.UTF8.GetString(bytes[..size]);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? (text[..colon], text[(colon + 1)..]) : null;
    }

    private static async Task<NotifyRequest?> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            return JsonSerializer.Deserialize(body.ToArray(), NotifyContext.Default.NotifyRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Answer Try(Repository repository, Make make, Caller caller)
    {
        try
        {
            return make(new NotifyRepository(repository), caller);
        }
        catch (EdgeSyncException e) when (e.Kind is not (ErrorKind.System or ErrorKind.Corrupt))
        {
            var status = e.Kind switch
            {
                ErrorKind.NotFound => 404,
                ErrorKind.Ambiguous => 409,
                ErrorKind.Usage => 400,
                ErrorKind.Conflict => 409,
                _ => 503,
            };
            // Some messages name a path of this machine, which clients must not see.
            return Refusal(status, e.Message.Replace(repository.Path, "the repository", StringComparison.Ordinal));
        }
    }

    private static Answer Refusal(int status, string sentence) =>
        Of(new NotifyErrorAnswer(sentence), NotifyContext.Default.NotifyErrorAnswer, status);

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static async Task WriteAsync(HttpContext context, string text, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    private static async Task SendAsync(HttpContext context, Answer answer)
    {
        var response = context.Response;
        response.StatusCode = answer.Status;
        response.ContentType = answer.Type;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "private, no-cache";
        // Files of messages are foreign: a browser saves them.
        if (answer.Type == Bytes) response.Headers.ContentDisposition = "attachment";
        response.ContentLength = answer.Body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }

    private sealed record Answer(int Status, string Type, byte[] Body);

    /// <summary>A client with its request.</summary>
    private sealed record Caller(HttpContext Context, PageVisitor Visitor, NotifyRequest Request)
    {
        /// <summary>Null: it did not log in.</summary>
        public string? Login => Visitor.Login;

        public string? Query(string name) =>
            Context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

        public string Route(string name) => Context.Request.RouteValues[name] as string ?? "";

        public int Number(string name, int max) =>
            int.TryParse(Query(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? Math.Clamp(number, 1, max) : 50;

        public string Text(Func<NotifyRequest, string?> member) => member(Request) is { Length: > 0 } text ? text
            : throw new EdgeSyncException(ErrorKind.Usage, "a member is missing: target, body or action");
    }

    // Of a message with its names; the base limit is 4 KiB.
    private sealed class BodyLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 256 * 1024;
    }
}
