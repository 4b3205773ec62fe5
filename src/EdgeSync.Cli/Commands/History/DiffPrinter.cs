using System.Buffers;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.History;

/// <summary>What of a comparison is printed besides the differences themselves.</summary>
/// <param name="IsBrief">Only what happened to each file.</param>
/// <param name="IsVerbose">New and deleted files with their text.</param>
/// <param name="IsStat">A bar for each file.</param>
internal sealed record DiffView(DiffFormat Format, bool IsBrief, bool IsVerbose, bool IsStat)
{
    /// <summary>The newer side is the disk: tracked files that are missing there. Null: two check-ins.</summary>
    public IReadOnlySet<string>? Missing { get; init; }

    public bool IsCounted => Format.Layout == DiffLayout.Counts;
}

/// <summary>Prints a comparison of two trees, file by file, as stock does.</summary>
// Spec: diff_two_versions, diff_manifest_entry and diff_print_filenames in diffcmd.c.
internal sealed class DiffPrinter(IComparedTree from, IComparedTree to, DiffView view, Output output)
{
    private const int FlushBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _text = new(FlushBytes);
    private readonly List<DiffFile> _files = [];

    /// <summary>Prints all of it; with <c>--json</c> one report.</summary>
    public void Print(string fromHash, string toHash, IEnumerable<TreeChange> changes)
    {
        foreach (var change in changes)
        {
            if (output.IsJson || view.IsStat) _files.Add(FileOf(change));
            else Print(change);
            Flush(FlushBytes);
        }

        var report = new DiffReport(fromHash, toHash, _files);
        if (output.IsJson || view.IsStat)
        {
            output.Write(report);
            return;
        }

        if (view.IsCounted)
            FileDiffText.Put(
                _text, $"{_inserted,10} {_deleted,10} TOTAL over {_counted} changed files\n");
        Flush(0);
    }

    private int _inserted, _deleted, _counted;

    private void Print(TreeChange change)
    {
        // Stock compares the disk row by row: it prints nothing for a new name alone.
        var isRename = change.IsRenamed && !(output.IsStock && view.Missing is not null);
        if (change.IsRenamed && !isRename && change.From!.Id == change.To!.Id) return;

        var isMissing = change.To is null && view.Missing?.Contains(change.Named.Name) == true;
        var word = change switch
        {
            _ when isRename => "RENAMED ",
            { To: null } => isMissing ? "MISSING " : "DELETED ",
            { From: null } => "ADDED   ",
            _ => view.IsBrief ? "CHANGED " : "",
        };
        if (word.Length > 0 && !view.IsCounted)
        {
            FileDiffText.Put(_text, word);
            if (view.Missing is not null) _text.Write(" "u8);
            _text.Write(NameOf(change));
            if (isRename)
            {
                FileDiffText.Put(_text, " -> ");
                _text.Write(change.To!.Path);
            }

            _text.Write("\n"u8);
        }

        var isWhole = change is { From: not null, To: not null };
        if (view.IsBrief || !(isWhole || view.IsVerbose || view.IsCounted)) return;

        // A new name alone has no lines.
        if (view.Missing is not null && isWhole && change.From!.Id == change.To!.Id) return;

        Entry(change);
    }

    private void Entry(TreeChange change)
    {
        var name = NameOf(change);
        if (view.Format.Layout is DiffLayout.Unified or DiffLayout.Steps) FileDiffText.PutIndex(_text, name);
        if (!view.IsCounted)
            FileDiffText.PutNames(_text, name, NewNameOf(change, name), view.Format);
        var counts = FileDiff.Write(Read(from, change.From), Read(to, change.To), view.Format, _text);
        if (view.IsCounted)
        {
            _text.Write(" "u8);
            _text.Write(name);
            Count(counts);
        }

        _text.Write("\n"u8);
    }

    private byte[] NameOf(TreeChange change) =>
        output.IsStock && view.Missing is not null ? change.NameNow : change.Named.Path;

    // Stock has this name only where the newer side is the disk.
    private byte[] NewNameOf(TreeChange change, byte[] name) =>
        change.IsRenamed ? change.To!.Path
        : change.To is null && view.Missing is not null ? "/dev/null"u8.ToArray()
        : name;

    private void Count(DiffCounts counts)
    {
        _inserted += counts.Inserted;
        _deleted += counts.Deleted;
        if (counts.Inserted + counts.Deleted > 0) _counted++;
    }

    private static ReadOnlyMemory<byte> Read(IComparedTree side, ComparedFile? file) =>
        file is null ? default(ReadOnlyMemory<byte>) : side.Read(file);

