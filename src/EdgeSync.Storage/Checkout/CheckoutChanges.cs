using EdgeSync.Fossil.Checkout;

namespace EdgeSync.Storage.Checkout;

/// <summary>The lists of <c>changes</c>, <c>status</c> and <c>extras</c>. Spec: status_report in checkin.c.</summary>
public static class CheckoutChanges
{
    /// <param name="checkout">Open.</param>
    /// <param name="filter">Which changes.</param>
    /// <param name="paths">Files and folders, by their names in the checkout; none means all.</param>
    /// <param name="untracked">What is left out of files that are not tracked.</param>
    /// <param name="usesHash">Reads every file.</param>
    public static List<ChangeLine> List(
        WorkingCheckout checkout, ChangeFilter filter, IReadOnlyList<string> paths, UntrackedFilter untracked,
        bool usesHash)
    {
        var files = checkout.Refresh(usesHash);
        var lines = new List<ChangeLine>();
        foreach (var file in files.Where(f => IsBelow(f.Name, paths)))
        {
            if (!file.HasChange && (filter & ChangeFilter.Unchanged) == 0) continue;

            var line = ChangeClass.Of(
                file, checkout.StateOf(file.Name), filter, () => checkout.HasConflictMarker(file.Name));
            if (line is not null) lines.Add(line);
        }

        if ((filter & ChangeFilter.Extra) != 0)
        {
            lines.AddRange(Extras(checkout, files, paths, untracked).Select(n => new ChangeLine("EXTRA", n)));
            lines.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        }

        // A loop: Select behind Where is a generic virtual call, whose first one loads types.
        if ((filter & ChangeFilter.Merge) != 0)
            foreach (var merge in checkout.Tables.Merges())
                if (merge.Kind <= 0) lines.Add(new ChangeLine(ChangeClass.OfMerge(merge.Kind), merge.Hash));
        return lines;
    }

    /// <summary>Files that are not tracked, by name.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="files">Those that are.</param>
    /// <param name="paths">Where to look; none means everywhere.</param>
    /// <param name="filter">What is left out.</param>
    public static List<string> Extras(
        WorkingCheckout checkout, IReadOnlyList<TrackedFile> files, IReadOnlyList<string> paths,
        UntrackedFilter filter)
    {
        var tracked = files.Select(f => f.Name).ToHashSet(checkout.Names);
        var rules = checkout.Rules(filter, tracked);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var path in paths.Count == 0 ? [""] : paths)
        {
            if (path.Length == 0 || checkout.Disk.Find(path) is { Kind: DiskKind.Folder })
                names.UnionWith(checkout.Untracked(path, filter, tracked).Files.Keys);
            else if (checkout.Disk.Find(path) is { Kind: DiskKind.Regular or DiskKind.Link } entry
                && !tracked.Contains(path) && !rules.IsReserved(entry)) names.Add(path);
        }

        return [.. names];
    }

    /// <summary>Whether a name is one of the paths or lies below one; without paths each is.</summary>
    public static bool IsBelow(string name, IReadOnlyList<string> paths)
    {
        if (paths.Count == 0) return true;

        foreach (var path in paths)
            if (path.Length == 0 || name == path
                || (name.StartsWith(path, StringComparison.Ordinal) && name[path.Length] == '/')) return true;
        return false;
    }
}
