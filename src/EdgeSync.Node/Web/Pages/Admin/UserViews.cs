using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Node.Web.Pages.Admin;

/// <summary>A user in the list.</summary>
/// <param name="Changed">RFC 3339; null: never.</param>
internal sealed record UserRow(
    long Id, string Login, string Capabilities, string Info, bool HasPassword, string? Changed, string? ExpiresAt,
    bool MayEdit);

/// <summary>The users of a repository, the sets of rights first.</summary>
internal sealed record UsersView(IReadOnlyList<UserRow> Users) : IPageModel
{
    // The year 9999: the table may come from another repository.
    private const long TimeMax = 253_402_300_800;

    [JsonIgnore]
    public string Title => "Users";

    /// <summary>A user was added or renamed with this random password, which is shown this once.</summary>
    public string? Password { get; init; }

    /// <summary>Whose password that is.</summary>
    public string? PasswordOf { get; init; }

    /// <summary>What was done to that user.</summary>
    [JsonIgnore]
    public string? PasswordReason { get; init; }

    [JsonIgnore]
    public bool SeesSettings { get; init; }

    public static UsersView Of(Repository repository, PageVisitor visitor)
    {
        var edit = new UserEdit(repository, visitor.Login!);
        return new UsersView(
            [
                .. repository.Users.List().OrderByDescending(u => UserStore.IsReserved(u.Login))
                    .ThenBy(u => u.Login, StringComparer.OrdinalIgnoreCase).Select(u => RowOf(u, edit)),
            ])
        {
            SeesSettings = visitor.May('s'),
        };
    }

    public static UserRow RowOf(User user, UserEdit edit) => new(
        user.UserId, user.Login, user.Capabilities, user.Info, user.HasPassword,
        user.MtimeSeconds is > 0 and < TimeMax and var seconds ? Instant.FromUnixSeconds(seconds).ToString() : null,
        user.ExpiresAt?.ToString(), edit.May(user));

    public void Write(HtmlPage html, PageLinks links)
    {
        if (Password is not null)
        {
            html.Add($"<p class=\"problem\" role=\"alert\">{PasswordOf} {PasswordReason}. ");
            html.Add($"Its password, shown this once: ");
            html.Add($"<code>{Password}</code></p>\n");
        }

        html.Add($"<p><a href=\"{links.User(0)}\">Add a user</a>");
        if (SeesSettings) html.Add($" <a href=\"{links.Settings}\">Settings</a>");
        html.Add($"</p>\n<div class=\"scroll\"><table>\n<tr>");
        foreach (var column in (string[])["Login", "Capabilities", "Information", "Changed"])
            html.Add($"<th scope=\"col\">{column}</th>");
        html.Add($"</tr>\n");
        foreach (var user in Users)
        {
            html.Add($"<tr><td><a href=\"{links.User(user.Id)}\">{user.Login}</a></td>");
            html.Add($"<td><code>{user.Capabilities}</code></td><td>{user.Info}");
            if (user.ExpiresAt is { } end) html.Add($" <span class=\"tag\">until {DisplayText.Minute(end)}</span>");
            if (!user.HasPassword && !UserStore.IsReserved(user.Login))
                html.Add($" <span class=\"faint\">no password</span>");
            html.Add($"</td><td class=\"faint\">{(user.Changed is { } at ? DisplayText.Minute(at) : "")}</td></tr>\n");
        }

        html.Add($"</table></div>\n");
    }
}

/// <summary>A user to be changed, or a new one.</summary>
/// <param name="User">Null: a new one.</param>
/// <param name="Artifacts">What the user has written; it stays when the user is deleted.</param>
/// <param name="AsksToDelete">The form comes again, to be confirmed.</param>
internal sealed record UserView(UserRow? User, long Artifacts, bool AsksToDelete) : IPageModel
{
    [JsonIgnore]
    public string Title => User is null ? "New user" : User.Login;

    [JsonIgnore]
    public string Csrf { get; init; } = "";

    /// <summary>Letters that the visitor may give.</summary>
    [JsonIgnore]
    public IReadOnlyList<CapabilityName> Offered { get; init; } = [];

