using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Simulation.Invariants;

/// <summary>
/// Rows derived one artifact at a time, in whatever order they came, are those that a rebuild derives.
/// </summary>
internal static class DerivedEqualsRebuild
{
    // Numbers of file names and tags are given in order of first use, so rows are compared by name.
    private static readonly (string Table, string Sql)[] Queries =
    [
        ("plink", "SELECT pid||' '||cid||' '||isprim||' '||ifnull(baseid,'') FROM plink ORDER BY 1"),
        ("leaf", "SELECT rid||'' FROM leaf ORDER BY 1"),
        ("mlink",
            """
            SELECT mid||' '||fid||' '||pmid||' '||pid||' '||a.name||' '||ifnull(b.name,'')||' '||mperm||' '||isaux
              FROM mlink JOIN filename a USING(fnid) LEFT JOIN filename b ON b.fnid=mlink.pfnid ORDER BY 1
            """),
        ("tagxref",
            """
            SELECT tagname||' '||tagtype||' '||srcid||' '||origid||' '||ifnull(value,'')||' '||rid
              FROM tagxref JOIN tag USING(tagid) ORDER BY 1
            """),
        ("event",
            """
            SELECT type||' '||objid||' '||printf('%.6f',omtime)||' '||ifnull(user,'')||' '||ifnull(comment,'')
                   ||' '||ifnull(bgcolor,'') FROM event ORDER BY 1
            """),
    ];

    public static IEnumerable<string> Broken(World world)
    {
        foreach (var node in world.Nodes.OfType<SqliteNode>())
        {
            var before = Queries.Select(q => Rows(node.Repository, q.Sql)).ToList();
            Rebuilder.Run(node.Repository, new RebuildOptions { WorkersMax = 0 }, CancellationToken.None);
            for (var i = 0; i < Queries.Length; i++)
            {
                var after = Rows(node.Repository, Queries[i].Sql);
                if (before[i].SequenceEqual(after)) continue;

                var gone = before[i].Except(after).FirstOrDefault();
                var added = after.Except(before[i]).FirstOrDefault();
                yield return $"derived equals rebuild: {node.Name} {Queries[i].Table}: had [{gone}], rebuild gives "
                    + $"[{added}]";
            }
        }
    }

    private static List<string> Rows(Repository repository, string sql)
    {
        var rows = new List<string>();
        using var select = repository.Database.Prepare(sql);
        while (select.Step()) rows.Add(select.Text(0) ?? "null");
        return rows;
    }
}
