using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>What a command did to files, one a line, as stock prints it.</summary>
internal sealed record FileActionsReport(
    bool IsDryRun, IReadOnlyList<FileAction> Files, IReadOnlyList<SkippedFile> Skipped) : IReport
{
    /// <summary>Columns of the word in front.</summary>
    internal int Width { get; init; } = 6;

    /// <summary>The same for files that were removed.</summary>
    internal int WidthOfDeleted { get; init; }

    /// <summary>The summary names the files.</summary>
    internal bool IsSummaryOnly { get; init; }

    /// <summary>Lines below the files.</summary>
    internal IReadOnlyList<string> Summary { get; init; } = [];

    public static FileActionsReport Of(
        bool isDryRun, IReadOnlyList<EditedFile> files, IReadOnlyList<SkippedFile>? skipped = null) =>
        new(isDryRun, [.. files.Select(f => new FileAction(f.Action, f.Name, f.NewName))], skipped ?? []);

    /// <summary>The top of the checkout, which stock puts before files of the disk.</summary>
    internal string LocalRoot { get; init; } = "";

    public void Print(TextWriter output) => Print(output, "");

    public void PrintAsStock(TextWriter output) => Print(output, LocalRoot);

    private void Print(TextWriter output, string root)
    {
        foreach (var file in IsSummaryOnly ? [] : Files)
        {
            var name = (file.Action.EndsWith("_FILE", StringComparison.Ordinal) ? root : "") + file.Name;
            var names = file.NewName is { } to ? $"{DisplayText.Name(name)} {DisplayText.Name(to)}"
                : DisplayText.Name(name);
            var width = file.Action == "DELETED" ? Math.Max(Width, WidthOfDeleted) : Width;
            output.WriteLine($"{file.Action.PadRight(width)} {names}");
        }

        foreach (var line in Summary) output.WriteLine(line);
    }

    /// <summary>What was left out, on stderr.</summary>
    public FileActionsReport Warn(Output output)
    {
        foreach (var file in Skipped)
            output.Errors.WriteLine($"warning: {DisplayText.Name(file.Name)} {file.Reason}; it is left out");
        return this;
    }
}
