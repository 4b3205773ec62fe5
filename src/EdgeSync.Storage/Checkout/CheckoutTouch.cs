using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Which time <c>touch</c> gives to files.</summary>
public enum TouchTime
{
    /// <summary>The present.</summary>
    Now,

    /// <summary>That of the check-in that last changed the file.</summary>
    Checkin,

    /// <summary>That of the check-in that is checked out.</summary>
    Checkout,
}

/// <summary>What <c>touch</c> did.</summary>
/// <param name="Touched">Files whose time was another one.</param>
/// <param name="Skipped">Files that kept theirs, and why.</param>
public sealed record TouchOutcome(IReadOnlyList<string> Touched, IReadOnlyList<SkippedFile> Skipped);

/// <summary>Gives tracked files another time of modification. Spec: touch_cmd in file.c.</summary>
public static class CheckoutTouch
{
    /// <param name="checkout">Open.</param>
    /// <param name="time">Which time.</param>
    /// <param name="names">Names of files; without them, and without globs, all.</param>
    /// <param name="globs">Globs from the top of the checkout; null for none.</param>
    /// <param name="isDryRun">Nothing is written.</param>
    /// <exception cref="EdgeSyncException">Nothing is checked out.</exception>
    public static TouchOutcome Run(
        WorkingCheckout checkout, TouchTime time, IReadOnlyList<string> names, NameGlob? globs, bool isDryRun)
    {
        if (checkout.Version.IsNone)
            throw new EdgeSyncException(ErrorKind.NotFound, "nothing is checked out", "edgesync update");

        var files = checkout.Tables.Files(checkout.Version);
        var touched = new List<string>();
        var skipped = new List<SkippedFile>();
        long? fixedTime = time switch
        {
            TouchTime.Now => checkout.Repository.Now.UnixSeconds,
            TouchTime.Checkout => checkout.Repository.DateOf(checkout.Version)?.UnixSeconds,
            _ => null,
        };
        if (globs is not null || names.Count == 0)
        {
            foreach (var file in files.Where(f => globs is null || globs.MatchesWhole(f.Name))) Touch(file);
        }

        foreach (var name in names)
        {
            if (files.Find(f => checkout.Names.Equals(f.Name, name)) is { } file) Touch(file);
            else skipped.Add(new SkippedFile(name, "is not tracked"));
        }

        return new TouchOutcome(touched, skipped);

        void Touch(TrackedFile file)
        {
            var seconds = time == TouchTime.Checkin ? CheckoutTimes.Of(checkout, file) : fixedTime;
            if (seconds is not > 0) skipped.Add(new SkippedFile(file.Name, "has no time yet"));
            else if (checkout.StateOf(file.Name) is not { IsFile: true } disk)
                skipped.Add(new SkippedFile(file.Name, "is missing"));
            else if (disk.ModifiedSeconds != seconds
                && (isDryRun || checkout.Disk.SetModified(file.Name, seconds.Value))) touched.Add(file.Name);
        }
    }
}
