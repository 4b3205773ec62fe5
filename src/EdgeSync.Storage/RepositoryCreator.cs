using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Users;

namespace EdgeSync.Storage;

/// <summary>Creates repositories, row for row as stock's <c>init</c> does.</summary>
internal static class RepositoryCreator
{
    private const long AdminUserId = 1;
    private const string EmptyFilesMd5 = "d41d8cd98f00b204e9800998ecf8427e";

    public static Repository Create(
        string path, RepositoryCreateOptions options, bool withCheckin, out string adminPassword)
    {
        if (path != Database.InMemory && File.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{path} exists already", "name a new file, or remove this one");

        // Stock rejects a main file whose pages are still in the log: the first state goes straight into the file.
        var database = Database.Open(path, new DatabaseOptions
        {
            Access = DatabaseAccess.Create,
            Durability = path == Database.InMemory ? Durability.None : options.Durability,
            BusyTimeout = options.BusyTimeout,
            PageCacheBytesMax = options.PageCacheBytesMax,
        });
        try
        {
            var repository = new Repository(path, database, options);
            adminPassword = Fill(repository, options, withCheckin);
            if (path != Database.InMemory) database.UseWriteAheadLog();
            return repository;
        }
        catch
        {
            database.Dispose();
            if (path != Database.InMemory) File.Delete(path);
            throw;
        }
    }

    private static string Fill(Repository repository, RepositoryCreateOptions options, bool withCheckin)
    {
        var database = repository.Database;

        // Stock vacuums a clone of more than a thousand pages to pages of this size; here it has them from the start.
        if (!withCheckin) database.Execute("PRAGMA page_size=8192");
        using var transaction = database.Begin();
        database.Execute(RepositorySchema.Durable);
        AddReport(database);
        database.Execute(RepositorySchema.Derived);

        var settings = repository.Settings;
        if (withCheckin) repository.Content.HashPolicy = options.HashPolicy;
        settings.Set("content-schema", RepositorySchema.ContentVersion);
        settings.Set("aux-schema", RepositorySchema.DerivedVersion);
        settings.Set("rebuilt", "edgesync");
        settings.Set("admin-log", "1");
        settings.Set("access-log", "1");
        settings.Set("server-code", repository.Entropy.NextHex(40));
        if (withCheckin || options.ProjectCode is not null)
            settings.Set("project-code", RequireCode(options.ProjectCode ?? repository.Entropy.NextHex(40)));
        settings.Set("autosync", "1");
        settings.Set("localauth", "0");
        settings.Set("timeline-plaintext", "1");
        if (options.ProjectName is { } name) settings.Set("project-name", name);
        if (options.ProjectDescription is { } description) settings.Set("project-description", description);

        var password = AddUsers(repository, options);
        if (withCheckin) AddFirstCheckin(repository, options);
        transaction.Commit();
        return password;
    }

    private static string RequireCode(string code) => code.Length == 40 && LowerHex.IsHex(Encoding.UTF8.GetBytes(code))
        ? code
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"'{code}' is not a project code: 40 lower-case hex digits are expected");

    internal static void AddReport(Database database)
    {
        using var insert = database.Prepare(
            "INSERT INTO reportfmt(title,mtime,cols,sqlcode) VALUES('All Tickets',julianday('1970-01-01'),?1,?2)");
        insert.BindText(1, RepositorySchema.AllTicketsColours).BindText(2, RepositorySchema.AllTicketsSql).Run();
    }

    // Differs from Fossil 2.21: the password is stored hashed from the start, as newer versions do. A clone has no
    // project code to hash with yet; its first user gets no password, and so cannot log in over the network before one
    // is set.
    private static string AddUsers(Repository repository, RepositoryCreateOptions options)
    {
        var code = repository.Settings["project-code"];
        var clear = code is null ? "" : options.AdminPassword ?? RandomPassword.Create(repository.Entropy);
        var stored = code is null ? "" : PasswordHash.Compute(code, options.AdminUser, clear);
        using var insert = repository.Database.Prepare("INSERT INTO user(login,pw,cap,info) VALUES(?1,?2,?3,?4)");
        Add(options.AdminUser, stored, "s", "");
        Add("anonymous", repository.Entropy.NextHex(16).ToUpperInvariant(), "hmnc", "Anon");
        Add("nobody", "", options.NobodyCapabilities, "Nobody");
        Add("developer", "", "ei", "Dev");
        Add("reader", "", "kptw", "Reader");
        return clear;

        void Add(string login, string password, string capabilities, string info) => insert
            .BindText(1, login).BindText(2, password).BindText(3, capabilities).BindText(4, info).Run();
    }

    private static void AddFirstCheckin(Repository repository, RepositoryCreateOptions options)
    {
        var now = options.InitialDate ?? repository.Now;
        var date = now.ToDateTime()
            .ToString("yyyy-MM-dd'T'HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture);
        var manifest = new StringBuilder()
            .Append("C initial\\sempty\\scheck-in\n")
            .Append("D ").Append(date).Append('\n')
            .Append("R ").Append(EmptyFilesMd5).Append('\n')
            .Append("T *branch * trunk\n")
            .Append("T *sym-trunk *\n")
            .Append("U ").Append(FossilText.Encode(options.AdminUser)).Append('\n');
        var body = Encoding.UTF8.GetBytes(manifest.ToString());
        var z = Md5Hasher.Compute(body);
        byte[] text = [.. body, .. Encoding.ASCII.GetBytes($"Z {z}\n")];
        repository.ReceiveLog.TrySetOrigin(AdminUserId, nonce: null, address: null);
        repository.Content.Put(text);
    }
}