    /// <param name="userId">0: a new one.</param>
    /// <exception cref="EdgeSyncException">There is no such user.</exception>
    public static UserView Of(Repository repository, PageVisitor visitor, long userId, bool asksToDelete)
    {
        var edit = new UserEdit(repository, visitor.Login!);
        var user = userId == 0 ? null : repository.Users.List().FirstOrDefault(u => u.UserId == userId)
            ?? throw new EdgeSyncException(ErrorKind.NotFound, $"no user has the number {userId}");
        long artifacts = 0;
        if (user is not null)
        {
            using var select = repository.Database.Prepare("SELECT count(*) FROM event WHERE user=?1");
            if (select.BindText(1, user.Login).Step()) artifacts = select.Int64(0);
        }

        return new UserView(user is null ? null : UsersView.RowOf(user, edit), artifacts, asksToDelete)
        {
            Csrf = visitor.Csrf,
            Offered = [.. CapabilityNames.All.Where(c => edit.MayGive(c.Letter))],
        };
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        if (User is { MayEdit: false })
        {
            html.Add($"<p>Capabilities <code>{User.Capabilities}</code></p>\n");
            html.Add($"<p class=\"faint\">This user may do everything; only such a user changes it.</p>\n");
            return;
        }

        var isReserved = User is not null && UserStore.IsReserved(User.Login);
        html.Add(
            $"""
            <form class="user" method="post" action="{links.User(User?.Id ?? 0)}">
            <input type="hidden" name="{PageLogins.CsrfField}" value="{Csrf}">

            """);
        if (!isReserved)
        {
            html.Add($"<label>Login <input name=\"login\" required maxlength=\"100\" value=\"{User?.Login}\"");
            html.Add($" autocomplete=\"off\"></label>\n");
            html.Add($"<label>Information <input name=\"info\" maxlength=\"1000\" value=\"{User?.Info}\"></label>\n");
            var label = User is null
                ? "Password (empty: a random one)"
                : "New password (empty: unchanged, or a random one with a new login)";
            html.Add($"<label>{label} ");
            html.Add($"<input name=\"pw\" type=\"password\" autocomplete=\"new-password\"></label>\n");
        }

        html.Add($"<fieldset><legend>Capabilities</legend>\n");
        foreach (var (letter, name) in Offered)
        {
            html.Add($"<label class=\"check\"><input type=\"checkbox\" name=\"cap\" value=\"{letter.ToString()}\"");
            if (User?.Capabilities.Contains(letter, StringComparison.Ordinal) == true) html.Add($" checked");
            html.Add($"> <code>{letter.ToString()}</code> {name}</label>\n");
        }

        html.Add($"</fieldset>\n<div><button name=\"apply\" value=\"1\">Save</button></div>\n</form>\n");
        if (User is not null && !isReserved) AddDeletion(html, links, User);
    }

    private void AddDeletion(HtmlPage html, PageLinks links, UserRow user)
    {
        html.Add(
            $"""
            <form class="user" method="post" action="{links.User(user.Id)}">
            <input type="hidden" name="{PageLogins.CsrfField}" value="{Csrf}">

            """);
        if (AsksToDelete)
        {
            html.Add($"<p class=\"problem\" role=\"alert\">{user.Login} has written {Artifacts} artifacts; ");
            html.Add($"they stay.</p>\n<label class=\"check\">");
            html.Add($"<input type=\"checkbox\" name=\"verifydelete\" value=\"1\" required> ");
            html.Add($"Delete {user.Login} for good</label>\n");
        }

        html.Add($"<div><button name=\"delete\" value=\"1\">Delete {user.Login}</button></div>\n</form>\n");
    }
}

/// <summary>A right of Fossil.</summary>
internal sealed record CapabilityName(char Letter, string Name);

/// <summary>Stock's names of the capability letters.</summary>
// Spec: setup_uedit in setupuser.c.
internal static class CapabilityNames
{
    public static IReadOnlyList<CapabilityName> All { get; } =
    [
        new('s', "Setup: everything"), new('a', "Admin"), new('u', "Rights of reader"), new('v', "Rights of developer"),
        new('e', "View addresses"), new('p', "Change own password"), new('i', "Check in"), new('o', "Check out"),
        new('h', "Hyperlinks"), new('b', "Attachments"), new('g', "Clone"), new('j', "Read wiki"), new('f', "New wiki"),
        new('m', "Append to wiki"), new('k', "Write wiki"), new('l', "Moderate wiki"), new('r', "Read tickets"),
        new('n', "New tickets"), new('c', "Append to tickets"), new('w', "Write tickets"), new('q', "Moderate tickets"),
        new('t', "Ticket reports"), new('x', "Private branches"), new('y', "Write unversioned files"),
        new('z', "Download archives"),
        new('2', "Read forum"), new('3', "Write forum"), new('4', "Write forum, trusted"), new('5', "Moderate forum"),
        new('6', "Supervise forum"), new('7', "Email alerts"), new('A', "Send announcements"),
        new('C', "Chat"), new('D', "Debug"),
    ];
}
