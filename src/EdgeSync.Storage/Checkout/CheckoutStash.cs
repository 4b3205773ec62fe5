using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>How a stash is put into the working files.</summary>
public sealed record StashApplyOptions
{
    /// <summary>The whole line, for <c>undo</c>.</summary>
    public required string CommandLine { get; init; }

    /// <summary>The stash is dropped afterwards.</summary>
    public bool Pops { get; init; }

    /// <summary>The checkout goes to the check-in of the stash first.</summary>
    public bool GoesToBase { get; init; }
}

/// <summary>What became of the working files.</summary>
/// <param name="Update">What going to another check-in did; null when it did not.</param>
public sealed record StashOutcome(
    IReadOnlyList<UpdatedFile> Files, int Conflicts, UpdateOutcome? Update, RecordId Before, RecordId After);

/// <summary>
/// Changes put aside and brought back. What is put aside is committed to the checkout database before the first file
/// is reverted, and what files are is in the undo log before the first is written: a command that is killed loses
/// nothing. Spec: stash.c.
/// </summary>
public static class CheckoutStash
{
    /// <summary>The oldest first.</summary>
    public static IReadOnlyList<StashEntry> Entries(WorkingCheckout checkout) => new StashTables(checkout).Entries();

    public static IReadOnlyList<StashedFile> Files(WorkingCheckout checkout, StashEntry entry) =>
        new StashTables(checkout).Files(entry.Id);

    /// <summary>What was put aside of a file.</summary>
    public static byte[] TextOf(WorkingCheckout checkout, StashedFile file) => new StashTables(checkout).TextOf(file);

