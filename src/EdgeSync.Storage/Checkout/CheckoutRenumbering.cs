using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// When the repository file was replaced by another clone, its record numbers are others: those of the checkout are
/// found again by hash and name. Undo and bisect, which hold old numbers, are given up.
/// </summary>
// Spec: vfile_rid_renumbering_event in vfile.c.
internal static class CheckoutRenumbering
{
    public static void Apply(WorkingCheckout checkout)
    {
        var (tables, repository) = (checkout.Tables, checkout.Repository);
        if (tables.Version.IsNone || RepositoryFingerprint.Matches(repository, tables["fingerprint"])) return;
        var hash = System.Text.Encoding.ASCII.GetBytes(tables["checkout-hash"] ?? "");
        if (!ArtifactId.TryParse(hash, out var id)) return;

        var version = repository.Content.Find(id);
        if (version.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound,
                $"{repository.Path} was replaced by another file, which lacks the check-in {id.ToShortString()} that "
                    + "is checked out", "edgesync repo pull");

        using var transaction = tables.Database.Begin();
        RenumberFiles(checkout, version);
        RenumberMerges(checkout);
        new StashTables(checkout).Renumber();
        checkout.Undo.Reset();
        tables.Database.Execute("DELETE FROM vvar WHERE name GLOB 'bisect-*'");
        tables.SetVersion(repository, version);
        transaction.Commit();
    }

    private static void RenumberFiles(WorkingCheckout checkout, RecordId version)
    {
        var repository = checkout.Repository;
        var contents = new Dictionary<string, RecordId>(StringComparer.Ordinal);
        foreach (var file in CheckInTree.Load(repository, version).Files)
            contents[PathText.Of(file.Name)] = repository.Content.Find(file.Id);

        var merged = MergedHashes(checkout.Tables);
        using var update = checkout.Tables.Database.Prepare("UPDATE vfile SET vid=?1, rid=?2, mrid=?3 WHERE id=?4");
        foreach (var file in checkout.Tables.Files(checkout.Version))
        {
            var content = file.IsAdded ? RecordId.None
                : contents.GetValueOrDefault(file.OriginalName ?? file.Name);
            var last = merged.TryGetValue(file.Id, out var hash) ? repository.Content.Find(hash) : content;
            update.Bind(1, version).Bind(2, content).Bind(3, last).Bind(4, file.Id).Run();
        }

        checkout.Tables.KeepOnly(version);
    }

    private static Dictionary<long, ArtifactId> MergedHashes(CheckoutTables tables)
    {
        var merged = new Dictionary<long, ArtifactId>();
        using var select = tables.Database.Prepare("SELECT id, mhash FROM vfile WHERE mhash IS NOT NULL");
        while (select.Step()) merged[select.Int64(0)] = select.Artifact(1);
        return merged;
    }

    private static void RenumberMerges(WorkingCheckout checkout)
    {
        using var update = checkout.Tables.Database.Prepare("UPDATE vmerge SET merge=?1 WHERE id=?2 AND mhash=?3");
        foreach (var row in checkout.Tables.Merges())
        {
            if (ArtifactId.TryParse(System.Text.Encoding.ASCII.GetBytes(row.Hash), out var id))
                update.Bind(1, checkout.Repository.Content.Find(id)).Bind(2, row.Kind).BindText(3, row.Hash).Run();
        }
    }
}
