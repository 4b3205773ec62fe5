using System.Globalization;
using System.Runtime.CompilerServices;
using EdgeSync.Node.Notify;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web.Live;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using static EdgeSync.Node.Web.Pages.PageSender;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// The pages of messages, for people. Users with the right <c>o</c> in the repository of messages may read, those with
/// <c>i</c> answer and send after a login; each form carries the token of the session. They work without the script,
/// which only keeps them current and marks as read what is seen.
/// <code>
/// GET  /notify ?project= &amp;inbox= &amp;limit=       threads
/// GET  /notify/messages/THREAD ?project= &amp;to=  its messages
/// GET  /notify/login   /notify/live            the form, the stream of changes
/// POST /notify/messages/THREAD                 target, and body or action: an answer
/// POST /notify/new                             project body actions priority: a thread
/// POST /notify/seen                            project thread through: read up to there
/// POST /notify/login   /notify/logout
/// </code>
/// </summary>
/// <param name="repositories">Where the node keeps no messages, a repository named <c>notify</c> has these addresses.
/// </param>
internal sealed class NotifyPages(
    NodeWeb web, RepositoryPages repositories, Func<HttpSection> settings, PageLogins logins, LiveStreams streams)
{
    private const int ThreadsShown = 100, ThreadsMax = 1000, MessagesMax = 200;

    private static readonly PageLinks Links = new("/notify") { IsOfMessages = true };

    // Several messages in a row are one change of a page.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private readonly ConditionalWeakTable<NotifyNode, LiveTopic> _topics = [];

    private delegate IPageModel Page(NotifyRepository notify, PageRequest request);

    /// <summary>Writes what a form says; the address to go to.</summary>
    private delegate string Write(NotifyRepository notify, IFormCollection form, PageRequest request);

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapMethods("/notify", NodeEndpoints.Reading, (RequestDelegate)(c => ServeAsync(c, 'o', Threads, "")));
        app.MapMethods(
            "/notify/login", NodeEndpoints.Reading,
            (RequestDelegate)(c => ServeAsync(c, null, (_, _) => new LoginView(Failed: false), "login")));
        app.MapMethods(
            "/notify/messages/{thread}", NodeEndpoints.Reading,
            (RequestDelegate)(c => ServeAsync(c, 'o', Thread, null)));
        app.MapGet("/notify/live", (RequestDelegate)LiveAsync);
        Post(app, "/notify/messages/{thread}", Answer);
        Post(app, "/notify/new", Begin);
        Post(app, "/notify/seen", MarkSeen);
        app.MapPost("/notify/login", (RequestDelegate)LogInAsync);
        app.MapPost("/notify/logout", (RequestDelegate)LogOutAsync);
    }

    private static NotifyThreadsView Threads(NotifyRepository notify, PageRequest request)
    {
        var (project, inbox) = (request.Query["project"], request.Query["inbox"] is { } word && word != "0");
        var count = int.TryParse(request.Query["limit"], NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? Math.Clamp(limit, 1, ThreadsMax) : ThreadsShown;
        return new NotifyThreadsView(
            notify.Device, project, inbox, notify.Threads(project, inbox, count),
            [
                .. notify.Queries.Projects()
                    .Select(p => new NotifyProjectItem(p.Project, p.Threads, p.Messages, p.Unread)),
            ])
        {
            Csrf = CsrfOf(request),
            CountMax = count,
        };
    }

    private static NotifyThreadView Thread(NotifyRepository notify, PageRequest request)
    {
        var thread = notify.FindThread(request.Query["project"], request.Query.Name);
        var messages = notify.Newest(thread, MessagesMax);
        var login = request.Visitor.Login;
        return new NotifyThreadView(thread.Project, thread.Thread, thread.Count, messages)
        {
            Csrf = CsrfOf(request),
            Target = messages.FirstOrDefault(m => m.Id == request.Query["to"])
                ?? NotifyThreadView.TargetOf(messages, login),
        };
    }

    private static string Answer(NotifyRepository notify, IFormCollection form, PageRequest request)
    {
        var (target, action, login) = (form["target"].ToString(), form["action"].ToString(), request.Visitor.Login);
        var item = action.Length > 0 ? notify.Act(target, action, request.Query["project"], login)
            : notify.Reply(target, new NotifySend(TextOf(form)) { FromName = login });
        return $"{Links.Thread(item.Project, item.Thread)}#{item.Id}";
    }

    private static string Begin(NotifyRepository notify, IFormCollection form, PageRequest request)
    {
        var item = notify.Send(new NotifySend(TextOf(form))
        {
            Project = form["project"].ToString() is { Length: > 0 } project ? project : null,
            Actions = form["actions"].ToString(),
            Priority = form["priority"].ToString(),
            FromName = request.Visitor.Login,
        });
        return Links.Thread(item.Project, item.Thread);
    }

    private static string MarkSeen(NotifyRepository notify, IFormCollection form, PageRequest request)
    {
        var thread = notify.FindThread(form["project"].ToString(), form["thread"].ToString());
        if (!long.TryParse(form["through"], NumberStyles.None, CultureInfo.InvariantCulture, out var through))
            throw new EdgeSyncException(ErrorKind.Usage, "the form names no message");

        notify.Queries.MarkRead(
            notify.Queries.Thread(thread.Project, thread.Thread).Where(m => !m.IsRead && m.Seq <= through)
                .Select(m => m.Id));
        return Links.Thread(thread.Project, thread.Thread);
    }

    // A browser sends the ends of lines as CR LF.
    private static string TextOf(IFormCollection form) =>
        form["body"].ToString().ReplaceLineEndings("\n").Trim() is { Length: > 0 } text ? text
            : throw new EdgeSyncException(ErrorKind.Usage, "the message is empty", "write a text");

    private static string? CsrfOf(PageRequest request) =>
        request.Visitor.Login is not null && request.Visitor.May('i') ? request.Visitor.Csrf : null;

    /// <param name="below">The address below a repository named <c>notify</c>; null: it has none like this.</param>
    private async Task ServeAsync(HttpContext context, char? right, Page page, string? below)
    {
        if (await OpenAsync(context, below) is not { } served) return;

        await SendAsync(context, await served.Host.Readers.RunAsync(
            repository => RepositoryPages.Answer(
                repository, RequestOf(context, repository), right,
                (r, request) => Show(request, page(new NotifyRepository(r), request))),
            context.RequestAborted));
    }

    private void Post(IEndpointRouteBuilder app, string path, Write write)
    {
        async Task ServeAsync(HttpContext context)
        {
            if (await OpenFormAsync(context) is not { } served) return;

            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            var answer = await served.Host.Writer.RunAsync(
                r => RepositoryPages.Answer(
                    r, RequestOf(context, r), null, (_, request) => Written(r, form, request, write)),
                context.RequestAborted);
            if (answer.Status == StatusCodes.Status303SeeOther)
            {
                served.Host.Pushed?.Invoke();
                served.Node.Nudge();
            }

            await SendAsync(context, answer);
        }

        app.MapPost(path, (RequestDelegate)ServeAsync).WithMetadata(new FormLimit());
    }

    private static PageAnswer Written(Repository repository, IFormCollection form, PageRequest request, Write write)
    {
        if (request.Visitor.Refusal(request, 'i', form) is { } refusal) return refusal;

        var notify = new NotifyRepository(repository);
        notify.Update();
        return new PageAnswer(StatusCodes.Status303SeeOther, Html, []) { Location = write(notify, form, request) };
    }

    private async Task LiveAsync(HttpContext context)
    {
        if (await OpenAsync(context, "live") is not { } served) return;

        var may = await served.Host.Readers.RunAsync(
            r => RequestOf(context, r).Visitor.May('o'), context.RequestAborted);
        if (!may) await MissingAsync(context);
        else await streams.ServeAsync(
            context, _topics.GetValue(served.Node, node => new LiveTopic((c, token) => WatchAsync(node, c, token))));
    }

    private async Task WatchAsync(NotifyNode node, Action changed, CancellationToken cancellationToken)
    {
        var seen = node.Feed.Last;
        while (!node.Feed.IsOver)
        {
            await node.Feed.WaitAsync(seen, cancellationToken);
            seen = node.Feed.Last;
            changed();
            await Task.Delay(Pause, streams.Clock, cancellationToken);
        }
    }

    private async Task LogInAsync(HttpContext context)
    {
        if (await OpenFormAsync(context, "login") is { } served)
            await logins.LogInAsync(context, served.Host, Links, r => RequestOf(context, r));
    }

    private async Task LogOutAsync(HttpContext context)
    {
        if (await OpenFormAsync(context, "logout") is { } served)
            await logins.LogOutAsync(context, served.Host, Links);
    }

    private async Task<ServedMessages?> OpenFormAsync(HttpContext context, string? below = null)
    {
        if (web.Messages() is not null
            && (!context.Request.HasFormContentType || !PageLogins.IsSameOrigin(context.Request)))
        {
            await RefuseHostAsync(context);
            return null;
        }

        return await OpenAsync(context, below);
    }

    private async Task<ServedMessages?> OpenAsync(HttpContext context, string? below)
    {
        if (web.Messages() is not { } served)
        {
            await repositories.ServeBelowAsync(context, "notify", below);
            return null;
        }

        if (!HostCheck.IsRebound(context, settings().Hosts)) return served;

        await RefuseHostAsync(context);
        return null;
    }

    private PageRequest RequestOf(HttpContext context, Repository repository)
    {
        var request = context.Request;
        return new PageRequest(
            new PageQuery(request.RouteValues["thread"] as string ?? "", request.Query),
            logins.VisitorOf(context, repository) with { SeesNode = NodePage.MaySee(context, settings()) },
            Links, "Messages", $"{request.Scheme}://{request.Host.Value}{Links.Base}");
    }

    // The text of a message, whose letters a form may write as nine characters each.
    private sealed class FormLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 512 * 1024;
    }
}
