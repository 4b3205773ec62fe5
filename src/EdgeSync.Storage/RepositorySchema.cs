namespace EdgeSync.Storage;

/// <summary>
/// The tables of a repository: names, columns, constraints and indices are those of stock Fossil 2.21, so that either
/// program accepts the other's file. Durable tables hold what was received or set; derived tables can be dropped and
/// computed again from the artifacts.
/// </summary>
// Spec: specs of the repository file, schema.c. Column types matter: they decide the affinity of stored values.
public static class RepositorySchema
{
    public const string ContentVersion = "2";

    /// <summary>Version text of the derived tables that we write.</summary>
    public const string DerivedVersion = "2015-01-24";

    /// <summary>Oldest version text of the derived tables that can be used without a rebuild.</summary>
    public const string DerivedVersionMin = "2011-04-25 19:50";

    /// <summary>Tables that every repository has; a file without them is not a repository.</summary>
    public static IReadOnlyList<string> MarkerTables { get; } =
        ["blob", "delta", "rcvfrom", "user", "config", "mlink", "plink"];

    /// <summary>Tables made of artifacts alone, in the order in which they are created.</summary>
    public static IReadOnlyList<string> DerivedTables { get; } =
    [
        "filename", "mlink", "plink", "leaf", "event", "phantom", "orphan", "unclustered", "unsent", "tag", "tagxref",
        "backlink", "attachment", "ticket", "ticketchng", "cherrypick",
    ];

    /// <summary>
    /// Tables that a rebuild keeps, and every repository has. It creates missing ones, empty.
    /// </summary>
    public static IReadOnlyList<string> DurableTables { get; } = ["private", "reportfmt", "concealed", "shun"];

    /// <summary>The statement of <see cref="Durable"/> that makes this table.</summary>
    public static string CreationOf(string table) =>
        Durable.Split(';').Single(
            statement => statement.TrimStart().StartsWith($"CREATE TABLE {table}(", StringComparison.Ordinal));

    /// <summary>What survives every rebuild.</summary>
    public const string Durable =
        """
        CREATE TABLE blob(
          rid INTEGER PRIMARY KEY,
          rcvid INTEGER,
          size INTEGER,
          uuid TEXT UNIQUE NOT NULL,
          content BLOB,
          CHECK( length(uuid)>=40 AND rid>0 )
        );
        CREATE TABLE delta(
          rid INTEGER PRIMARY KEY,
          srcid INTEGER NOT NULL REFERENCES blob
        );
        CREATE INDEX delta_i1 ON delta(srcid);
        CREATE TABLE rcvfrom(
          rcvid INTEGER PRIMARY KEY,
          uid INTEGER REFERENCES user,
          mtime DATETIME,
          nonce TEXT UNIQUE,
          ipaddr TEXT
        );
        CREATE TABLE user(
          uid INTEGER PRIMARY KEY,
          login TEXT UNIQUE,
          pw TEXT,
          cap TEXT,
          cookie TEXT,
          ipaddr TEXT,
          cexpire DATETIME,
          info TEXT,
          mtime DATE,
          photo BLOB,
          jx TEXT DEFAULT '{}'
        );
        CREATE TABLE config(
          name TEXT PRIMARY KEY NOT NULL,
          value CLOB,
          mtime DATE,
          CHECK( typeof(name)='text' AND length(name)>=1 )
        );
        CREATE TABLE shun(
          uuid UNIQUE,
          mtime DATE,
          scom TEXT
        );
        CREATE TABLE private(rid INTEGER PRIMARY KEY);
        CREATE TABLE reportfmt(
          rn INTEGER PRIMARY KEY,
          owner TEXT,
          title TEXT UNIQUE,
          mtime DATE,
          cols TEXT,
          sqlcode TEXT,
          jx TEXT DEFAULT '{}'
        );
        CREATE TABLE concealed(
          hash TEXT PRIMARY KEY,
          mtime DATE,
          content TEXT
        );
        PRAGMA application_id=252006673;
        """;

