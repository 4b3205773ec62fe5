using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Another check-in beside one that is described.</summary>
/// <param name="Relation">parent, merged-from, child or merged-into.</param>
public sealed record RelatedCheckin(string Relation, string Hash, string Date);

/// <summary>A check-in in the lines of <c>info</c> and <c>status</c>. Spec: show_common_info in info.c.</summary>
public sealed record CheckinDescription(
    string Hash, string Date, string? Tags, string? Comment, IReadOnlyList<RelatedCheckin> Family)
{
    public static CheckinDescription Of(Repository repository, RecordId rid, bool withFamily)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT coalesce(datetime(mtime),''), coalesce(ecomment,comment), coalesce(euser,user,'?')
              FROM event WHERE objid=?1
            """);
        var isThere = select.Bind(1, rid).Step();
        var date = isThere ? select.Text(0)! : "";
        var comment = isThere ? $"{select.Text(1)} (user: {select.Text(2)})" : null;
        var family = new List<RelatedCheckin>();
        if (withFamily)
        {
            AddFamily(repository, rid, family, isParents: true);
            AddFamily(repository, rid, family, isParents: false);
        }

        return new CheckinDescription(
            repository.Content.NameOf(rid).ToString(), date, TagsOf(repository, rid), comment, family);
    }

    /// <summary>The comment as it is shown now; empty without one.</summary>
    public static string CommentOf(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            "SELECT coalesce(ecomment,comment,'') FROM event WHERE objid=?1");
        return select.Bind(1, rid).Step() ? select.Text(0)! : "";
    }

    // Spec: get_checkin_taglist in checkout.c.
    internal static string TagList(Repository repository, RecordId rid)
    {
        var list = new StringBuilder();
        using (var branch = repository.Database.Prepare("SELECT value FROM tagxref WHERE rid=?1 AND tagid=8"))
            list.Append("branch ").Append(branch.Bind(1, rid).Step() ? branch.Text(0) : "").Append('\n');
        using var select = SymbolicTags(repository, rid);
        while (select.Step()) list.Append("tag ").Append(select.Text(0)).Append('\n');
        return list.ToString();
    }

    /// <summary>The branch of a check-in, null when it has none.</summary>
    public static string? BranchOf(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            "SELECT value FROM tagxref WHERE rid=?1 AND tagid=8 AND tagtype>0");
        return select.Bind(1, rid).Step() ? select.Text(0) : null;
    }

    private static void AddFamily(Repository repository, RecordId rid, List<RelatedCheckin> family, bool isParents)
    {
        using var select = isParents
            ? repository.Database.Prepare(
                """
                SELECT uuid, isprim, (SELECT datetime(mtime) FROM event WHERE objid=pid)
                  FROM plink JOIN blob ON pid=rid WHERE cid=?1 ORDER BY isprim DESC, mtime DESC
                """)
            : repository.Database.Prepare(
                """
                SELECT uuid, isprim, (SELECT datetime(mtime) FROM event WHERE objid=cid)
                  FROM plink JOIN blob ON cid=rid WHERE pid=?1 ORDER BY isprim DESC, mtime DESC
                """);
        select.Bind(1, rid);
        while (select.Step())
        {
            var relation = (isParents, select.Boolean(1)) switch
            {
                (true, true) => "parent",
                (true, false) => "merged-from",
                (false, true) => "child",
                _ => "merged-into",
            };
            family.Add(new RelatedCheckin(relation, select.Text(0)!, select.Text(2) ?? ""));
        }
    }

    private static string? TagsOf(Repository repository, RecordId rid)
    {
        var names = new List<string>();
        using var select = SymbolicTags(repository, rid);
        while (select.Step()) names.Add(select.Text(0)!);
        return names.Count == 0 ? null : string.Join(", ", names);
    }

    private static Sqlite.Statement SymbolicTags(Repository repository, RecordId rid) => repository.Database.Prepare(
        """
        SELECT substr(tagname,5) FROM tagxref JOIN tag USING(tagid)
         WHERE rid=?1 AND tagtype>0 AND tagname GLOB 'sym-*' ORDER BY tagxref.rowid
        """).Bind(1, rid);
}
