using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The configuration of a repository in a file, and back to how a new repository has it. Stock reads what is written
/// here, and the other way round. Spec: configuration_cmd in configure.c.
/// </summary>
public static class ConfigurationFile
{
    /// <summary>The area of that name; a prefix suffices, as in stock.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public static ConfigAreas AreaOf(string name)
    {
        var areas = ConfigAreaNames.Parse("/" + name);
        return areas != ConfigAreas.None ? areas : throw new EdgeSyncException(
            ErrorKind.Usage, $"no such configuration area: \"{name}\"",
            "one of: " + string.Join(", ", ConfigAreaNames.Names))
        {
            Candidates = [.. ConfigAreaNames.Names],
        };
    }

    /// <summary>The rows of an area as a file.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="area">Its name.</param>
    /// <param name="since">Only rows of this time or later.</param>
    public static byte[] Export(Repository repository, string area, Instant? since)
    {
        var rows = ConfigText.Write(new RepositoryConfigStore(repository), AreaOf(area), since?.UnixSeconds ?? 0);
        var date = repository.Now.ToDateTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return
        [
            .. Encoding.UTF8.GetBytes(
                $"# The \"{area}\" configuration exported from\n# repository \"{repository.Path}\"\n# on {date}\n"),
            .. rows,
        ];
    }

    /// <summary>Takes a file in; returns how many rows have changed something.</summary>
    /// <param name="repository">The repository to write.</param>
    /// <param name="text">The file.</param>
    /// <param name="overwrite">What is there makes room, whatever its time.</param>
    public static int Import(Repository repository, ReadOnlySpan<byte> text, bool overwrite)
    {
        using var transaction = repository.Begin();
        var changed = ConfigText.Read(new RepositoryConfigStore(repository), text, overwrite);
        transaction.Commit();
        return changed;
    }

    /// <summary>An area as a new repository has it.</summary>
    /// <param name="repository">The repository to write.</param>
    /// <param name="area">Its name.</param>
    public static void Reset(Repository repository, string area)
    {
        var areas = AreaOf(area);
        var store = new RepositoryConfigStore(repository);
        using var transaction = repository.Begin();
        foreach (var setting in repository.Settings.List())
        {
            if ((ConfigAreaNames.AreaOfSetting(setting.Name) & areas) != 0) repository.Settings.Remove(setting.Name);
        }

        for (var table = ConfigTable.User; table <= ConfigTable.Subscriber; table++)
            if ((ConfigAreaNames.AreaOfTable(table) & areas) != 0) store.Clear(table);
        if (areas.HasFlag(ConfigAreas.User)) AddUsers(repository.Database);
        if (areas.HasFlag(ConfigAreas.Ticket)) RepositoryCreator.AddReport(repository.Database);
        transaction.Commit();
    }

    // Spec: db_create_default_users in db.c, without the setup user.
    private static void AddUsers(Database database) => database.Execute(
        """
        INSERT OR IGNORE INTO user(login,pw,cap,info) VALUES('anonymous',hex(randomblob(8)),'hmnc','Anon');
        INSERT OR IGNORE INTO user(login,pw,cap,info) VALUES('nobody','','gjorz','Nobody');
        INSERT OR IGNORE INTO user(login,pw,cap,info) VALUES('developer','','ei','Dev');
        INSERT OR IGNORE INTO user(login,pw,cap,info) VALUES('reader','','kptw','Reader');
        """);
}
