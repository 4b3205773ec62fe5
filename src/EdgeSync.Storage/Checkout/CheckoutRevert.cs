using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Brings files back to what a check-in has. What they are is kept for <c>undo</c> before the first is written.
/// Spec: revert_cmd in update.c.
/// </summary>
public static class CheckoutRevert
{
    /// <param name="checkout">Open.</param>
    /// <param name="paths">By their names in the checkout; none means everything.</param>
    /// <param name="version">The check-in, by default the one that is checked out; then files must be named.</param>
    /// <param name="commandLine">The whole line, for <c>undo</c>.</param>
    public static List<EditedFile> Run(
        WorkingCheckout checkout, IReadOnlyList<string> paths, RecordId version, string commandLine)
    {
        checkout.RequireNothingInterrupted();
        var isOther = !version.IsNone && version != checkout.Version;
        var isAll = paths.Count == 0 || paths.Contains("");
        if (isOther && isAll)
            throw new EdgeSyncException(
                ErrorKind.Usage, "the whole checkout can only be reverted to what is checked out",
                "edgesync update --help");

        var rows = checkout.Refresh(usesHash: false);
        var names = Choose(rows, paths, isAll, isOther);
        var target = TreeOf(checkout, isOther ? version : checkout.Version);
        var current = isOther ? TreeOf(checkout, checkout.Version) : target;
        var written = names.Where(target.ContainsKey).ToList();
        var writer = new CheckoutWriter(checkout);
        writer.RequireRoom(written, names.Except(written).ToHashSet(StringComparer.Ordinal));
        RequireContent(checkout, written.Select(n => target[n]));

        using (var transaction = checkout.Tables.Database.Begin())
        {
            checkout.Undo.Begin(commandLine);
            foreach (var name in names) checkout.Undo.Save(name);
            transaction.Commit();
        }

        using (var transaction = checkout.Tables.Database.Begin())
        {
            if (isAll) checkout.Tables.Database.Execute("DELETE FROM vmerge");
            var done = new List<EditedFile>();
            foreach (var name in names)
            {
                if (!target.TryGetValue(name, out var file)) done.Add(Leave(checkout, writer, rows, name));
                else done.Add(Restore(checkout, writer, file, current.GetValueOrDefault(name)));
            }

            writer.RemoveLeftFolders();
            checkout.Undo.Finish();
            transaction.Commit();
            checkout.Settings.Forget();
            return done;
        }
    }

    // A renamed file goes back with the name that it had.
    private static List<string> Choose(
        List<TrackedFile> rows, IReadOnlyList<string> paths, bool isAll, bool isOther)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (isAll) names.UnionWith(rows.Where(f => f.HasChange).Select(f => f.Name));
        else
            foreach (var path in paths)
            {
                var below = rows.Where(
                    f => IsBelow(f.Name, path) || (f.OriginalName is { } before && IsBelow(before, path))).ToList();
                if (below.Count > 0 && isOther)
                    throw new EdgeSyncException(
                        ErrorKind.Usage, "folders can only be reverted to what is checked out", "name their files");
                if (below.Count > 0)
                {
                    names.UnionWith(below.Where(f => f.HasChange).Select(f => f.Name));
                    continue;
                }

                names.Add(path);
                names.UnionWith(rows.Where(f => f.OriginalName == path).Select(f => f.Name));
            }

        names.UnionWith(rows.Where(f => f.IsRenamed && names.Contains(f.Name)).Select(f => f.OriginalName!).ToList());
        return [.. names];
    }

    private static bool IsBelow(string name, string folder) =>
        name.StartsWith(folder, StringComparison.Ordinal) && name.Length > folder.Length && name[folder.Length] == '/';

    private static Dictionary<string, TreeFile> TreeOf(WorkingCheckout checkout, RecordId version) => version.IsNone
        ? []
        : TreeFile.AllOf(CheckInTree.Load(checkout.Repository, version))
            .ToDictionary(f => f.Name, StringComparer.Ordinal);

    private static void RequireContent(WorkingCheckout checkout, IEnumerable<TreeFile> files)
    {
        var missing = files.Where(
            f => checkout.Repository.Content.Find(f.Id) is var rid
                && (rid.IsNone || !checkout.Repository.Content.IsAvailable(rid))).Select(f => f.Name).ToList();
        if (missing.Count > 0) throw CheckoutOpening.Missing(missing);
    }

    private static EditedFile Leave(
        WorkingCheckout checkout, CheckoutWriter writer, List<TrackedFile> rows, string name)
    {
        var row = rows.Find(f => f.Name == name) ?? rows.Find(f => f.OriginalName == name);
        var action = row is null || row.IsAdded ? "UNMANAGE" : "DELETE";
        if (action == "DELETE") writer.Remove(name);

        var database = checkout.Tables.Database;
        using var back = database.Prepare(
            "UPDATE OR REPLACE vfile SET pathname=origname, origname=NULL WHERE pathname=?1 AND origname!=pathname");
        back.BindText(1, PathText.ToBytes(name)).Run();
        using var delete = database.Prepare("DELETE FROM vfile WHERE pathname=?1");
        delete.BindText(1, PathText.ToBytes(name)).Run();
        return new EditedFile(action, name);
    }

    private static EditedFile Restore(
        WorkingCheckout checkout, CheckoutWriter writer, TreeFile file, TreeFile? current)
    {
        var isChanged = current is not null && (current.Id != file.Id || current.Permission != file.Permission);
        var content = checkout.Repository.Content.Find(file.Id);
        var seconds = writer.Write(file.Name, content, file.Permission);
        using var update = checkout.Tables.Database.Prepare(
            """
            UPDATE vfile SET mtime=?1, chnged=?2, deleted=0, isexe=?3, islink=?4, mrid=rid, mhash=NULL
             WHERE pathname=?5 OR origname=?5
            """);
        update.Bind(1, seconds).Bind(2, isChanged ? 1 : 0)
            .Bind(3, file.Permission == FilePermission.Executable ? 1 : 0)
            .Bind(4, file.Permission == FilePermission.Symlink ? 1 : 0)
            .BindText(5, PathText.ToBytes(file.Name)).Run();
        return new EditedFile("REVERT", file.Name);
    }
}