    /// <summary>The tables that a rebuild drops and creates again.</summary>
    public const string Derived =
        """
        CREATE TABLE filename(
          fnid INTEGER PRIMARY KEY,
          name TEXT UNIQUE
        );
        CREATE TABLE mlink(
          mid INTEGER,
          fid INTEGER,
          pmid INTEGER,
          pid INTEGER,
          fnid INTEGER REFERENCES filename,
          pfnid INTEGER,
          mperm INTEGER,
          isaux BOOLEAN DEFAULT 0
        );
        CREATE INDEX mlink_i1 ON mlink(mid);
        CREATE INDEX mlink_i2 ON mlink(fnid);
        CREATE INDEX mlink_i3 ON mlink(fid);
        CREATE INDEX mlink_i4 ON mlink(pid);
        CREATE TABLE plink(
          pid INTEGER REFERENCES blob,
          cid INTEGER REFERENCES blob,
          isprim BOOLEAN,
          mtime DATETIME,
          baseid INTEGER REFERENCES blob,
          UNIQUE(pid, cid)
        );
        CREATE INDEX plink_i2 ON plink(cid,pid);
        CREATE TABLE leaf(rid INTEGER PRIMARY KEY);
        CREATE TABLE event(
          type TEXT,
          mtime DATETIME,
          objid INTEGER PRIMARY KEY,
          tagid INTEGER,
          uid INTEGER REFERENCES user,
          bgcolor TEXT,
          euser TEXT,
          user TEXT,
          ecomment TEXT,
          comment TEXT,
          brief TEXT,
          omtime DATETIME
        );
        CREATE INDEX event_i1 ON event(mtime);
        CREATE TABLE phantom(
          rid INTEGER PRIMARY KEY
        );
        CREATE TABLE orphan(
          rid INTEGER PRIMARY KEY,
          baseline INTEGER
        );
        CREATE INDEX orphan_baseline ON orphan(baseline);
        CREATE TABLE unclustered(
          rid INTEGER PRIMARY KEY
        );
        CREATE TABLE unsent(
          rid INTEGER PRIMARY KEY
        );
        CREATE TABLE tag(
          tagid INTEGER PRIMARY KEY,
          tagname TEXT UNIQUE
        );
        INSERT INTO tag(tagid,tagname) VALUES
          (1,'bgcolor'),(2,'comment'),(3,'user'),(4,'date'),(5,'hidden'),(6,'private'),
          (7,'cluster'),(8,'branch'),(9,'closed'),(10,'parent'),(11,'note');
        CREATE TABLE tagxref(
          tagid INTEGER REFERENCES tag,
          tagtype INTEGER,
          srcid INTEGER REFERENCES blob,
          origid INTEGER REFERENCES blob,
          value TEXT,
          mtime TIMESTAMP,
          rid INTEGER REFERENCE blob,
          UNIQUE(rid, tagid)
        );
        CREATE INDEX tagxref_i1 ON tagxref(tagid, mtime);
        CREATE TABLE backlink(
          target TEXT,
          srctype INT,
          srcid INT,
          mtime TIMESTAMP,
          UNIQUE(target, srctype, srcid)
        );
        CREATE INDEX backlink_src ON backlink(srcid, srctype);
        CREATE TABLE attachment(
          attachid INTEGER PRIMARY KEY,
          isLatest BOOLEAN DEFAULT 0,
          mtime TIMESTAMP,
          src TEXT,
          target TEXT,
          filename TEXT,
          comment TEXT,
          user TEXT
        );
        CREATE INDEX attachment_idx1 ON attachment(target, filename, mtime);
        CREATE INDEX attachment_idx2 ON attachment(src);
        CREATE TABLE cherrypick(
          parentid INT,
          childid INT,
          isExclude BOOLEAN DEFAULT false,
          PRIMARY KEY(parentid, childid)
        ) WITHOUT ROWID;
        CREATE INDEX cherrypick_cid ON cherrypick(childid);

        """ + Tickets;

    /// <summary>Tickets, unless the setting <c>ticket-table</c> has others.</summary>
    public const string Tickets =
        """
        CREATE TABLE ticket(
          tkt_id INTEGER PRIMARY KEY,
          tkt_uuid TEXT UNIQUE,
          tkt_mtime DATE,
          tkt_ctime DATE,
          type TEXT,
          status TEXT,
          subsystem TEXT,
          priority TEXT,
          severity TEXT,
          foundin TEXT,
          private_contact TEXT,
          resolution TEXT,
          title TEXT,
          comment TEXT
        );
        CREATE TABLE ticketchng(
          tkt_id INTEGER REFERENCES ticket,
          tkt_rid INTEGER REFERENCES blob,
          tkt_mtime DATE,
          tkt_user TEXT,
          login TEXT,
          username TEXT,
          mimetype TEXT,
          icomment TEXT
        );
        CREATE INDEX ticketchng_idx1 ON ticketchng(tkt_id, tkt_mtime);
        """;

    /// <summary>Made when the first forum post is linked.</summary>
    public const string Forum =
        """
        CREATE TABLE IF NOT EXISTS forumpost(
          fpid INTEGER PRIMARY KEY,
          froot INT,
          fprev INT,
          firt INT,
          fmtime REAL
        );
        CREATE INDEX IF NOT EXISTS forumthread ON forumpost(froot,fmtime);
        """;

    /// <summary>Made when the first unversioned file is stored.</summary>
    public const string Unversioned =
        """
        CREATE TABLE IF NOT EXISTS unversioned(
          uvid INTEGER PRIMARY KEY AUTOINCREMENT,
          name TEXT UNIQUE,
          rcvid INTEGER,
          mtime DATETIME,
          hash TEXT,
          sz INTEGER,
          encoding INT,
          content BLOB
        );
        """;

    /// <summary>The one report of tickets that a new repository offers.</summary>
    internal const string AllTicketsColours =
        "#ffffff Key:\n#f2dcdc Active\n#e8e8e8 Review\n#cfe8bd Fixed\n#bde5d6 Tested\n#cacae5 Deferred\n#c8c8c8 Closed";

    // Stock shows this text when the report is edited, so it is the same to the letter.
    internal const string AllTicketsSql =
        """
        SELECT
          CASE WHEN status IN ('Open','Verified') THEN '#f2dcdc'
               WHEN status='Review' THEN '#e8e8e8'
               WHEN status='Fixed' THEN '#cfe8bd'
               WHEN status='Tested' THEN '#bde5d6'
               WHEN status='Deferred' THEN '#cacae5'
               ELSE '#c8c8c8' END AS 'bgcolor',
          substr(tkt_uuid,1,10) AS '#',
          datetime(tkt_mtime) AS 'mtime',
          type,
          status,
          subsystem,
          title
        FROM ticket
        """;
}
