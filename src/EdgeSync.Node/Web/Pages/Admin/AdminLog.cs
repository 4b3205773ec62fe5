using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages.Admin;

/// <summary>Stock's log of changes by administrators, where the setting <c>admin-log</c> asks for it.</summary>
// Spec: admin_log in report.c and setup.c.
internal static class AdminLog
{
    private const int TextCharsMax = 500;

    /// <param name="page">The address of the page.</param>
    public static void Add(Repository repository, string page, string login, string what)
    {
        if (!repository.Settings.Boolean("admin-log")) return;

        var database = repository.Database;
        database.Execute(
            """
            CREATE TABLE IF NOT EXISTS admin_log(id INTEGER PRIMARY KEY, time INTEGER, page TEXT, who TEXT, what TEXT)
            """);
        using var insert = database.Prepare("INSERT INTO admin_log(time,page,who,what) VALUES(?1,?2,?3,?4)");
        insert.Bind(1, repository.Now.UnixSeconds).BindText(2, page).BindText(3, login)
            .BindText(4, what.Length <= TextCharsMax ? what : what[..TextCharsMax]).Run();
    }
}
