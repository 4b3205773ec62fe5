namespace EdgeSync.Storage.Checkout;

/// <summary>The tables of a checkout database, byte for byte as stock creates them. Spec: schema.c.</summary>
internal static class CheckoutSchema
{
    public const string Tables =
        """
        CREATE TABLE vvar(
          name TEXT PRIMARY KEY NOT NULL,
          value CLOB,
          CHECK( typeof(name)='text' AND length(name)>=1 )
        );
        CREATE TABLE vfile(
          id INTEGER PRIMARY KEY,
          vid INTEGER REFERENCES blob,
          chnged INT DEFAULT 0,
          deleted BOOLEAN DEFAULT 0,
          isexe BOOLEAN,
          islink BOOLEAN,
          rid INTEGER,
          mrid INTEGER,
          mtime INTEGER,
          pathname TEXT,
          origname TEXT,
          mhash TEXT,
          UNIQUE(pathname,vid)
        );
        PRAGMA application_id=252006674;
        CREATE TABLE vmerge(
          id INTEGER REFERENCES vfile,
          merge INTEGER,
          mhash TEXT
        );
        CREATE UNIQUE INDEX vmergex1 ON vmerge(id,mhash);
        CREATE TRIGGER vmerge_ck1 AFTER INSERT ON vmerge
        WHEN new.mhash IS NULL BEGIN
          SELECT raise(FAIL,
          'trying to update a newer check-out with an older version of Fossil');
        END;
        ANALYZE sqlite_schema;
        """;

    /// <summary>Spec: stash.c.</summary>
    public const string Stash =
        """
        CREATE TABLE stash(
          stashid INTEGER PRIMARY KEY,
          vid INTEGER,
          hash TEXT,
          comment TEXT,
          ctime TIMESTAMP
        );
        CREATE TABLE stashfile(
          stashid INTEGER REFERENCES stash,
          isAdded BOOLEAN,
          isRemoved BOOLEAN,
          isExec BOOLEAN,
          isLink BOOLEAN,
          rid INTEGER,
          hash TEXT,
          origname TEXT,
          newname TEXT,
          delta BLOB,
          PRIMARY KEY(newname, stashid)
        );
        INSERT OR IGNORE INTO vvar(name, value) VALUES('stash-next', 1);
        """;

    public const string DropUndo =
        """
        DROP TABLE IF EXISTS undo;
        DROP TABLE IF EXISTS undo_vfile;
        DROP TABLE IF EXISTS undo_vmerge;
        DROP TABLE IF EXISTS undo_stash;
        DROP TABLE IF EXISTS undo_stashfile;
        """;

    public const string CreateUndo =
        """
        CREATE TABLE undo(
          pathname TEXT UNIQUE,
          redoflag BOOLEAN,
          existsflag BOOLEAN,
          isExe BOOLEAN,
          isLink BOOLEAN,
          content BLOB
        );
        CREATE TABLE undo_vfile AS SELECT * FROM vfile;
        CREATE TABLE undo_vmerge AS SELECT * FROM vmerge;
        """;
}
