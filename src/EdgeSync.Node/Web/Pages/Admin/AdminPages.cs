using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using static EdgeSync.Node.Web.Pages.PageSender;

namespace EdgeSync.Node.Web.Pages.Admin;

/// <summary>
/// Users and settings of a repository, for those who may change them: <c>a</c> for users, <c>s</c> for settings, after
/// a login. Each form carries the token of the session.
/// <code>
/// GET  /setup_ulist              GET, POST /setup_uedit?id=UID      GET, POST /setup_settings
/// </code>
/// </summary>
/// <param name="accessChanged">Called once users have changed: connections of theirs are checked again.</param>
internal sealed class AdminPages(RepositoryPages pages, Func<CancellationToken, Task> accessChanged)
{
    public void Map(IEndpointRouteBuilder app)
    {
        pages.Add(app, "/setup_ulist", 'a', (r, q) => Login(q) ?? Show(q, UsersView.Of(r, q.Visitor)));
        pages.Add(
            app, "/setup_uedit", 'a',
            (r, q) => Login(q) ?? Show(q, UserView.Of(r, q.Visitor, IdOf(q), asksToDelete: false)));
        pages.Add(app, "/setup_settings", 's', (r, q) => Login(q) ?? Show(q, SettingsView.Of(r, q.Visitor)));
        pages.AddForm(app, "/setup_uedit", 'a', Edit, accessChanged);
        pages.AddForm(app, "/setup_settings", 's', Set, _ => Task.CompletedTask);
    }

    // The rights of the user nobody, given by mistake, must not open a page that changes rights.
    private static PageAnswer? Login(PageRequest request) =>
        request.Visitor.Login is null ? RepositoryPages.NotAllowed(request) : null;

    private static PageAnswer Edit(Repository repository, PageRequest request, IFormCollection form)
    {
        var (edit, id) = (new UserEdit(repository, request.Visitor.Login!), IdOf(request));
        if (form.ContainsKey("delete") && id != 0)
        {
            if (!form.ContainsKey("verifydelete"))
                return Show(request, UserView.Of(repository, request.Visitor, id, asksToDelete: true));

            edit.Remove(LoginOf(repository, id));
            return To(request.Links.Users);
        }

        var letters = string.Concat(form["cap"].SelectMany(c => c ?? "").Distinct());
        var info = form["info"].ToString();
        var password = form["pw"].ToString() is { Length: > 0 } given ? given : null;
        if (id != 0)
        {
            var login = LoginOf(repository, id);
            // What the form does not offer stays.
            var kept = repository.Users.Get(login).Capabilities.Where(c => !edit.MayGive(c));
            var renamed = form["login"].ToString() is { Length: > 0 } wanted && wanted != login ? wanted : null;
            var random = edit.Change(
                login, renamed, string.Concat(kept.Concat(letters).Distinct()), info, password);
            if (random is null) return To(request.Links.Users);

            return ShowPassword(repository, request, random, renamed!, "was renamed");
        }

        var added = form["login"].ToString();
        var made = edit.Add(added, letters, info, password);
        return password is null ? ShowPassword(repository, request, made, added, "was added") : To(request.Links.Users);
    }

    // Once, to the person who has made the change.
    private static PageAnswer ShowPassword(
        Repository repository, PageRequest request, string password, string login, string change) =>
        Show(
            request, UsersView.Of(repository, request.Visitor) with
            {
                Password = password,
                PasswordOf = login,
                PasswordReason = change,
            }) with
        { IsSecret = true };

    private static PageAnswer Set(Repository repository, PageRequest request, IFormCollection form)
    {
        var (name, value) = (form["name"].ToString(), form["value"].ToString().ReplaceLineEndings("\n").Trim());
        SettingsView.Set(repository, request.Visitor.Login!, name, value);
        return To($"{request.Links.Settings}#{name}");
    }

    private static PageAnswer To(string address) =>
        new(StatusCodes.Status303SeeOther, Html, []) { Location = address };

    private static string LoginOf(Repository repository, long id) =>
        repository.Users.List().FirstOrDefault(u => u.UserId == id)?.Login
        ?? throw new EdgeSyncException(ErrorKind.NotFound, $"no user has the number {id}");

    private static long IdOf(PageRequest request) => request.Query["id"] is not { } text ? 0
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id
        : throw new EdgeSyncException(ErrorKind.Usage, "id is the number of a user");
}