    /// <summary>A working file, or the target of a link; nothing where nothing is.</summary>
    public static byte[] Read(WorkingCheckout checkout, string name)
    {
        if (checkout.Disk.Find(name) is not { } entry) return [];
        if (entry.Kind == DiskKind.Link) return checkout.Disk.ReadLink(name);

        using var stream = checkout.Disk.OpenRead(name);
        var content = new byte[stream.Length];
        var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..length];
    }

    /// <summary>The entry of that number, or the newest.</summary>
    /// <exception cref="EdgeSyncException">There is none.</exception>
    public static StashEntry Find(WorkingCheckout checkout, string? number)
    {
        var entries = Entries(checkout);
        if (number is null)
            return entries.MaxBy(e => e.Id)
                ?? throw new EdgeSyncException(ErrorKind.NotFound, "empty stash", "edgesync stash save");

        return long.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out var id)
            && entries.FirstOrDefault(e => e.Id == id) is { } entry
            ? entry
            : throw new EdgeSyncException(ErrorKind.NotFound, $"no such stash: {number}", "edgesync stash ls");
    }

    /// <summary>Puts changes aside.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="comment">Null: none.</param>
    /// <param name="paths">Files and folders; none means every change.</param>
    /// <param name="reverts">The files become what the check-in has.</param>
    /// <param name="commandLine">The whole line, for <c>undo</c>.</param>
    /// <returns>The number, and what was reverted.</returns>
    /// <exception cref="EdgeSyncException">Nothing has changed.</exception>
    public static (long Id, List<EditedFile> Reverted) Save(
        WorkingCheckout checkout, string? comment, IReadOnlyList<string> paths, bool reverts, string commandLine)
    {
        checkout.RequireNothingInterrupted();
        var rows = checkout.Refresh();
        var chosen = rows.Where(f => (f.HasChange || f.OriginalName is not null || f.Merged.IsNone)
            && (CheckoutChanges.IsBelow(f.Name, paths)
                || (f.OriginalName is { } before && CheckoutChanges.IsBelow(before, paths))))
            .OrderBy(f => f.Id).ToList();
        if (!rows.Any(f => f.HasChange) || chosen.Count == 0)
            throw new EdgeSyncException(ErrorKind.NotFound, "nothing to stash", "edgesync changes");

        long id;
        using (var transaction = checkout.Tables.Database.Begin())
        {
            id = new StashTables(checkout).Add(comment, chosen.Select(f => Stashed(checkout, f)));
            transaction.Commit();
        }

        return (id, reverts
            ? CheckoutRevert.Run(
                checkout, [.. chosen.Select(f => f.OriginalName ?? f.Name).Distinct()], RecordId.None, commandLine)
            : []);
    }

    /// <summary>Drops entries; undo restores them.</summary>
    public static void Drop(WorkingCheckout checkout, IReadOnlyList<StashEntry> entries, string commandLine)
    {
        checkout.RequireNothingInterrupted();
        var tables = new StashTables(checkout);
        using var transaction = checkout.Tables.Database.Begin();
        checkout.Undo.Begin(commandLine);
        foreach (var entry in entries)
        {
            checkout.Undo.SaveStash(entry.Id);
            tables.Remove(entry.Id);
        }

        checkout.Undo.Finish();
        transaction.Commit();
    }

    /// <summary>Drops all entries; undo does not restore them.</summary>
    public static void Clear(WorkingCheckout checkout) => new StashTables(checkout).Clear();

    /// <summary>Brings the changes of an entry into the working files, merged with what was edited meanwhile.</summary>
    public static StashOutcome Apply(WorkingCheckout checkout, StashEntry entry, StashApplyOptions options)
    {
        checkout.RequireNothingInterrupted();
        var before = checkout.Version;
        var tables = new StashTables(checkout);
        var files = tables.Files(entry.Id);
        RequireRoom(checkout, files);
        var update = options.GoesToBase ? GoTo(checkout, entry, options.CommandLine) : null;
        using (var transaction = checkout.Tables.Database.Begin())
        {
            if (update is null) checkout.Undo.Begin(options.CommandLine);
            else checkout.Undo.Continue(options.CommandLine);
            foreach (var name in files.SelectMany(f => (string[])[f.Name, f.OriginalName]).Distinct())
                checkout.Undo.Save(name);
            if (options.Pops) checkout.Undo.SaveStash(entry.Id);
            transaction.Commit();
        }

        using (var transaction = checkout.Tables.Database.Begin())
        {
            var run = new StashRun(checkout, tables);
            foreach (var file in files) run.Apply(file);
            if (options.Pops) tables.Remove(entry.Id);
            checkout.Undo.Finish();
            transaction.Commit();
            checkout.Settings.Forget();
            return new StashOutcome(run.Files, run.Conflicts, update, before, checkout.Version);
        }
    }

    private static UpdateOutcome GoTo(WorkingCheckout checkout, StashEntry entry, string commandLine)
    {
        var target = ArtifactId.TryParse(System.Text.Encoding.ASCII.GetBytes(entry.Hash), out var id)
            ? checkout.Repository.Content.Find(id) : RecordId.None;
        if (target.IsNone)
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"the repository lacks the check-in of stash {entry.Id}", "edgesync repo pull");

        return CheckoutUpdate.Run(checkout, new CheckoutUpdateOptions { CommandLine = commandLine, Target = target });
    }

    private static void RequireRoom(WorkingCheckout checkout, List<StashedFile> files)
    {
        var leaving = files.Where(f => f.IsRemoved || f.OriginalName != f.Name).Select(f => f.OriginalName)
            .ToHashSet(StringComparer.Ordinal);
        new CheckoutWriter(checkout).RequireRoom(files.Where(f => !f.IsRemoved).Select(f => f.Name), leaving);
        var missing = files.Where(f => !f.Base.IsNone && !checkout.Repository.Content.IsAvailable(f.Base))
            .Select(f => f.Name).ToList();
        if (missing.Count > 0) throw CheckoutOpening.Missing(missing);
    }

    // A file that is missing goes into the stash as a removed one.
    private static StashedFile Stashed(WorkingCheckout checkout, TrackedFile file)
    {
        var state = checkout.StateOf(file.Name);
        var isRemoved = !file.Merged.IsNone && (file.IsDeleted || !state.IsFile);
        var content = isRemoved || !state.IsFile ? [] : Read(checkout, file.Name);
        return new StashedFile
        {
            Name = file.Name,
            OriginalName = file.OriginalName ?? file.Name,
            IsAdded = file.Merged.IsNone,
            IsRemoved = isRemoved,
            Permission = isRemoved || OperatingSystem.IsWindows() ? file.Permission : state.Permission,
            Base = file.Merged,
            Delta = file.Merged.IsNone ? content : isRemoved ? [] : DeltaTo(checkout, file.Merged, content),
        };
    }

    private static byte[] DeltaTo(WorkingCheckout checkout, RecordId origin, byte[] content)
    {
        using var text = checkout.Repository.Content.Get(origin);
        return DeltaEncoder.Encode(text.Span, content);
    }
}

/// <summary>Writes the files of a stash.</summary>
internal sealed class StashRun(WorkingCheckout checkout, StashTables tables)
{
    private readonly CheckoutWriter _writer = new(checkout);
    private readonly Dictionary<string, TrackedFile> _rows = RowsOf(checkout);
    private readonly List<UpdatedFile> _files = [];

