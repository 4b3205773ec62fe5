using System.Globalization;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>
/// What travels beside artifacts: unversioned files, settings, users, private branches, shunned names.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class SideChannelTests(GeneratedHistory history)
{
    private const string Files = "SELECT name, hash, sz FROM unversioned ORDER BY name";

    [Test]
    public void Unversioned_files_travel_both_ways_when_stock_serves() =>
        Unversioned((bench, path) => bench.Stock.Serve(path), SyncOurs);

    [Test]
    public void Unversioned_files_travel_both_ways_when_we_serve() =>
        Unversioned((bench, path) => bench.Ours.Serve(path), SyncStock);

    /// <summary>Ours writes, stock reads, and the other way round, in one and the same file.</summary>
    [Test]
    public void Unversioned_files_are_stored_alike()
    {
        using var bench = new Workbench("uv");
        var repository = bench.NewRepository("r.fossil");
        var text = bench.Folder.Write("in.txt", string.Concat(Enumerable.Repeat("compressible line\n", 500)));
        var noise = bench.Folder.Write("in.bin", new EdgeSync.Primitives.Prng(3).NextBytes(5000));
        bench.Stock.Run("uv", "add", text, "--as", "stock.txt", "-R", repository);
        bench.Ours.Run("repo", "uv", "put", "ours.txt", text, "-R", repository);
        bench.Ours.Run("repo", "uv", "put", "dir/ours.bin", noise, "-R", repository);

        var stockReads = bench.Stock.Run("uv", "cat", "ours.txt", "-R", repository).OutputBytes;
        var stockReadsNoise = bench.Stock.Run("uv", "cat", "dir/ours.bin", "-R", repository).OutputBytes;
        var weRead = bench.Ours.Run("repo", "uv", "get", "stock.txt", "-R", repository).OutputBytes;

        Assert.Equal(File.ReadAllBytes(text), stockReads);
        Assert.Equal(File.ReadAllBytes(noise), stockReadsNoise);
        Assert.Equal(File.ReadAllBytes(text), weRead);
        using var file = new SqliteFile(repository);
        Assert.Equal(
            file.Scalar("SELECT encoding FROM unversioned WHERE name='stock.txt'"),
            file.Scalar("SELECT encoding FROM unversioned WHERE name='ours.txt'"));
        Assert.Equal(
            file.Scalar("SELECT hash FROM unversioned WHERE name='stock.txt'"),
            file.Scalar("SELECT hash FROM unversioned WHERE name='ours.txt'"));
        Assert.Equal(0L, file.Scalar("SELECT encoding FROM unversioned WHERE name='dir/ours.bin'"));
    }

    /// <summary>The peer and its password are kept where the other program finds them.</summary>
    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_password_that_one_program_saved_is_used_by_the_other(bool stockClones)
    {
        using var bench = new Workbench("password");
        var origin = bench.NewRepository("origin.fossil");
        bench.Stock.Run("user", "capabilities", "nobody", "", "-R", origin);
        bench.Stock.Run("user", "capabilities", "anonymous", "", "-R", origin);
        using var server = bench.Ours.Serve(origin);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        if (stockClones)
        {
            bench.Stock.Run("clone", url, bench["mine.fossil"], "--save-http-password");
        }
        else
        {
            bench.Ours.Run("repo", "clone", url, bench["mine.fossil"]);
        }

        var checkout = bench.Open(bench["mine.fossil"], "work");
        checkout.Write("a.txt", "from here\n").Run("add", "a.txt");
        checkout.Commit("from here");

        var text = stockClones
            ? bench.Ours.Run("repo", "push", "-R", bench["mine.fossil"]).Text
            : bench.Stock.Run("push", "-R", bench["mine.fossil"]).Text;

        RepositoryComparer.MustHoldSameArtifactsButClusters(bench["mine.fossil"], origin);
        Assert.DoesNotContain("login failed", text, StringComparison.Ordinal);
    }

    [Test]
    public void Settings_and_users_are_pulled_by_stock_from_us()
    {
        using var bench = new Workbench("config");
        var here = bench.NewRepository("here.fossil");
        bench.Stock.Run("user", "new", "alice", "Alice", "pw-of-alice", "-R", here);
        bench.Stock.Run("user", "capabilities", "alice", "ei", "-R", here);
        using (var file = new SqliteFile(here, writable: true))
        {
            file.Execute(
                "REPLACE INTO config(name,value,mtime) "
                    + "VALUES('project-name','Harbor',1700000000),('css','body{}',1700000000);" +
                "REPLACE INTO reportfmt(rn,owner,title,mtime,cols,sqlcode) "
                    + "VALUES(2,'alice','Mine',1700000000,'c','SELECT 1')");
        }

        using var server = bench.Ours.Serve(here);
        bench.Stock.Run(
            "clone", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), bench["there.fossil"]);
        bench.Stock.Run(
            "config", "pull", "all", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R",
            bench["there.fossil"]);

        using var there = new SqliteFile(bench["there.fossil"]);
        Assert.Equal("Harbor", there.Scalar("SELECT value FROM config WHERE name='project-name'"));
        Assert.Equal("body{}", there.Scalar("SELECT value FROM config WHERE name='css'"));
        Assert.Equal("SELECT 1", there.Scalar("SELECT sqlcode FROM reportfmt WHERE title='Mine'"));
        Assert.Equal("ei", there.Scalar("SELECT cap FROM user WHERE login='alice'"));
    }

    [Test]
    public void Settings_are_pushed_by_stock_to_us_by_administrators_only()
    {
        using var bench = new Workbench("config");
        var here = bench.NewRepository("here.fossil");
        bench.Stock.Run("user", "new", "bob", "Bob", "pw-of-bob", "-R", here);
        bench.Stock.Run("user", "capabilities", "bob", "eio", "-R", here);
        using var server = bench.Ours.Serve(here);
        bench.Stock.Run(
            "clone", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), bench["there.fossil"]);
        using (var file = new SqliteFile(bench["there.fossil"], writable: true))
            file.Execute(
                "REPLACE INTO config(name,value,mtime) VALUES('project-name','From there',strftime('%s','now')+10)");

        bench.Stock.Try("config", "push", "project", server.UrlFor("bob", "pw-of-bob"), "-R", bench["there.fossil"]);
        Assert.NotEqual("From there", Setting(here, "project-name"));

        bench.Stock.Run(
            "config", "push", "project", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R",
            bench["there.fossil"]);
        Assert.Equal("From there", Setting(here, "project-name"));
    }

    /// <summary>
    /// Another ticket table, pushed by an administrator, is made at once from the artifacts, as stock's server does
    /// (R10).
    /// </summary>
    [Test]
    public void Ticket_tables_pushed_by_stock_are_made_anew()
    {
        using var bench = new Workbench("tickets");
        var ours = history.CopyOf("kinds", bench.Folder, "ours.fossil");
        var stock = history.CopyOf("kinds", bench.Folder, "stock.fossil");
        bench.Stock.Run("clone", stock, bench["there.fossil"]);
        using (var file = new SqliteFile(bench["there.fossil"], writable: true))
            file.Execute($"REPLACE INTO config(name,value,mtime) "
                + $"VALUES('ticket-table','{OtherTickets}',strftime('%s','now')+10)");

        using (var server = bench.Ours.Serve(ours))
            Push(server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password));
        using (var server = bench.Stock.Serve(stock))
            Push(server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password));

        foreach (
            var sql in new[] { "SELECT name, type FROM pragma_table_info('ticket')", "SELECT name FROM sqlite_schema "
                + "WHERE tbl_name GLOB 'ticket*' ORDER BY 1", TicketRows, TicketEvents })
            Assert.Equal(Rows(stock, sql), Rows(ours, sql));
        Assert.NotEmpty(Rows(ours, TicketRows));
        bench.Ours.MustBeIntact(ours);

        void Push(string url) => bench.Stock.Run("config", "push", "all", url, "-R", bench["there.fossil"]);
    }

    /// <summary>A script that makes no tables would stop every rebuild.</summary>
    [Test]
    public void A_ticket_table_with_invalid_SQL_is_rejected()
    {
        using var bench = new Workbench("tickets");
        var here = bench.NewRepository("here.fossil");
        using (var server = bench.Ours.Serve(here))
        {
            foreach (var script in new[] { "CREATE TABLE ticket(a); DELETE FROM blob", "no sql at all" })
            {
                var row = $"2000000000 'ticket-table' value '{script}'";
                var body = XferMessage.Pragma().Card($"config /config {row.Length}").Card(row)
                    .BytesAs(GeneratedHistory.Login, GeneratedHistory.Password, Setting(here, "project-code")!);
                Assert.Equal(200, RawHttp.PostPlain(server.Port, body).Status);
            }
        }

        Assert.Null(Setting(here, "ticket-table"));
        bench.Ours.Run("repo", "rebuild", "-R", here);
    }

    private const string OtherTickets =
        "CREATE TABLE ticket(tkt_id INTEGER PRIMARY KEY, tkt_uuid TEXT UNIQUE, tkt_mtime DATE, tkt_ctime DATE, title "
            + "TEXT, status TEXT, harbour TEXT);"
        + "CREATE TABLE ticketchng(tkt_id INTEGER REFERENCES ticket, tkt_rid INTEGER, tkt_mtime DATE, icomment TEXT); "
            + "CREATE INDEX ticketchng_x ON ticketchng(tkt_id);";

    private const string TicketRows =
        "SELECT tkt_uuid, round(tkt_mtime*86400000), round(tkt_ctime*86400000), title, status, harbour FROM ticket "
            + "ORDER BY tkt_uuid";

    private const string TicketEvents =
        "SELECT uuid, comment, brief FROM event JOIN blob ON rid=objid WHERE type='t' ORDER BY uuid";

    private static List<string> Rows(string repository, string sql)
    {
        using var file = new SqliteFile(repository);
        return [.. file.Query(sql).Select(row => string.Join(" | ", row))];
    }

    /// <summary>A clone by a user takes that user along; nobody's clone takes no passwords.</summary>
    [Test]
    public void Passwords_are_not_sent_to_user_nobody()
    {
        using var bench = new Workbench("config");
        var here = bench.NewRepository("here.fossil");
        using var server = bench.Ours.Serve(here);

        bench.Stock.Run("clone", server.Url, bench["there.fossil"]);
        var reply = RawHttp.PostPlain(
            server.Port,
            XferMessage.Pragma().Card("reqconfig /user").Card("reqconfig /all").Card(
                "reqconfig /config/last-sync-pw").Bytes());

        using var file = new SqliteFile(here);
        var hash = (string)file.Scalar($"SELECT pw FROM user WHERE login='{GeneratedHistory.Login}'")!;
        Assert.DoesNotContain(hash, reply.Cards, StringComparison.Ordinal);
        Assert.DoesNotContain("server-code", reply.Cards, StringComparison.Ordinal);
        using var there = new SqliteFile(bench["there.fossil"]);
        Assert.Equal(0, there.Count($"SELECT count(*) FROM user WHERE pw='{hash}'"));
    }

    [Test]
    public void Private_branches_stay_until_published()
    {
        using var bench = new Workbench("private");
        var here = bench.NewRepository("here.fossil");
        var checkout = bench.Open(here, "work").Write("a.txt", "public\n").Commit("public");
        checkout.Write("a.txt", "public\nsecret\n").Commit("secret", "--private");

        using var server = bench.Ours.Serve(here);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        bench.Stock.Run("clone", url, bench["public.fossil"]);
        Assert.Equal(2, Count(bench["public.fossil"], "SELECT count(*) FROM event WHERE type='ci'"));

        checkout.Run("publish", "private", "--only");
        bench.Stock.Run("pull", url, "-R", bench["public.fossil"]);
        Assert.Equal(3, Count(bench["public.fossil"], "SELECT count(*) FROM event WHERE type='ci'"));
        RepositoryComparer.MustHoldSameArtifacts(here, bench["public.fossil"]);
    }

    [Test]
    public void Private_check_ins_need_capability_x()
    {
        using var bench = new Workbench("private");
        var here = bench.NewRepository("here.fossil");
        bench.Stock.Run("user", "new", "bob", "Bob", "pw-of-bob", "-R", here);
        bench.Stock.Run("user", "capabilities", "bob", "gio", "-R", here);
        File.Copy(here, bench["there.fossil"]);
        bench.Open(bench["there.fossil"], "work").Write("a.txt", "public\n").Commit("public").Write("a.txt", "secret\n")
            .Commit("secret", "--private");

        using (var server = bench.Ours.Serve(here))
        {
            bench.Stock.Run(
                "push", "--private", "--once", server.UrlFor("bob", "pw-of-bob"), "-R", bench["there.fossil"]);
            Assert.Equal(0, Count(here, "SELECT count(*) FROM private JOIN blob USING(rid) WHERE size>=0"));

            bench.Stock.Run(
                "push", "--private", "--once", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R",
                bench["there.fossil"]);
        }

        Assert.Equal(
            Count(bench["there.fossil"], "SELECT count(*) FROM private"),
            Count(here, "SELECT count(*) FROM private JOIN blob USING(rid) WHERE size>=0"));
        bench.MustBeSound(here);
    }

    /// <summary>A shunned artifact does not come back by a push, and is never sent.</summary>
    [Test]
    public void Shunned_artifacts_do_not_come_back()
    {
        using var bench = new Workbench("shun");
        var here = bench.NewRepository("here.fossil");
        bench.Open(here, "work").Write("bad.txt", "to be shunned\n").Commit("bad file");
        File.Copy(here, bench["there.fossil"]);
        var bad = XferMessage.HashOf("to be shunned\n"u8);
        using (var file = new SqliteFile(here, writable: true))
            file.Execute($"INSERT INTO shun(uuid,mtime,scom) VALUES('{bad}',1,'bad')");
        bench.Stock.Run("rebuild", here);
        Assert.Equal(0, Count(here, $"SELECT count(*) FROM blob WHERE uuid='{bad}' AND size>=0"));

        using (var server = bench.Ours.Serve(here))
        {
            var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
            bench.Stock.Run("push", "--once", url, "-R", bench["there.fossil"]);
            bench.Stock.Run("sync", "--once", "--verily", url, "-R", bench["there.fossil"]);
            bench.Stock.Run("clone", url, bench["clone.fossil"]);
        }

        Assert.Equal(0, Count(here, $"SELECT count(*) FROM blob WHERE uuid='{bad}' AND size>=0"));
        Assert.Equal(0, Count(bench["clone.fossil"], $"SELECT count(*) FROM blob WHERE uuid='{bad}' AND size>=0"));
        bench.Stock.MustBeIntact(here);
    }

    private static void Unversioned(Func<Workbench, string, IServer> serve, Action<Workbench, string, string> sync)
    {
        using var bench = new Workbench("uv");
        var here = bench.NewRepository("here.fossil");
        File.Copy(here, bench["there.fossil"]);
        Add(bench, here, "from-here.txt", "here", 0);
        Add(bench, bench["there.fossil"], "from-there.txt", "there", 0);
        Add(bench, here, "both.txt", "older", 0);
        Add(bench, bench["there.fossil"], "both.txt", "newer", 60);
        Add(bench, here, "big.bin", new string('x', 3_000_000), 0);

        using var server = serve(bench, here);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        sync(bench, url, bench["there.fossil"]);
        AssertSameFiles(here, bench["there.fossil"], 4);
        Assert.Equal("newer", bench.Stock.Run("uv", "cat", "both.txt", "-R", here).Output);

        bench.Stock.Run("uv", "rm", "from-here.txt", "-R", bench["there.fossil"]);
        Shift(bench["there.fossil"], "from-here.txt", 60);
        sync(bench, url, bench["there.fossil"]);

        Assert.Equal(1, Count(here, "SELECT count(*) FROM unversioned WHERE name='from-here.txt' AND hash IS NULL"));
        AssertSameFiles(here, bench["there.fossil"], 3);
    }

    private static void SyncStock(Workbench bench, string url, string repository) =>
        bench.Stock.Run("uv", "sync", url, "-R", repository);

    private static void SyncOurs(Workbench bench, string url, string repository) =>
        bench.Ours.Run("repo", "sync", "--uv", url, "-R", repository);

    private static void Add(Workbench bench, string repository, string name, string content, int secondsLater)
    {
        var source = bench.Folder.Write($"uv-{Guid.NewGuid():N}", content);
        bench.Stock.Run("uv", "add", source, "--as", name, "-R", repository);
        Shift(repository, name, secondsLater - 3600);
    }

    private static void Shift(string repository, string name, int seconds)
    {
        using var file = new SqliteFile(repository, writable: true);
        file.Execute(
            string.Create(
                CultureInfo.InvariantCulture,
                $"UPDATE unversioned SET mtime=mtime+({seconds}) WHERE name='{name}'; DELETE FROM config WHERE "
                    + $"name='uv-hash'"));
    }

    private static void AssertSameFiles(string first, string second, int count)
    {
        using var firstFile = new SqliteFile(first);
        using var secondFile = new SqliteFile(second);
        static string Row(object?[] row) => string.Join(" | ", row);
        var rows = firstFile.Query(Files).Where(row => row[1] is not null).Select(Row).ToList();
        Assert.Equal(count, rows.Count);
        Assert.Equal(rows, secondFile.Query(Files).Where(row => row[1] is not null).Select(Row));
    }

    private static string? Setting(string repository, string name)
    {
        using var file = new SqliteFile(repository);
        return file.Scalar($"SELECT value FROM config WHERE name='{name}'") as string;
    }

    private static long Count(string repository, string sql)
    {
        using var file = new SqliteFile(repository);
        return file.Count(sql);
    }
}
