using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Checkout;

/// <summary>The check-ins of a merge.</summary>
/// <param name="Version">What is merged in.</param>
/// <param name="Ancestor">What both sides are compared with.</param>
/// <param name="NamePivot">From where renames are followed.</param>
/// <param name="Named">The check-in that was named: of a backout it is the ancestor.</param>
/// <param name="Kind">Integrate only where the leaf can be closed.</param>
public sealed record MergeSides(
    RecordId Version, RecordId Ancestor, RecordId NamePivot, RecordId Named, MergeKind Kind)
{
    /// <summary>The ancestor is above the check-in that is checked out.</summary>
    public bool AncestorIsAbove { get; init; } = true;

    /// <summary>The check-in was found: it is the newest fork of the branch.</summary>
    public bool IsFork { get; init; }

    /// <summary>Why the leaf is not closed, although it was requested.</summary>
    public string? NotIntegrated { get; init; }

    /// <exception cref="EdgeSyncException">There is nothing to merge, or the options exclude each other.</exception>
    internal static MergeSides Find(WorkingCheckout checkout, CheckoutMergeOptions options)
    {
        var (repository, here) = (checkout.Repository, checkout.Version);
        if (here.IsNone)
            throw new EdgeSyncException(ErrorKind.Usage, "nothing is checked out", "edgesync update VERSION");
        if (!options.IsForced && new TagWriter(repository).IsClosed(here))
            throw new EdgeSyncException(
                ErrorKind.Conflict, "cannot merge into a closed leaf", "edgesync merge --force");

        var named = options.Version.IsNone ? NearestFork(checkout, options) : options.Version;
        var sides = options.Kind switch
        {
            MergeKind.Cherrypick => OfOne(repository, named, options.Kind),
            MergeKind.Backout => OfOne(repository, named, options.Kind),
            _ => OfLine(checkout, named, options),
        };
        return sides with { IsFork = options.Version.IsNone };
    }

    private static MergeSides OfOne(Repository repository, RecordId named, MergeKind kind)
    {
        var parent = Ancestry.PrimaryParentOf(repository, named);
        if (parent.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"cannot find an ancestor for {repository.Content.NameOf(named)}",
                "edgesync merge --help");

        return kind == MergeKind.Backout ? new MergeSides(parent, named, named, named, kind)
            : new MergeSides(named, parent, parent, named, kind);
    }

    private static MergeSides OfLine(WorkingCheckout checkout, RecordId named, CheckoutMergeOptions options)
    {
        var (repository, here) = (checkout.Repository, checkout.Version);
        var ancestor = options.Baseline.IsNone
            ? MergeBase.Find(
                repository, named,
                [here, .. checkout.Tables.Merges().Where(m => m.Kind == 0).Select(m => m.Merged)],
                ignoresMerges: false)
            : options.Baseline;
        if (ancestor.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound,
                $"cannot find a common ancestor between the current check-out and "
                    + $"{repository.Content.NameOf(named)}",
                "edgesync merge --baseline VERSION");

        var pivot = MergeBase.Find(repository, named, [here], ignoresMerges: true);
        if (!pivot.IsNone && pivot != ancestor)
            pivot = MergeBase.Find(repository, pivot, [ancestor], ignoresMerges: true);
        if (pivot.IsNone) pivot = ancestor;

        var refusal = options.Kind == MergeKind.Integrate ? WhyNotIntegrated(repository, named) : null;
        return new MergeSides(named, ancestor, pivot, named, refusal is null ? options.Kind : MergeKind.Merge)
        {
            NotIntegrated = refusal,
            AncestorIsAbove = options.Baseline.IsNone || IsAbove(repository, here, ancestor, pivot),
        };
    }

    private static string? WhyNotIntegrated(Repository repository, RecordId named)
    {
        using var leaf = repository.Database.Prepare("SELECT 1 FROM leaf WHERE rid=?1");
        if (!leaf.Bind(1, named).Step()) return "it is not a leaf";

        return repository.Content.IsPrivate(named) ? "it is on a private branch" : null;
    }

    private static bool IsAbove(Repository repository, RecordId here, RecordId ancestor, RecordId pivot)
    {
        using var select = repository.Database.Prepare(
            """
            WITH RECURSIVE above(rid) AS (
              SELECT ?1 UNION SELECT pid FROM plink JOIN above ON cid=above.rid WHERE pid!=?2 AND cid!=?3)
            SELECT 1 FROM above WHERE rid=?3 LIMIT 1
            """);
        return select.Bind(1, here).Bind(2, pivot).Bind(3, ancestor).Step();
    }

    // Spec: fossil_find_nearest_fork in merge.c.
    private static RecordId NearestFork(WorkingCheckout checkout, CheckoutMergeOptions options)
    {
        if (options.Kind != MergeKind.Merge)
            throw new EdgeSyncException(
                ErrorKind.Usage, "cannot use --backout, --cherrypick or --integrate with a fork merge",
                "name the check-in");

        var merged = checkout.Tables.Merges().Select(m => m.Merged).ToHashSet();
        using var select = checkout.Repository.Database.Prepare(
            """
            SELECT leaf.rid FROM leaf JOIN event ON event.objid=leaf.rid
             WHERE leaf.rid!=?1
               AND NOT EXISTS(SELECT 1 FROM tagxref WHERE rid=leaf.rid AND tagid=9 AND tagtype>0)
               AND (SELECT value FROM tagxref WHERE tagid=8 AND rid=?1 AND tagtype>0)
                  =(SELECT value FROM tagxref WHERE tagid=8 AND rid=leaf.rid AND tagtype>0)
             ORDER BY event.mtime DESC
            """);
        select.Bind(1, checkout.Version);
        while (select.Step())
            if (!merged.Contains(select.Record(0))) return select.Record(0);

        throw new EdgeSyncException(
            ErrorKind.NotFound,
            $"no unmerged forks of branch \"{Branches.Of(checkout.Repository, checkout.Version)}\"",
            "edgesync merge VERSION");
    }
}
