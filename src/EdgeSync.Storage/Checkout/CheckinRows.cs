using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>The files of a check-in in the form of a checkout's rows, for comparison with those.</summary>
internal static class CheckinRows
{
    /// <param name="repository">Open.</param>
    /// <param name="version">The check-in.</param>
    /// <param name="lacksContent">Files whose content never arrived are left out; shunned ones always are.</param>
    /// <exception cref="EdgeSyncException">Contents are missing.</exception>
    public static List<TrackedFile> Of(Repository repository, RecordId version, bool lacksContent)
    {
        var (files, missing) = (new List<TrackedFile>(), new List<string>());
        using var reading = repository.Database.BeginRead();
        foreach (var file in TreeFile.AllOf(CheckInTree.Load(repository, version)))
        {
            var rid = repository.Content.Find(file.Id);
            if (rid.IsNone || !repository.Content.IsAvailable(rid))
            {
                if (!repository.Shuns.Contains(file.Id)) missing.Add(file.Name);
                continue;
            }

            files.Add(new TrackedFile
            {
                Name = file.Name,
                Version = version,
                Content = rid,
                Merged = rid,
                Permission = file.Permission,
            });
        }

        return missing.Count == 0 || lacksContent ? files : throw CheckoutOpening.Missing(missing);
    }
}
