using EdgeSync.Fossil.Checkout;

namespace EdgeSync.Storage.Checkout;

/// <summary>Gives unchanged files the time of the check-in that last changed them: <c>--setmtime</c>.</summary>
// Spec: mtime_of_manifest_file in manifest.c.
internal static class CheckoutTimes
{
    // A time in days has an error of some microseconds; milliseconds are what a check-in has.
    private const double DayFraction = 0.0005;

    public static void Set(WorkingCheckout checkout)
    {
        using var transaction = checkout.Tables.Database.Begin();
        foreach (var file in checkout.Refresh())
        {
            if (file.Change is not (ChangeState.Unchanged or ChangeState.UpdatedByMerge
                or ChangeState.UpdatedByIntegrate)) continue;
            if (Of(checkout, file) is not { } seconds || seconds == file.ModifiedSeconds) continue;

            if (checkout.Disk.SetModified(file.Name, seconds))
                checkout.Tables.SetState(file.Id, file.Change, checkout.StateOf(file.Name).ModifiedSeconds);
        }

        transaction.Commit();
    }

    /// <summary>The newest change to this content that the check-in descends from, in seconds; null if none.</summary>
    public static long? Of(WorkingCheckout checkout, TrackedFile file)
    {
        using var select = checkout.Repository.Database.Prepare(
            """
            WITH RECURSIVE ancestor(rid, mtime) AS (
              SELECT objid, mtime FROM event WHERE objid=?1
              UNION SELECT pid, event.mtime FROM ancestor JOIN plink ON cid=ancestor.rid
                JOIN event ON event.objid=pid WHERE isprim)
            SELECT (max(event.mtime)-2440587.5)*86400 FROM mlink JOIN event ON event.objid=mlink.mid
             WHERE mlink.fid=?2 AND mlink.mid IN (SELECT rid FROM ancestor)
            """);
        return select.Bind(1, checkout.Version).Bind(2, file.Merged).Step() && !select.IsNull(0)
            ? (long)Math.Floor(select.Double(0) + DayFraction)
            : null;
    }
}
