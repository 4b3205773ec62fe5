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

        // As stock: where files are named, the rows of the others stay as they are.
        var rows = checkout.Refresh(usesHash: false, [], isNoted: isAll);
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

            // What goes may lie where a folder was.
            var done = names.Where(n => !target.ContainsKey(n)).ToDictionary(
                name => name, name => Leave(checkout, writer, rows, name), StringComparer.Ordinal);
            writer.RemoveLeftFolders();
            foreach (var name in written)
                done[name] = Restore(checkout, writer, target[name], current.GetValueOrDefault(name));
            checkout.Undo.Finish();
            transaction.Commit();
            checkout.Settings.Forget();
            return names.ConvertAll(name => done[name]);
        }
    }

    // As they are tracked; a renamed file goes back with the name that it had, behind the others.
    private static List<string> Choose(
        List<TrackedFile> rows, IReadOnlyList<string> paths, bool isAll, bool isOther)
    {
        var names = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        var ordered = rows.OrderBy(f => f.Id).ToList();
        if (isAll) Take(ordered.Where(f => f.HasChange).Select(f => f.Name));
        else
            foreach (var path in paths)
            {
                var below = ordered.Where(
                    f => IsBelow(f.Name, path) || (f.OriginalName is { } before && IsBelow(before, path))).ToList();
                if (below.Count > 0 && isOther)
                    throw new EdgeSyncException(
                        ErrorKind.Usage, "folders can only be reverted to what is checked out", "name their files");
                if (below.Count > 0)
                {
                    Take(below.Where(f => f.HasChange).Select(f => f.Name));
                    continue;
                }

                Take([path]);
                Take(ordered.Where(f => f.OriginalName == path).Select(f => f.Name));
            }

        Take([.. ordered.Where(f => f.IsRenamed && known.Contains(f.Name)).Select(f => f.OriginalName!)]);
        return names;

        void Take(IEnumerable<string> more)
        {
            foreach (var name in more)
                if (known.Add(name)) names.Add(name);
        }
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
