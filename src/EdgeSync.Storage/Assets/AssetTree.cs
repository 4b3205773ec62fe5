using EdgeSync.Can.Assets;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>A tag, and how many assets outside of the trash have it.</summary>
public readonly record struct TagCount(string Name, long Assets);

/// <summary>An asset in a folder of the tree.</summary>
/// <param name="Asset">The asset.</param>
/// <param name="HasEarlier">Another one with the same name came before it.</param>
public readonly record struct NamedAsset(Asset Asset, bool HasEarlier);

/// <summary>What views of a store are made of: its tags, applications, months, and names. Without the trash.</summary>
internal static class AssetTree
{
    /// <summary>The tags that most assets have.</summary>
    public static IReadOnlyList<TagCount> TagCounts(Database database, int limit)
    {
        var tags = new List<TagCount>();
        using var select = database.Prepare(
            """
            SELECT name, count(*) FROM tags CROSS JOIN asset_tags ON tag_id=tags.id
              CROSS JOIN assets ON assets.id=asset_id WHERE is_trashed=0
             GROUP BY tags.id ORDER BY 2 DESC, 1 LIMIT ?1
            """);
        select.Bind(1, limit);
        while (select.Step()) tags.Add(new TagCount(select.Text(0) ?? "", select.Int64(1)));
        return tags;
    }

    /// <summary>Tags behind one, in their order.</summary>
    public static IReadOnlyList<string> TagsAfter(Database database, string after, int limit) => Names(
        database,
        """
        SELECT name FROM tags WHERE name>?1 AND EXISTS(
            SELECT 1 FROM asset_tags CROSS JOIN assets ON assets.id=asset_id WHERE tag_id=tags.id AND is_trashed=0)
         ORDER BY name LIMIT ?2
        """, after, limit);

    /// <summary>Applications behind one, in their order.</summary>
    public static IReadOnlyList<string> ApplicationsAfter(Database database, string after, int limit) => Names(
        database,
        "SELECT DISTINCT application FROM assets WHERE application>?1 AND is_trashed=0 ORDER BY application LIMIT ?2",
        after, limit);

    /// <summary>The first moment from one on at which an asset was created; null: there is none.</summary>
    public static long? FirstFrom(Database database, long fromMs)
    {
        using var select = database.Prepare(
            "SELECT timestamp FROM assets WHERE timestamp>=?1 AND is_trashed=0 ORDER BY timestamp LIMIT 1");
        return select.Bind(1, fromMs).Step() ? select.Int64(0) : null;
    }

    private static List<string> Names(Database database, string sql, string after, int limit)
    {
        var names = new List<string>();
        using var select = database.Prepare(sql);
        select.BindText(1, after).Bind(2, limit);
        while (select.Step()) names.Add(select.Text(0) ?? "");
        return names;
    }
}
