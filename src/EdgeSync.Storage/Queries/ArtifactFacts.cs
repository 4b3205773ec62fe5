using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>The facts about one artifact in a repository, as lines of a label and a text, in stock's order.</summary>
// Spec: whatis_rid in name.c.
public static class ArtifactFacts
{
    /// <param name="repository">The repository to read.</param>
    /// <param name="rid">The artifact.</param>
    /// <param name="hidesPrivate">Private check-ins that a file is part of are left out.</param>
    public static IReadOnlyList<(string Label, string Text)> Of(
        Repository repository, RecordId rid, bool hidesPrivate = false)
    {
        var facts = new List<(string, string)>
        {
            ("artifact:", repository.Content.NameOf(rid).ToString()),
            ("size:", $"{repository.Content.SizeOf(rid)} bytes"),
        };
        AddTags(repository, rid, facts);
        AddEvent(repository, rid, facts);
        AddFiles(repository, rid, facts, hidesPrivate);
        return facts;
    }

    /// <summary>When a record came into this repository, and from which address; null where it is unknown.</summary>
    public static (string Date, string From)? ReceptionOf(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            "SELECT datetime(rcvfrom.mtime), ipaddr FROM blob JOIN rcvfrom USING(rcvid) WHERE blob.rid=?1");
        return select.Bind(1, rid).Step() ? (select.Text(0) ?? "", select.Text(1) ?? "") : null;
    }

    private static void AddTags(Repository repository, RecordId rid, List<(string, string)> facts)
    {
        var tags = Texts(
            repository, rid,
            "SELECT substr(tagname,5) FROM tag JOIN tagxref USING(tagid) WHERE rid=?1 AND tagtype<>0 "
                + "AND tagname GLOB 'sym-*' ORDER BY 1");
        if (tags.Count > 0) facts.Add(("tags:", string.Join(", ", tags)));

        var raw = Texts(
            repository, rid,
            "SELECT tagname FROM tag JOIN tagxref USING(tagid) WHERE rid=?1 AND tag.tagid IN (5,6,7,9) ORDER BY 1");
        if (raw.Count > 0) facts.Add(("raw-tags:", string.Join(", ", raw)));
    }

    private static void AddEvent(Repository repository, RecordId rid, List<(string, string)> facts)
    {
        using var select = repository.Database.Prepare(
            "SELECT type, mtime, coalesce(euser,user), coalesce(ecomment,comment) FROM event WHERE objid=?1");
        if (!select.Bind(1, rid).Step()) return;

        var type = (select.Text(0) ?? "") switch
        {
            ['c', ..] => "Check-in",
            ['w', ..] => "Wiki-edit",
            ['e', ..] => "Technote",
            ['f', ..] => "Forum-post",
            ['t', ..] => "Ticket-change",
            ['g', ..] => "Tag-change",
            _ => "Unknown",
        };
        facts.Add(("type:", $"{type} by {select.Text(2)} on {DateOf(select.Double(1))}"));
        facts.Add(("comment:", select.Text(3) ?? "(NULL)"));
    }

    private static void AddFiles(
        Repository repository, RecordId rid, List<(string, string)> facts, bool hidesPrivate)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT filename.name, blob.uuid, event.mtime, coalesce(euser,user), coalesce(ecomment,comment)
              FROM mlink, filename, blob, event
             WHERE mlink.fid=?1 AND filename.fnid=mlink.fnid AND event.objid=mlink.mid AND blob.rid=mlink.mid
               AND (NOT ?2 OR mlink.mid NOT IN private)
             ORDER BY event.mtime DESC
            """);
        select.Bind(1, rid).Bind(2, hidesPrivate ? 1 : 0);
        while (select.Step())
        {
            facts.Add(("file:", select.Text(0) ?? ""));
            var (checkin, date) = (select.Text(1)![..10], DateOf(select.Double(2)));
            facts.Add((" ", $"part of [{checkin}] by {select.Text(3)} on {date}"));
            facts.Add(("", select.Text(4) ?? "(NULL)"));
        }
    }

    private static List<string> Texts(Repository repository, RecordId rid, string sql)
    {
        using var select = repository.Database.Prepare(sql);
        select.Bind(1, rid);
        var texts = new List<string>();
        while (select.Step()) texts.Add(select.Text(0) ?? "");
        return texts;
    }

    private static string DateOf(double day) => DisplayText.Second(Instant.FromJulianDay(day).ToString());
}
