using EdgeSync.Primitives;
using EdgeSync.Storage.Content;

namespace EdgeSync.Storage.Verification;

/// <summary>The result of a repair.</summary>
/// <param name="EmptiedCount">Damaged artifacts whose content was removed, so that the next pull requests it
/// again.</param>
/// <param name="RescuedCount">Intact artifacts that were stored as deltas of damaged or private ones, now full
/// texts.</param>
/// <param name="SizesCorrected">Recorded sizes corrected.</param>
/// <param name="RowsRemoved">Rows of missing records removed, and marks of phantoms corrected.</param>
/// <param name="NeedsRebuild">The derived tables are to be made again.</param>
public readonly record struct RepairResult(
    int EmptiedCount, int RescuedCount, int SizesCorrected, int RowsRemoved, bool NeedsRebuild);

/// <summary>
/// Acts on a <see cref="VerifyReport"/>, in one transaction. No readable artifact is ever lost: an intact delta of a
/// damaged source becomes a full text first; a damaged artifact keeps its name as a phantom.
/// </summary>
public static class RepositoryRepair
{
    public static RepairResult Run(Repository repository, VerifyReport report)
    {
        using var transaction = repository.Begin();
        repository.Content.ForgetCached();
        var rescued = 0;
        var sizes = 0;
        var rows = 0;
        foreach (var issue in report.Issues)
        {
            if (issue.Kind == VerifyIssueKind.PublicRestsOnPrivate && repository.Content.Deltas.Undelta(issue.Rid))
                rescued++;
            if (issue.Kind == VerifyIssueKind.WrongSize && TryCorrectSize(repository, issue.Rid)) sizes++;
        }

        var damaged = report.Issues.Where(HasUselessContent).Select(issue => issue.Rid).ToHashSet();
        rescued += GiveUp(repository, damaged);
        rows += CleanRows(repository);
        transaction.Commit();
        repository.Content.ForgetCached();
        var needsRebuild = damaged.Count > 0 || report.Issues.Any(issue => issue.Kind is
            VerifyIssueKind.NotAnArtifact or VerifyIssueKind.OrphanRows or VerifyIssueKind.DerivedRowsDiffer);
        return new RepairResult(damaged.Count, rescued, sizes, rows, needsRebuild);
    }

    /// <summary>
    /// Turns damaged artifacts into phantoms. Their intact deltas become full texts first; returns how many did.
    /// </summary>
    internal static int GiveUp(Repository repository, IReadOnlySet<RecordId> damaged)
    {
        var rescued = damaged.Sum(rid => RescueDependants(repository, rid, damaged));
        foreach (var rid in damaged)
        {
            new BlobRows(repository.Database).Empty(rid);
            repository.Content.Drop(rid);
        }

        return rescued;
    }

    // A delta of a damaged source stays: when the source arrives again, it is readable again.
    private static bool HasUselessContent(VerifyIssue issue) => issue.Kind is
        VerifyIssueKind.ContentMissing or VerifyIssueKind.NotInflatable or VerifyIssueKind.BadDelta
        or VerifyIssueKind.SourceMissing or VerifyIssueKind.DeltaLoop or VerifyIssueKind.WrongHash;

    // The text of an artifact with a wrong hash can be read, and its deltas may be intact all the same.
    private static int RescueDependants(Repository repository, RecordId rid, IReadOnlySet<RecordId> damaged)
    {
        var dependants = new List<RecordId>();
        using (var select = repository.Database.Prepare("SELECT rid FROM delta WHERE srcid=?1"))
        {
            select.Bind(1, rid);
            while (select.Step()) dependants.Add(select.Record(0));
        }

        var count = 0;
        foreach (var dependant in dependants)
        {
            if (damaged.Contains(dependant) || !repository.Content.IsTrue(dependant)) continue;
            if (repository.Content.Deltas.Undelta(dependant)) count++;
        }

        return count;
    }

    private static bool TryCorrectSize(Repository repository, RecordId rid)
    {
        if (repository.Content.Read(rid, out var text) != ContentState.Available) return false;

        using (text)
        using (var update = repository.Database.Prepare("UPDATE blob SET size=?2 WHERE rid=?1 AND size>=0"))
        {
            return update.Bind(1, rid).Bind(2, text!.Length).Run() > 0;
        }
    }

    private static int CleanRows(Repository repository)
    {
        var count = 0;
        foreach (var sql in (ReadOnlySpan<string>)
        [
            "DELETE FROM delta WHERE rid NOT IN (SELECT rid FROM blob WHERE size>=0)",
            "DELETE FROM private WHERE rid NOT IN (SELECT rid FROM blob)",
            "DELETE FROM unclustered WHERE rid NOT IN (SELECT rid FROM blob)",
            "DELETE FROM unsent WHERE rid NOT IN (SELECT rid FROM blob)",
            "DELETE FROM phantom WHERE rid NOT IN (SELECT rid FROM blob WHERE size<0)",
            "INSERT OR IGNORE INTO phantom(rid) SELECT rid FROM blob WHERE size<0",
        ])
        {
            using var statement = repository.Database.Prepare(sql);
            count += statement.Run();
        }

        return count;
    }
}
