using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>The checks before a file is used as a repository.</summary>
internal static class RepositoryCheck
{
    public static void RequireRepository(Database database, bool acceptsAnySchema)
    {
        foreach (var table in RepositorySchema.MarkerTables)
        {
            if (database.HasTable(table)) continue;

            throw new EdgeSyncException(
                ErrorKind.Usage, $"{database.Path} is not a Fossil repository: it has no table {table}",
                "check the path");
        }

        if (acceptsAnySchema) return;

        var version = database.QueryText("SELECT CAST(value AS TEXT) FROM config WHERE name='aux-schema'") ?? "";
        if (string.CompareOrdinal(version, RepositorySchema.DerivedVersionMin) >= 0
            && string.CompareOrdinal(version, RepositorySchema.DerivedVersion) <= 0)
        {
            RequireTables(database);
            return;
        }

        throw new EdgeSyncException(
            ErrorKind.Corrupt,
            $"{database.Path}: its tables have version \"{version}\", but \"{RepositorySchema.DerivedVersionMin}\" to "
            + $"\"{RepositorySchema.DerivedVersion}\" are understood",
            $"edgesync repo rebuild -R {database.Path}");
    }

    // Tables that AddMissing creates, and optional ones, may be absent.
    private static void RequireTables(Database database)
    {
        string[] optional = ["cherrypick", "ticket", "ticketchng"];
        var missing = RepositorySchema.DerivedTables.Except(optional).Concat(RepositorySchema.DurableTables)
            .Where(table => !database.HasTable(table)).ToList();
        if (missing.Count == 0) return;

        throw new EdgeSyncException(
            ErrorKind.Corrupt, $"{database.Path}: the table {string.Join(" and the table ", missing)} is missing",
            $"edgesync repo rebuild -R {database.Path}");
    }

    /// <summary>Adds what newer programs require to an older file.</summary>
    public static void AddMissing(Repository repository)
    {
        var database = repository.Database;
        var missing = new List<string>();
        if (!database.HasColumn("user", "jx")) missing.Add("ALTER TABLE user ADD COLUMN jx TEXT DEFAULT '{}'");
        foreach (var table in RepositorySchema.DurableTables.Where(table => !database.HasTable(table)))
            missing.Add(RepositorySchema.CreationOf(table));
        if (database.HasTable("reportfmt") && !database.HasColumn("reportfmt", "jx"))
            missing.Add("ALTER TABLE reportfmt ADD COLUMN jx TEXT DEFAULT '{}'");
        if (!database.HasTable("cherrypick")) missing.Add(
            """
            CREATE TABLE cherrypick(
              parentid INT, childid INT, isExclude BOOLEAN DEFAULT false, PRIMARY KEY(parentid, childid)
            ) WITHOUT ROWID;
            CREATE INDEX cherrypick_cid ON cherrypick(childid);
            """);
        if (!database.HasColumn("plink", "baseid")) missing.Add("ALTER TABLE plink ADD COLUMN baseid");

        var lacksPolicy = repository.Settings["hash-policy"] is null && !IsClone(repository);
        if (missing.Count == 0 && !lacksPolicy) return;

        using var transaction = repository.Begin();
        foreach (var sql in missing) database.Execute(sql);
        if (lacksPolicy) repository.Content.HashPolicy = repository.Content.HashPolicy;
        transaction.Commit();
    }

    // A clone takes the policy of its server; it has no artifacts to derive one from before it is done.
    private static bool IsClone(Repository repository) => repository.Settings["project-code"] is null;
}
