using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>A tag, and how many assets outside of the trash have it.</summary>
public readonly record struct TagCount(string Name, long Assets);

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
}
