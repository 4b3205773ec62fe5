using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>A file that a merge left to be decided.</summary>
/// <param name="Kind">conflict (markers), fork, binary, link, or removed (here) and changed (there).</param>
/// <param name="Base">Names of the contents, where they are known.</param>
public sealed record OpenConflict(string Name, string Kind, string? Base, string? Local, string? Remote);

/// <summary>The versions of a file with a conflict; null where it did not exist.</summary>
public sealed record ConflictVersions(byte[]? Base, byte[]? Local, byte[]? Remote);

/// <summary>What became of a conflict.</summary>
/// <param name="Conflicts">Places with markers that are left.</param>
public sealed record ConflictOutcome(bool WasOpen, int Conflicts);

/// <summary>
/// Lists and decides what merges of either program left: files with conflict markers, and those in
/// <see cref="ConflictLog"/>. What a decision replaces is in the undo log first.
/// </summary>
public static class CheckoutConflicts
{
    private const string Marked = "marked";

    /// <summary>By name.</summary>
    public static List<OpenConflict> List(WorkingCheckout checkout)
    {
        var recorded = checkout.Conflicts.List().ToDictionary(c => c.Name, StringComparer.Ordinal);
        var open = new List<OpenConflict>();
        foreach (var file in checkout.Refresh().Where(f => f is { IsDeleted: false, Change: not 0 }))
            if (checkout.HasConflictMarker(file.Name))
                open.Add(Describe(file.Name, "conflict", recorded.GetValueOrDefault(file.Name)));
        open.AddRange(recorded.Values.Where(c => c.Kind != Marked && !open.Exists(o => o.Name == c.Name))
            .Select(c => Describe(c.Name, c.Kind, c)));
        open.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return open;
    }

    /// <summary>The three versions; where a merge of stock left markers alone, with its joined lines in each.</summary>
    /// <exception cref="EdgeSyncException">The file has no conflict.</exception>
    public static ConflictVersions Versions(WorkingCheckout checkout, string name)
    {
        if (Recorded(checkout, name) is { } conflict)
            return new ConflictVersions(
                ContentOf(checkout, conflict.Base), conflict.Local, ContentOf(checkout, conflict.Remote));

        var text = MarkedText(checkout, name);
        return new ConflictVersions(
            ConflictText.Pick(text, ConflictSide.Base, out _), ConflictText.Pick(text, ConflictSide.Local, out _),
            ConflictText.Pick(text, ConflictSide.Remote, out _));
    }

    /// <summary>Writes one of the versions in place of the file.</summary>
    /// <exception cref="EdgeSyncException">The file has no conflict.</exception>
    public static void Pick(WorkingCheckout checkout, string name, ConflictSide side, string commandLine)
    {
        var versions = Versions(checkout, name);
        var content = side switch
        {
            ConflictSide.Base => versions.Base,
            ConflictSide.Local => versions.Local,
            _ => versions.Remote,
        };
        Write(checkout, name, content, PermissionOf(checkout, name, side), isDecided: true, commandLine);
    }

    /// <summary>Merges a file of <see cref="ConflictLog"/> again, from its versions.</summary>
    public static ConflictOutcome Merge(
        WorkingCheckout checkout, string name, MergeStrategy strategy, string commandLine)
    {
        if (strategy == MergeStrategy.LastWriterWins)
        {
            Pick(checkout, name, ConflictSide.Remote, commandLine);
            return new ConflictOutcome(true, 0);
        }

        if (strategy != MergeStrategy.ThreeWay)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{MergeStrategies.WordOf(strategy)} leaves the conflict as it is",
                "edgesync conflicts pick --help");

        var conflict = Recorded(checkout, name) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"the versions of {name} are not known here", "edgesync conflicts pick --help");
        var merged = conflict.Local is null ? null : ThreeWayMerge.Merge(
            ContentOf(checkout, conflict.Base), conflict.Local, ContentOf(checkout, conflict.Remote));
        if (merged is null)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{name} is not a text on all sides", "edgesync conflicts pick --help");

        Write(
            checkout, name, merged.Content.ToArray(), PermissionOf(checkout, name, ConflictSide.Local),
            isDecided: merged.Conflicts == 0, commandLine);
        return new ConflictOutcome(true, merged.Conflicts);
    }

    /// <summary>The file is as it should be.</summary>
    /// <exception cref="EdgeSyncException">It has conflict markers, or is not tracked.</exception>
    public static ConflictOutcome MarkResolved(WorkingCheckout checkout, string name)
    {
        RequireTracked(checkout, name);
        if (checkout.HasConflictMarker(name))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{name} still has conflict markers", "edgesync conflicts pick --help");

        var isOpen = Recorded(checkout, name) is not null;
        using var transaction = checkout.Tables.Database.Begin();
        checkout.Conflicts.Remove(name);
        transaction.Commit();
        return new ConflictOutcome(isOpen, 0);
    }

    private static void Write(
        WorkingCheckout checkout, string name, byte[]? content, FilePermission permission, bool isDecided,
        string commandLine)
    {
        checkout.RequireNothingInterrupted();
        var row = RequireTracked(checkout, name);
        var writer = new CheckoutWriter(checkout);
        writer.RequireRoom([name], new HashSet<string>());
        using (var transaction = checkout.Tables.Database.Begin())
        {
            checkout.Undo.Begin(commandLine);
            checkout.Undo.Save(name);
            transaction.Commit();
        }

        using (var transaction = checkout.Tables.Database.Begin())
        {
            if (content is null) writer.Remove(name);
            else writer.Write(name, content, permission);
            checkout.Tables.SetDeleted(row.Id, isDeleted: content is null);
            checkout.Tables.SetState(row.Id, row.Change, 0);
            if (isDecided) checkout.Conflicts.Decide(name, commandLine);
            checkout.Undo.Finish();
            transaction.Commit();
        }
    }

    private static TrackedFile RequireTracked(WorkingCheckout checkout, string name) =>
        checkout.Tables.Files(checkout.Version).Find(f => f.Name == name) ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{name} is not tracked", "edgesync conflicts");

    private static RecordedConflict? Recorded(WorkingCheckout checkout, string name) =>
        checkout.Conflicts.List().Find(c => c.Name == name);

    private static FilePermission PermissionOf(WorkingCheckout checkout, string name, ConflictSide side) =>
        Recorded(checkout, name) is not { } conflict ? checkout.StateOf(name).Permission
            : side == ConflictSide.Remote ? conflict.RemotePermission : conflict.LocalPermission;

    private static byte[] MarkedText(WorkingCheckout checkout, string name)
    {
        RequireTracked(checkout, name);
        return checkout.HasConflictMarker(name) ? DiskFiles.Read(checkout.Disk, name)
            : throw new EdgeSyncException(ErrorKind.NotFound, $"{name} has no conflict", "edgesync conflicts");
    }

    private static byte[] ContentOf(WorkingCheckout checkout, ArtifactId id)
    {
        using var content = checkout.Repository.Content.Get(id);
        return content.Span.ToArray();
    }

    private static OpenConflict Describe(string name, string kind, RecordedConflict? recorded) =>
        recorded is null ? new OpenConflict(name, kind, null, null, null)
            : new OpenConflict(
                name, kind, recorded.Base.ToString(),
                recorded.Local is null ? null
                    : ArtifactHash.Compute(recorded.Remote.Kind, recorded.Local).ToString(),
                recorded.Remote.ToString());
}
