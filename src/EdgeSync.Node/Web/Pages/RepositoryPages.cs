using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Web.Live;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Archives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Names;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using static EdgeSync.Node.Web.Pages.PageSender;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// The pages of repositories, at the addresses that Fossil has for them; a node with several repositories has each
/// below its name, too. With <c>?format=json</c> a page is its data.
/// <code>
/// /timeline ?r=BRANCH &amp;c=CURSOR &amp;n=COUNT       /info/NAME ?diff=  a check-in with its changes, or any artifact
/// /dir ?ci= &amp;name=      a folder                  /file ?ci= &amp;name=   a file       /raw/HASH  its content
/// /finfo ?name=        versions of a file        /annotate ?checkin= &amp;filename=
/// /brlist  /taglist    names                     /zip/NAME.zip  /tarball/NAME.tar.gz
/// /wiki ?name= &amp;id=     a page, or the list       /wcontent  /whistory ?name=
/// /technote/ID  /event/ID                        /ticket  /tktview/ID  /reportlist  /rptview ?rn=
/// /forum  /forumpost/HASH                        /search ?s=         /uvlist  /uv/NAME
/// /login  /logout      by Fossil's users         /live   server-sent events: something has changed
/// </code>
/// What a visitor may see is decided by capabilities, as in Fossil: <c>o</c> for all that comes from check-ins,
/// <c>j</c> for wiki and technotes, <c>r</c> for tickets, <c>2</c> for the forum, <c>z</c> for archives, <c>x</c> for
/// what is private. A page is HTML that works without a script.
/// </summary>
internal sealed class RepositoryPages(
    NodeWeb web, Func<HttpSection> settings, PageLogins logins, LiveStreams streams)
{
    private const long ArchiveBytesMax = 256 << 20;

    // About two seconds of SQLite.
    private const long StepsMax = 100_000_000;

    private readonly RepositoryChanges _changes = new(streams.Clock);
    private readonly PageCache _cache = new();

    /// <summary>A page of a repository, made on a reader's thread.</summary>
    internal delegate PageAnswer Page(Repository repository, PageRequest request);

    /// <summary>Does what a form says, on the thread that writes.</summary>
    internal delegate PageAnswer Form(Repository repository, PageRequest request, IFormCollection form);

    /// <summary>Who opens <c>/ui?key=…</c> with it is logged in as the owner; null: nobody is.</summary>
    public string? OwnerKey { get; init; }

    public void Map(IEndpointRouteBuilder app)
    {
        PageAssets.Map(app);
        if (OwnerKey is not null) app.MapGet("/ui", (RequestDelegate)EnterAsync);
        Add(app, "/timeline", 'o', (r, q) => Show(q, TimelineView.Of(r, q.Query, q.Visitor)));
        Add(app, "/info/{name}", 'o', Info);
        Add(app, "/dir", 'o', (r, q) => Show(q, FilesView.Of(r, q.Query, q.Visitor)));
        Add(app, "/file/{**name}", 'o', (r, q) => Show(q, FileView.Of(r, q.Query, q.Visitor)));
        Add(app, "/finfo/{**name}", 'o', (r, q) => Show(q, HistoryView.Of(r, q.Query, q.Visitor)));
        Add(app, "/annotate", 'o', (r, q) => Show(q, AnnotateView.Of(r, q.Query, q.Visitor)));
        Add(app, "/raw/{name}", 'o', Raw);
        Add(app, "/brlist", 'o', (r, q) => Show(q, BranchesView.Of(r)));
        Add(app, "/taglist", 'o', (r, q) => Show(q, TagsView.Of(r, q.Visitor)));
        Add(app, "/zip/{name}", 'z', (r, q) => Archive(r, q, ".zip"));
        Add(app, "/tarball/{name}", 'z', (r, q) => Archive(r, q, ".tar.gz"));
        Add(app, "/wiki/{**name}", 'j', Wiki);
        Add(app, "/wcontent", 'j', (r, q) => Show(q, WikiListView.Of(r, q.Visitor)));
        Add(app, "/whistory/{**name}", 'j', (r, q) => Show(q, WikiHistoryView.Of(r, q.Query, q.Visitor)));
        Add(app, "/technote/{name?}", 'j', Technote);
        Add(app, "/event/{name?}", 'j', Technote);
        Add(app, "/ticket", 'r', (r, q) => Show(q, TicketsView.Of(r, q.Visitor)));
        Add(app, "/reportlist", 'r', (r, q) => Show(q, TicketsView.Of(r, q.Visitor)));
        Add(app, "/rptview/{name?}", 'r', (r, q) => Show(q, ReportView.Of(r, q.Query, q.Visitor)));
        Add(app, "/tktview/{name?}", 'r', (r, q) => Show(q, TicketView.Of(r, q.Query, q.Visitor, q.Links)));
        Add(app, "/forum", '2', (r, q) => Show(q, ForumView.Of(r, q.Visitor)));
        Add(app, "/forumpost/{name?}", '2', (r, q) => Show(q, ThreadView.Of(r, q.Query, q.Visitor, q.Links)));
        Add(app, "/forumthread/{name?}", '2', (r, q) => Show(q, ThreadView.Of(r, q.Query, q.Visitor, q.Links)));
        Add(app, "/search", null, Search);
        Add(app, "/uvlist", 'o', (r, q) => Show(q, UnversionedView.Of(r)));
        Add(app, "/uv/{**name}", 'o', (r, q) => UnversionedView.File(r, q.Query));
        Add(app, "/login", null, LogInForm);
        app.MapPost("/login", (RequestDelegate)LogInAsync);
        app.MapPost("/{repository}/login", (RequestDelegate)LogInAsync);
        app.MapPost("/logout", (RequestDelegate)LogOutAsync);
        app.MapPost("/{repository}/logout", (RequestDelegate)LogOutAsync);
        app.MapGet("/live", (RequestDelegate)LiveAsync);
        app.MapGet("/{repository}/live", (RequestDelegate)LiveAsync);
        app.MapMethods("/{repository}/", NodeEndpoints.Reading, (RequestDelegate)HomeAsync);
    }

    /// <summary>The first page: of the repository, or of the node with several.</summary>
    public Task HomeAsync(HttpContext context)
    {
        if (Find(context) is not null) return ServeAsync(context, null, Home);
        if (HostCheck.IsRebound(context, settings().Hosts)) return RefuseHostAsync(context);
        if (context.Request.RouteValues.ContainsKey("repository")) return MissingAsync(context);

        var view = new NodeView(
            [.. web.Repositories.OrderBy(r => r.Key, StringComparer.Ordinal)
                .Select(r => new ServedRepository(r.Key, r.Value.ProjectName))]);
        var nobody = new PageVisitor(null, default, "")
        {
            SeesNode = NodePage.MaySee(context, settings()),
            HasMessages = web.Messages() is not null,
        };
        return SendAsync(
            context,
            Show(new PageRequest(new PageQuery("", context.Request.Query), nobody, default, "edgesync", ""), view));
    }

    /// <summary>Pages of a repository whose name is an address of the node that is not in use.</summary>
    /// <param name="page">Empty, <c>login</c>, <c>logout</c> or <c>live</c>; null: no page.</param>
    public Task ServeBelowAsync(HttpContext context, string repository, string? page)
    {
        context.Request.RouteValues["repository"] = repository;
        return (page, HttpMethods.IsPost(context.Request.Method)) switch
        {
            ("", false) => HomeAsync(context),
            ("login", false) => ServeAsync(context, null, LogInForm),
            ("login", true) => LogInAsync(context),
            ("logout", true) => LogOutAsync(context),
            ("live", false) => LiveAsync(context),
            _ => MissingAsync(context),
        };
    }

    /// <summary>Adds a form at an address of each repository: after a login with the right, and with the token of its
    /// session, it is taken on the thread that writes.</summary>
    /// <param name="changed">Called after each form that was taken.</param>
    internal void AddForm(
        IEndpointRouteBuilder app, string path, char right, Form take, Func<CancellationToken, Task> changed)
    {
        async Task TakeAsync(HttpContext context)
        {
            if (HostCheck.IsRebound(context, settings().Hosts) || !PageLogins.IsSameOrigin(context.Request))
            {
                await RefuseHostAsync(context);
                return;
            }

            if (Find(context) is not { } found || !context.Request.HasFormContentType)
            {
                await MissingAsync(context);
                return;
            }

            var (host, links) = found;
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            var isTaken = false;
            var answer = await host.Writer.RunAsync(
                r => Answer(
                    r, RequestOf(context, host, links, r), null,
                    (repository, request) =>
                    {
                        if (request.Visitor.Refusal(request, right, form) is { } refusal) return refusal;

                        isTaken = true;
                        return take(repository, request, form);
                    }),
                context.RequestAborted);
            if (isTaken) await changed(context.RequestAborted);
            await SendAsync(context, answer);
        }

        app.MapPost(path, (RequestDelegate)TakeAsync).WithMetadata(new FormLimit());
        app.MapPost("/{repository}" + path, (RequestDelegate)TakeAsync).WithMetadata(new FormLimit());
    }

    /// <summary>Adds a page at an address of each repository.</summary>
    /// <param name="right">That the visitor must have; null: everybody may see it.</param>
    internal void Add(IEndpointRouteBuilder app, string path, char? right, Page page)
    {
        Task ServeThis(HttpContext context) => ServeAsync(context, right, page);
        app.MapMethods(path, NodeEndpoints.Reading, (RequestDelegate)ServeThis);
        app.MapMethods("/{repository}" + path, NodeEndpoints.Reading, (RequestDelegate)ServeThis);
    }

    private async Task ServeAsync(HttpContext context, char? right, Page page)
    {
        if (HostCheck.IsRebound(context, settings().Hosts))
        {
            await RefuseHostAsync(context);
            return;
        }

        if (Find(context) is not { } found)
        {
            await MissingAsync(context);
            return;
        }

        var (host, links) = found;
        var answer = await host.Readers.RunAsync(
            repository =>
            {
                var request = RequestOf(context, host, links, repository);
                return _cache.Of(
                    repository, KeyOf(context, request), () => Answer(repository, request, right, page));
            },
            context.RequestAborted);
        await SendAsync(context, answer);
    }

    // What has changed is not said: the page that asks for itself again shows what its visitor may see.
    private async Task LiveAsync(HttpContext context)
    {
        if (HostCheck.IsRebound(context, settings().Hosts))
        {
            await RefuseHostAsync(context);
            return;
        }

        if (Find(context) is not { } found
            || !await found.Host.Readers.RunAsync(
                r => RequestOf(context, found.Host, found.Links, r).Visitor.May('o'), context.RequestAborted))
        {
            await MissingAsync(context);
            return;
        }

        await streams.ServeAsync(context, _changes.Of(found.Host));
    }

    // A page of a login has the token of its session.
    private static string? KeyOf(HttpContext context, PageRequest request) => request.Visitor.Login is not null ? null
        : $"{context.Request.Path}{context.Request.QueryString}\n{request.CloneUrl}\n"
            + $"{request.Visitor.SeesNode}{request.Visitor.HasMessages}";

    private PageRequest RequestOf(HttpContext context, RepositoryHost host, PageLinks links, Repository repository)
    {
        var request = context.Request;
        return new PageRequest(
            new PageQuery(request.RouteValues["name"] as string ?? "", request.Query),
            logins.VisitorOf(context, repository) with
            {
                SeesNode = NodePage.MaySee(context, settings()),
                HasMessages = web.Messages() is not null,
            },
            links, host.ProjectName ?? host.Name,
            $"{request.Scheme}://{request.Host.Value}{links.Base}/");
    }

    /// <summary>A page, or why it is not shown. Called on a thread of the repository.</summary>
    /// <param name="right">That the visitor must have; null: everybody may see it.</param>
    internal static PageAnswer Answer(Repository repository, PageRequest request, char? right, Page page)
    {
        if (right is { } letter && !request.Visitor.May(letter)) return NotAllowed(request);

        using var steps = repository.Database.LimitSteps(StepsMax);
        try
        {
            return page(repository, request);
        }
        catch (EdgeSyncException) when (steps.IsOver)
        {
            return Show(
                request, new ProblemView("This page takes too much work.", "use the command line for it", []), 503);
        }
        catch (EdgeSyncException e)
        {
            var status = e.Kind switch
            {
                ErrorKind.NotFound => 404,
                ErrorKind.Ambiguous => 300,
                ErrorKind.Usage => 400,
                ErrorKind.Denied => 403,
                ErrorKind.Conflict => 409,
                ErrorKind.Unavailable => 503,
                _ => 500,
            };
            // Some messages name a path of this machine, which visitors must not see.
            var text = e.Message.Replace(repository.Path, request.Project, StringComparison.Ordinal);
            return Show(request, new ProblemView(text, null, e.Candidates), status);
        }
    }

    internal static PageAnswer NotAllowed(PageRequest request) => request.Visitor.Login is null && !request.IsJson
        ? new PageAnswer(302, Html, []) { Location = request.Links.Base + "/login" }
        : Show(
            request,
            new ProblemView("This page needs a right that you do not have.", "log in as a user who has it", []), 403);

    private static PageAnswer LogInForm(Repository repository, PageRequest request) =>
        Show(request, new LoginView(Failed: false));

    private static PageAnswer Home(Repository repository, PageRequest request) =>
        Show(request, HomeView.Of(repository, request.Project, request.CloneUrl, request.Visitor));

    private static PageAnswer Info(Repository repository, PageRequest request)
    {
        // A ticket has an id, which is the name of no artifact.
        var name = request.Query.Name;
        if (request.Visitor.May('r') && repository.Names.TryResolve(name, EventType.Any, out _) == NameFault.NotFound
            && repository.Database.HasTable("ticket") && new Tickets(repository).Find(name) is { } ticket)
            return new PageAnswer(302, Html, []) { Location = request.Links.Ticket(ticket) };

        var rid = request.Visitor.Artifact(repository, name);
        using var select = repository.Database.Prepare("SELECT type FROM event WHERE objid=?1");
        var type = select.Bind(1, rid).Step() ? select.Text(0) ?? "" : "";
        if (!request.Visitor.SeesType(type)) return NotAllowed(request);

        return type == "ci" ? Show(request, CheckinView.Of(repository, rid, request.Query, request.Visitor))
            : Show(request, FactsView.Of(repository, rid, type, request.Visitor));
    }

    private static PageAnswer Wiki(Repository repository, PageRequest request)
    {
        var query = request.Query;
        if (query["name"] is null && query.Name.Length == 0 && query["id"] is null)
            return Show(request, WikiListView.Of(repository, request.Visitor));

        return query["raw"] is null ? Show(request, WikiView.Of(repository, query, request.Visitor, request.Links))
            : WikiView.Source(repository, query, request.Visitor);
    }

    private static PageAnswer Technote(Repository repository, PageRequest request)
    {
        var query = request.Query;
        return query["name"] is null && query.Name.Length == 0
            ? Show(request, TechnotesView.Of(repository, request.Visitor))
            : Show(request, TechnoteView.Of(repository, query, request.Visitor, request.Links));
    }

    private static PageAnswer Search(Repository repository, PageRequest request)
    {
        var view = SearchView.Of(repository, request.Query, request.Visitor);
        return Show(request, view) with { ComesAgain = view.IsPart };
    }

    private static PageAnswer Raw(Repository repository, PageRequest request)
    {
        var rid = request.Visitor.Artifact(repository, request.Query.Name);
        if (repository.Content.SizeOf(rid) > ArchiveBytesMax)
            throw new EdgeSyncException(ErrorKind.Usage, "too large to send from here", "fossil cat");

        using var content = repository.Content.Get(rid);
        var picture = SafeTypes.Picture(request.Query["m"]);
        return new PageAnswer(200, picture ?? SafeTypes.Bytes, content.Span.ToArray())
        {
            FileName = picture is not null ? null
                : request.Query["at"] ?? request.Query["name"] ?? request.Query.Name,
            IsImmutable = repository.Content.NameOf(rid).ToString() == request.Query.Name,
        };
    }

    private static PageAnswer Archive(Repository repository, PageRequest request, string ending)
    {
        var name = request.Query.Name;
        if (name.EndsWith(ending, StringComparison.Ordinal)) name = name[..^ending.Length];
        var checkin = request.Visitor.Checkin(repository, request.Query["r"] ?? name);
        if (SizeOf(repository, checkin) > ArchiveBytesMax)
            throw new EdgeSyncException(ErrorKind.Usage, "too large to send from here", "clone the repository");

        var folder = CheckinArchive.DefaultFolder(repository, checkin);
        var archive = new CheckinArchive(repository, checkin, new ArchiveOptions { Folder = folder });
        using var target = new MemoryStream();
        if (ending == ".zip")
        {
            using var writer = new ZipArchiveFile(target, archive.Time);
            archive.Write(writer);
        }
        else
        {
            using var gzip = new System.IO.Compression.GZipStream(
                target, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true);
            using var writer = new TarArchive(gzip, archive.Time.UnixSeconds);
            archive.Write(writer);
        }

        return new PageAnswer(200, SafeTypes.Bytes, target.ToArray()) { FileName = folder + ending };
    }

    private static long SizeOf(Repository repository, RecordId checkin)
    {
        long sum = 0;
        foreach (var file in CheckInTree.Load(repository, checkin).Files)
            if (repository.Content.TryFind(file.Id, out _, out var size)) sum += size;
        return sum;
    }

    private async Task LogInAsync(HttpContext context)
    {
        if (HostCheck.IsRebound(context, settings().Hosts) || !PageLogins.IsSameOrigin(context.Request))
        {
            await RefuseHostAsync(context);
            return;
        }

        if (Find(context) is not { } found || !context.Request.HasFormContentType)
        {
            await MissingAsync(context);
            return;
        }

        var (host, links) = found;
        await logins.LogInAsync(context, host, links, r => RequestOf(context, host, links, r));
    }

    private async Task EnterAsync(HttpContext context)
    {
        if (HostCheck.IsRebound(context, settings().Hosts)) await RefuseHostAsync(context);
        else if (Find(context) is not { } found) await MissingAsync(context);
        else await logins.EnterAsync(context, found.Host, found.Links, OwnerKey!);
    }

    private async Task LogOutAsync(HttpContext context)
    {
        if (Find(context) is not { } found || !context.Request.HasFormContentType
            || !PageLogins.IsSameOrigin(context.Request))
        {
            await MissingAsync(context);
            return;
        }

        await logins.LogOutAsync(context, found.Host, found.Links);
    }

    private (RepositoryHost Host, PageLinks Links)? Find(HttpContext context)
    {
        var repositories = web.Repositories;
        if (context.Request.RouteValues["repository"] is string name)
            return repositories.TryGetValue(name, out var host)
                ? (host, new PageLinks("/" + Uri.EscapeDataString(name))) : null;

        return repositories.Count == 1 ? (repositories.Values.First(), default(PageLinks) with { Base = "" }) : null;
    }

    // Of settings with their texts; the base limit is 4 KiB.
    private sealed class FormLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 128 * 1024;
    }
}
