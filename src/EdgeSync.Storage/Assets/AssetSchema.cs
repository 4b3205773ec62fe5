using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>The tables of <c>.can.db</c>; docs/formats/can.md describes them.</summary>
internal static class AssetSchema
{
    /// <summary>In the header of the file: "CAN" and a number.</summary>
    private const long Version = 0x43414e01;

    private const string Tables =
        """
        CREATE TABLE assets (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          hash TEXT NOT NULL UNIQUE,
          timestamp INTEGER NOT NULL,
          mime_type TEXT NOT NULL,
          size INTEGER NOT NULL,
          actual_filename TEXT NOT NULL,
          human_filename TEXT,
          human_path TEXT,
          application TEXT,
          user_identity TEXT,
          description TEXT,
          is_trashed INTEGER NOT NULL DEFAULT 0,
          is_corrupted INTEGER NOT NULL DEFAULT 0,
          meta_updated_at INTEGER NOT NULL,
          arrival_number INTEGER NOT NULL,
          change_number INTEGER NOT NULL
        );
        CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE asset_tags (
          asset_id INTEGER NOT NULL REFERENCES assets(id) ON DELETE CASCADE,
          tag_id INTEGER NOT NULL REFERENCES tags(id),
          position INTEGER NOT NULL,
          PRIMARY KEY (asset_id, tag_id)
        ) WITHOUT ROWID;
        CREATE TABLE tombstones (
          hash TEXT PRIMARY KEY,
          timestamp INTEGER NOT NULL,
          deleted_at INTEGER NOT NULL,
          change_number INTEGER NOT NULL
        );
        CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
        CREATE VIRTUAL TABLE asset_words USING fts5(name, path, description, tags, tokenize='trigram');
        CREATE INDEX idx_assets_timestamp ON assets(timestamp, id);
        CREATE INDEX idx_assets_change ON assets(change_number);
        CREATE INDEX idx_asset_tags_tag ON asset_tags(tag_id, asset_id);
        CREATE INDEX idx_tombstones_change ON tombstones(change_number);
        """;

    // What the first version of the index had otherwise: of a hundred thousand assets, a page and its total are found
    // without reading rows that are not on it.
    private const string Indexes =
        """
        CREATE INDEX IF NOT EXISTS idx_assets_name ON assets(human_filename);
        CREATE INDEX IF NOT EXISTS idx_assets_trashed ON assets(is_trashed);
        CREATE INDEX IF NOT EXISTS idx_assets_listed ON assets(is_trashed, timestamp);
        CREATE INDEX IF NOT EXISTS idx_assets_of ON assets(application, is_trashed, timestamp);
        CREATE INDEX IF NOT EXISTS idx_assets_type ON assets(mime_type, is_trashed, timestamp);
        DROP INDEX IF EXISTS idx_assets_application;
        """;

    /// <summary>Opens the index for writing; true when it is new and must be filled from the files.</summary>
    /// <param name="path">The file; one that is damaged, or another program's, is set aside.</param>
    /// <param name="warned">Takes a sentence about that.</param>
    /// <param name="database">The open index.</param>
    public static bool Open(string path, Action<string>? warned, out Database database)
    {
        var isThere = File.Exists(path);
        if (isThere)
        {
            try
            {
                database = OpenFile(path, warned);
                if (database.QueryInt64("PRAGMA user_version") == Version)
                {
                    Complete(database);
                    return false;
                }

                database.Dispose();
            }
            catch (EdgeSyncException e) when (e.Kind is ErrorKind.Corrupt or ErrorKind.Usage)
            {
                warned?.Invoke(e.Message);
            }

            SetAside(path, warned);
        }

        database = OpenFile(path, warned);
        try
        {
            using (var transaction = database.Begin())
            {
                database.Execute(Tables);
                database.Execute($"PRAGMA user_version={Version}");
                transaction.Commit();
            }

            database.QueryText("PRAGMA journal_mode=WAL");
            Complete(database);
            return true;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public static Database OpenReader(string path) => Database.Open(
        path, new DatabaseOptions { Access = DatabaseAccess.Read, PageCacheBytesMax = 1 << 20 });

    // In one transaction: a store that is opened for the first time by this program is as it was, or complete.
    private static void Complete(Database database)
    {
        using var transaction = database.Begin();
        database.Execute(Indexes);
        new AssetWords(database).Open(new AssetIndex(database).LastChangeNumber());
        transaction.Commit();
    }

    private static Database OpenFile(string path, Action<string>? warned) => Database.Open(path, new DatabaseOptions
    {
        Access = DatabaseAccess.Create,
        Journal = DatabaseJournal.AsFound,
        Durability = Durability.Full,
        Warned = warned,
    });

    // Nothing of it is needed: the index is made from the files. Kept for an examination by hand.
    private static void SetAside(string path, Action<string>? warned)
    {
        var aside = path + ".set-aside";
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            File.Delete(aside + suffix);
            if (File.Exists(path + suffix)) File.Move(path + suffix, aside + suffix);
        }

        warned?.Invoke($"{path} cannot be used and is now {aside}; the index is made again from the files");
    }
}