    private DiffFile FileOf(TreeChange change)
    {
        var text = new ArrayBufferWriter<byte>();
        var format = view.Format with { Layout = DiffLayout.Unified, IsColoured = false, ShowsControls = false };
        var counts = view.IsBrief
            ? default : FileDiff.Write(Read(from, change.From), Read(to, change.To), format, text);
        return new DiffFile(
            change.To?.Name ?? change.From!.Name,
            change switch
            {
                { IsRenamed: true } => "renamed",
                { To: null } => "deleted",
                { From: null } => "added",
                _ => "changed",
            },
            change.IsRenamed ? change.From!.Name : null, counts.Inserted, counts.Deleted, counts.IsBinary,
            view.IsBrief || view.IsCounted || view.IsStat ? null : Encoding.UTF8.GetString(text.WrittenSpan));
    }

    private void Flush(int above)
    {
        if (_text.WrittenCount <= above) return;

        output.Raw.Write(_text.WrittenSpan);
        _text.ResetWrittenCount();
    }
}

/// <summary>The lines around the difference of one file.</summary>
internal static class FileDiffText
{
    public static void Put(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>What <c>patch</c> looks for.</summary>
    public static void PutIndex(IBufferWriter<byte> output, ReadOnlySpan<byte> name)
    {
        output.Write("Index: "u8);
        output.Write(name);
        Put(output, "\n" + new string('=', 66) + "\n");
    }

    /// <summary>Both names, as the layout has them.</summary>
    public static void PutNames(
        IBufferWriter<byte> output, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, DiffFormat format)
    {
        switch (format.Layout)
        {
            case DiffLayout.Steps:
                return;
            case DiffLayout.SideBySide:
                PutColumns(output, left, right, format.Width);
                return;
            default:
                output.Write("--- "u8);
                output.Write(left);
                output.Write("\n+++ "u8);
                output.Write(right);
                output.Write("\n"u8);
                return;
        }
    }

    private static void PutColumns(
        IBufferWriter<byte> output, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, int width)
    {
        if (left.SequenceEqual(right))
        {
            if (left.Length > width * 2) left = left[..(width * 2)];
            var rest = (width * 2) + 17 - (left.Length + 2);
            Between(output, rest / 2, left, (rest + 1) / 2);
        }
        else
        {
            width = Math.Max(width, 20);
            if (left.Length > width - 10) left = left[..(width - 10)];
            if (right.Length > width - 10) right = right[..(width - 10)];
            Between(output, (width - left.Length + 10) / 2, left, (width - left.Length + 1) / 2);
            output.Write(" versus "u8);
            Between(output, (width - right.Length) / 2, right, (width - right.Length + 1) / 2);
        }

        output.Write("\n"u8);
    }

    private static void Between(IBufferWriter<byte> output, int before, ReadOnlySpan<byte> name, int behind)
    {
        Put(output, new string('=', before) + " ");
        output.Write(name);
        Put(output, " " + new string('=', behind));
    }
}

/// <param name="Status"><c>added</c>, <c>deleted</c>, <c>changed</c> or <c>renamed</c>.</param>
/// <param name="Diff">Unified; absent with <c>--brief</c>, <c>--stat</c> and <c>--numstat</c>.</param>
internal sealed record DiffFile(
    string Name, string Status, string? OldName, int Inserted, int Deleted, bool IsBinary, string? Diff);

/// <summary>A comparison; its prose is that of <c>--stat</c>.</summary>
internal sealed record DiffReport(string From, string To, IReadOnlyList<DiffFile> Files) : IReport
{
    private const int BarMax = 40;

    public void Print(TextWriter output)
    {
        var width = Files.Count == 0 ? 0 : Files.Max(f => DisplayText.Name(f.Name).Length);
        var most = Files.Count == 0 ? 0 : Files.Max(f => f.Inserted + f.Deleted);
        foreach (var file in Files)
        {
            var sum = file.Inserted + file.Deleted;
            output.WriteLine(
                $" {DisplayText.Name(file.Name).PadRight(width)} | "
                    + (file.IsBinary ? "binary"
                        : $"{sum,5} {Bar(file.Inserted, '+', most)}{Bar(file.Deleted, '-', most)}"));
        }

        output.WriteLine(
            $" {Files.Count} files, {Files.Sum(f => f.Inserted)} lines inserted, {Files.Sum(f => f.Deleted)} deleted");
    }

    private static string Bar(int lines, char mark, int most) =>
        new(mark, most <= BarMax ? lines : (int)(((long)lines * BarMax + most - 1) / most));
}
