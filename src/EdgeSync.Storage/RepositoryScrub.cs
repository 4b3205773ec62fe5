using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>What a scrub takes out of a repository.</summary>
public enum ScrubScope
{
    /// <summary>Passwords, peers, and what only this copy needs.</summary>
    Secrets,

    /// <summary>Private branches alone.</summary>
    Private,

    /// <summary>Both, and mail addresses, network addresses, logs and pictures of users.</summary>
    Everything,
}

/// <summary>
/// Takes out of a repository what must not leave this machine with a copy of the file. Spec: scrub_cmd in rebuild.c.
/// </summary>
public static class RepositoryScrub
{
    // Spec: the patterns of scrub_cmd.
    private const string Settings =
        """
        DELETE FROM config WHERE name IN
        (WITH pattern(x) AS (VALUES
          ('baseurl:*'), ('cert:*'), ('ckout:*'), ('draft[1-9]-*'), ('gitpush:*'), ('http-auth:*'), ('last-sync-*'),
          ('link:*'), ('login-group-*'), ('parent-project-*'), ('peer-*'), ('skin:*'), ('subrepo:*'), ('sync-*'),
          ('syncfrom:*'), ('syncwith:*'), ('ssl-*')
        ) SELECT name FROM config, pattern WHERE name GLOB x)
        """;

    private static readonly string[] Tables =
        ["accesslog", "purgeevent", "purgeitem", "admin_log", "vcache", "chat", "modreq"];

    /// <summary>
    /// Removes, and then takes the pages that removals left free out of the file, also those of earlier removals.
    /// </summary>
    /// <param name="repository">The repository to write.</param>
    /// <param name="scope">What goes.</param>
    /// <returns>
    /// Whether anything of the scope was there, and whether the derived tables are to be made again, which then is what
    /// removes free pages.
    /// </returns>
    public static (bool HasRemoved, bool NeedsRebuild) Run(Repository repository, ScrubScope scope)
    {
        var database = repository.Database;
        database.Execute("PRAGMA secure_delete=ON");
        bool hasRemoved;
        using (var transaction = repository.Begin())
        {
            var before = database.TotalChanges;
            var hasPrivate = scope != ScrubScope.Secrets && DropPrivate(repository);
            if (scope != ScrubScope.Private) DropSecrets(database);
            var hasTraces = scope == ScrubScope.Everything && DropTraces(database);
            hasRemoved = hasTraces || database.TotalChanges != before;
            transaction.Commit();
            if (hasPrivate) return (true, true);
        }

        database.Execute("VACUUM");
        return (hasRemoved, false);
    }

    // Public artifacts that are stored as differences to private ones become full texts first.
    private static bool DropPrivate(Repository repository)
    {
        var database = repository.Database;
        if (database.QueryInt64("SELECT count(*) FROM private") == 0) return false;

        repository.Content.ForgetCached();
        var dependants = new List<RecordId>();
        using (var select = database.Prepare(
            "SELECT rid FROM delta WHERE srcid IN (SELECT rid FROM private) AND rid NOT IN (SELECT rid FROM private)"))
        {
            while (select.Step()) dependants.Add(select.Record(0));
        }

        foreach (var rid in dependants) repository.Content.Deltas.Undelta(rid);
        database.Execute(
            """
            DELETE FROM delta WHERE rid IN (SELECT rid FROM private);
            DELETE FROM blob WHERE rid IN (SELECT rid FROM private);
            DELETE FROM private;
            """);
        repository.Content.ForgetCached();
        return true;
    }

    private static void DropSecrets(Database database)
    {
        database.Execute("UPDATE user SET pw='' WHERE pw IS NOT ''");
        database.Execute(Settings);
    }

    // Returns whether a table went, which counts as no change of rows.
    private static bool DropTraces(Database database)
    {
        database.Execute(
            """
            DELETE FROM concealed;
            UPDATE rcvfrom SET ipaddr='unknown' WHERE ipaddr IS NOT 'unknown';
            UPDATE user SET photo=NULL, info='' WHERE photo IS NOT NULL OR info IS NOT '';
            """);
        var hasTables = Tables.Any(database.HasTable);
        foreach (var table in Tables) database.Execute($"DROP TABLE IF EXISTS {table}");
        return hasTables;
    }
}
