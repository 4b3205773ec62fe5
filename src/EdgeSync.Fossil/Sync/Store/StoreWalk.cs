using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Store;

internal static class StoreWalk
{
    private const int RowsAtOnce = 512;

    /// <summary>
    /// A whole list, fetched in pieces, so that its size does not matter. Rows added behind the walk are included.
    /// </summary>
    public static IEnumerable<ArtifactListing> Walk(
        this IArtifactStore store, ArtifactList list, RecordId after = default)
    {
        var rows = new ArtifactListing[RowsAtOnce];
        while (true)
        {
            var count = store.List(list, after, rows);
            for (var i = 0; i < count; i++) yield return rows[i];
            if (count < rows.Length) yield break;

            after = rows[count - 1].Rid;
        }
    }

    public static ArtifactEntry Lookup(this IArtifactStore store, ArtifactId id)
    {
        ArtifactEntry entry = default;
        store.Lookup(new ReadOnlySpan<ArtifactId>(in id), new Span<ArtifactEntry>(ref entry));
        return entry;
    }
}