    public IReadOnlyList<UpdatedFile> Files => _files;

    public int Conflicts { get; private set; }

    public void Apply(StashedFile file)
    {
        if (file.Base.IsNone) Add(file);
        else if (file.IsRemoved) Remove(file);
        else Change(file);
    }

    private void Add(StashedFile file)
    {
        var seconds = _writer.Write(file.Name, tables.TextOf(file), file.Permission);
        if (Row(file.Name) is { } row)
        {
            checkout.Tables.SetDeleted(row.Id, isDeleted: false);
            checkout.Tables.SetState(row.Id, ChangeState.Edited, seconds);
        }
        else
        {
            checkout.Tables.Add(checkout.Version, file.Name, file.Permission);
        }

        _files.Add(new UpdatedFile("ADDED", file.Name));
    }

    private void Remove(StashedFile file)
    {
        _writer.Remove(file.OriginalName);
        _files.Add(new UpdatedFile("DELETE", file.OriginalName));
    }

    private void Change(StashedFile file)
    {
        var state = checkout.StateOf(file.OriginalName);
        var isLink = file.Permission == FilePermission.Symlink;
        var local = CheckoutStash.Read(checkout, file.OriginalName);
        using var origin = checkout.Repository.Content.Get(file.Base);
        var text = tables.TextOf(file);
        var isSameKind = !state.Exists || isLink == (state.Permission == FilePermission.Symlink);
        if (isSameKind && (!state.Exists || origin.Span.SequenceEqual(local))) Write("UPDATE", file, text);
        else if (isLink || !isSameKind || state.Permission == FilePermission.Symlink) Conflict(file, "symlink");
        else Merge(file, origin.Span.ToArray(), local, text);
    }

    private void Merge(StashedFile file, byte[] origin, byte[] local, byte[] text)
    {
        var merged = text.AsSpan().SequenceEqual(local) ? new MergedText(local, 0)
            : ThreeWayMerge.Merge(origin, local, text);
        if (merged is { Conflicts: 0 })
        {
            Write("MERGE", file, merged.Content.Span);
            return;
        }

        Keep(file.OriginalName, "baseline", origin);
        Keep(file.OriginalName, "original", local);
        Keep(file.OriginalName, "merge", text);
        if (merged is null)
        {
            Conflict(file, "binary file");
            return;
        }

        Conflicts++;
        Write("CONFLICT", file, merged.Content.Span);
    }

    private void Keep(string name, string suffix, byte[] content) => checkout.Disk.Write(
        checkout.FreeName(name, suffix), content, FilePermission.Regular, replace: false);

    private void Conflict(StashedFile file, string kind)
    {
        Conflicts++;
        _files.Add(new UpdatedFile("CONFLICT", file.Name, null, $"Cannot merge {kind} {file.Name}"));
    }

    private void Write(string action, StashedFile file, ReadOnlySpan<byte> content)
    {
        var seconds = _writer.Write(file.Name, content, file.Permission);
        if (file.OriginalName != file.Name)
        {
            _writer.Remove(file.OriginalName);
            Rename(file);
        }

        // The content decides at the next look: the time alone could be that of the check-in's own file.
        if (Row(file.Name) is { } row) checkout.Tables.SetState(row.Id, ChangeState.Edited, seconds);
        _files.Add(new UpdatedFile(action, file.Name));
    }

    private void Rename(StashedFile file)
    {
        if (Row(file.Name) is not null || !_rows.Remove(file.OriginalName, out var row)) return;

        _rows[file.Name] = row with { Name = file.Name, OriginalName = row.OriginalName ?? row.Name };
        using var update = checkout.Tables.Database.Prepare("UPDATE vfile SET pathname=?1, origname=?2 WHERE id=?3");
        update.BindText(1, PathText.ToBytes(file.Name)).BindText(2, PathText.ToBytes(row.OriginalName ?? row.Name))
            .Bind(3, row.Id).Run();
    }

    private TrackedFile? Row(string name) => _rows.GetValueOrDefault(name);

    private static Dictionary<string, TrackedFile> RowsOf(WorkingCheckout checkout)
    {
        var rows = new Dictionary<string, TrackedFile>(checkout.Names);
        foreach (var file in checkout.Tables.Files(checkout.Version)) rows.TryAdd(file.Name, file);
        return rows;
    }
}
