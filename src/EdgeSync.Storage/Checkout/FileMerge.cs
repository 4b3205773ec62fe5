using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Runs a program that resolves a conflict: the command line as stock's <c>gmerge-command</c> has it, with the
/// names of the four files in place of <c>%baseline</c>, <c>%original</c>, <c>%merge</c> and <c>%output</c>.</summary>
/// <param name="commandLine">Complete, for the shell.</param>
public delegate void MergeTool(string commandLine);

/// <summary>A file that both sides have changed.</summary>
/// <param name="Name">Where it is.</param>
/// <param name="Current">Its row.</param>
/// <param name="Ancestor">What both come from.</param>
/// <param name="Other">What is merged in.</param>
internal readonly record struct MergedFile(string Name, TrackedFile Current, RecordId Ancestor, TrackedFile Other);

internal enum MergeResultKind
{
    /// <summary>Without a conflict.</summary>
    Merged,

    /// <summary>A text with markers, or what the merge program made of it.</summary>
    Marked,

    /// <summary>No text, or none by a glob or strategy.</summary>
    Binary,

    /// <summary>All versions are kept.</summary>
    Fork,

    /// <summary>A link on one of the sides.</summary>
    Link,

    /// <summary>Removed here, changed there.</summary>
    Removed,
}

/// <summary>What the merge of one file came to.</summary>
/// <param name="Content">To be written; null leaves the file as it is.</param>
/// <param name="Conflicts">Places with markers.</param>
internal sealed record FileMergeResult(MergeResultKind Kind, ReadOnlyMemory<byte>? Content = null, int Conflicts = 0)
{
    public bool IsConflict => Kind != MergeResultKind.Merged;

    public MergeStrategy Strategy { get; init; }

    public RecordId Ancestor { get; init; }

    public RecordId Other { get; init; }

    /// <summary>What the file was here before; null when it was not there.</summary>
    public byte[]? Local { get; init; }

    public FilePermission LocalPermission { get; init; }

    public FilePermission OtherPermission { get; init; }

    /// <summary>The merge program that was run.</summary>
    public string? ToolCommandLine { get; init; }

    /// <summary>The versions lie beside the file.</summary>
    public bool HasSides { get; init; }

    /// <summary>Stock's text behind five stars; null without a message.</summary>
    public string? NoteFor(string name) => Kind switch
    {
        MergeResultKind.Marked => $"{Conflicts} merge conflict{(Conflicts > 1 ? "s" : "")} in {name}",
        MergeResultKind.Binary => $"Cannot merge binary file {name}",
        MergeResultKind.Link => $"Cannot merge symlink {name}",
        MergeResultKind.Removed => $"Cannot merge removed file {name}",
        MergeResultKind.Fork => $"All versions are kept of {name}",
        _ => null,
    };
}

/// <summary>How files are merged that both sides have changed.</summary>
internal sealed record FileMergeOptions
{
    /// <summary>The three texts of a conflict stay beside the file.</summary>
    public bool KeepsSides { get; init; }

    public required MergeStrategies Strategies { get; init; }

    /// <summary>Files that are never merged line by line.</summary>
    public NameGlob Binary { get; init; } = new("");

    /// <summary>A command line for conflicts; null takes the setting <c>gmerge-command</c>.</summary>
    public string? ToolCommand { get; init; }

    /// <summary>Runs it; null where no program may run.</summary>
    public MergeTool? Tool { get; init; }
}

/// <summary>
/// Merges one file of a checkout: by its strategy, with side files and a merge program for conflicts. The file itself
/// is written by the caller. Spec: merge_3way in merge3.c.
/// </summary>
internal sealed class FileMerge(WorkingCheckout checkout, FileMergeOptions options)
{
    /// <summary>The names of the versioned file with strategies, the older one last.</summary>
    private static readonly string[] RuleFiles = [".edgesync-merge", ".libfossil-merge"];

    /// <summary>By the option, else by the versioned file, else by the setting <c>merge-strategy</c>.</summary>
    /// <exception cref="EdgeSyncException">A strategy is none.</exception>
    public static MergeStrategies StrategiesOf(WorkingCheckout checkout, MergeStrategy? option)
    {
        if (option is { } all) return new MergeStrategies(null, all);

        var otherwise = checkout.Settings["merge-strategy"] is { Length: > 0 } word ? MergeStrategies.Parse(word)
            : MergeStrategy.ThreeWay;
        var file = Array.Find(RuleFiles, name => checkout.Disk.Find(name) is { Kind: DiskKind.Regular });
        return new MergeStrategies(
            file is null ? null : Encoding.UTF8.GetString(DiskFiles.Read(checkout.Disk, file)), otherwise);
    }

    public FileMergeResult Run(MergedFile file, bool isDryRun)
    {
        var strategy = options.Strategies.Of(file.Name);
        var entry = checkout.Disk.Find(file.Name);
        var local = LocalOf(file, entry);
        var result = Decide(file, entry, local, strategy, isDryRun);
        return result with
        {
            Strategy = strategy,
            Ancestor = file.Ancestor,
            Other = file.Other.Content,
            Local = local,
            LocalPermission = entry is null ? file.Current.Permission : checkout.StateOf(file.Name).Permission,
            OtherPermission = file.Other.Permission,
        };
    }

    private FileMergeResult Decide(
        MergedFile file, DiskEntry? entry, byte[]? local, MergeStrategy strategy, bool isDryRun)
    {
        if (local is null) return new FileMergeResult(MergeResultKind.Removed);

        using var other = checkout.Repository.Content.Get(file.Other.Content);
        var isLink = file.Current.Permission == FilePermission.Symlink
            || file.Other.Permission == FilePermission.Symlink || entry is { Kind: not DiskKind.Regular };
        if (isLink)
            return entry is { Kind: DiskKind.Link } && file.Other.Permission == FilePermission.Symlink
                && other.Span.SequenceEqual(local)
                ? new FileMergeResult(MergeResultKind.Merged)
                : new FileMergeResult(MergeResultKind.Link);

        if (other.Span.SequenceEqual(local)) return new FileMergeResult(MergeResultKind.Merged, local);
        if (strategy == MergeStrategy.LastWriterWins)
            return new FileMergeResult(MergeResultKind.Merged, other.Span.ToArray());
        if (strategy == MergeStrategy.ConflictFork) return new FileMergeResult(MergeResultKind.Fork);
        if (strategy == MergeStrategy.Binary || options.Binary.Matches(file.Name))
            return new FileMergeResult(MergeResultKind.Binary);

        using var ancestor = checkout.Repository.Content.Get(file.Ancestor);
        var merged = ThreeWayMerge.Merge(ancestor.Span.ToArray(), local, other.Span.ToArray());
        if (merged is { Conflicts: 0 }) return new FileMergeResult(MergeResultKind.Merged, merged.Content);

        var command = merged is null ? null : options.ToolCommand ?? checkout.Settings["gmerge-command"];
        if (options.Tool is null) command = null;
        var result = merged is null ? new FileMergeResult(MergeResultKind.Binary)
            : new FileMergeResult(MergeResultKind.Marked, merged.Content, merged.Conflicts);
        return isDryRun || (command is not { Length: > 0 } && !options.KeepsSides) ? result
            : WithSides(file.Name, local, ancestor.Span, other.Span, command, result);
    }

    // A file that is missing, but was not removed with a command, is what the check-in has.
    private byte[]? LocalOf(MergedFile file, DiskEntry? entry)
    {
        switch (entry)
        {
            case { Kind: DiskKind.Regular }:
                return DiskFiles.Read(checkout.Disk, file.Name);
            case { Kind: DiskKind.Link }:
                return checkout.Disk.ReadLink(file.Name);
            default:
                if (file.Current.IsDeleted || file.Current.Merged.IsNone) return null;

                using (var content = checkout.Repository.Content.Get(file.Current.Merged))
                    return content.Span.ToArray();
        }
    }

    private FileMergeResult WithSides(
        string name, byte[] local, ReadOnlySpan<byte> ancestor, ReadOnlySpan<byte> other, string? command,
        FileMergeResult result)
    {
        var baseline = WriteSide(name, "baseline", ancestor);
        var original = WriteSide(name, "original", local);
        var merge = WriteSide(name, "merge", other);
        if (command is { Length: > 0 }) result = RunTool(name, command, baseline, original, merge, result);
        if (options.KeepsSides) return result with { HasSides = true };

        foreach (var side in (ReadOnlySpan<string>)[baseline, original, merge]) checkout.Disk.Remove(side);
        return result;
    }

    private FileMergeResult RunTool(
        string name, string command, string baseline, string original, string merge, FileMergeResult result)
    {
        var output = checkout.FreeName(name, "output");
        var line = new StringBuilder();
        for (var i = 0; i < command.Length;)
        {
            var (word, side) = Array.Find(
                [("%baseline", baseline), ("%original", original), ("%merge", merge), ("%output", output)],
                ((string Word, string Side) s) => string.CompareOrdinal(command, i, s.Word, 0, s.Word.Length) == 0);
            line.Append(word is null ? command[i].ToString() : RelativePath(side));
            i += word?.Length ?? 1;
        }

        options.Tool!(line.ToString());
        result = result with { ToolCommandLine = line.ToString() };
        if (checkout.Disk.Find(output) is not { Kind: DiskKind.Regular }) return result;

        var content = DiskFiles.Read(checkout.Disk, output);
        checkout.Disk.Remove(output);
        return result with { Content = content };
    }

    // Spec: file_relative_name in file.c.
    private string RelativePath(string side)
    {
        var path = Path.GetRelativePath(Environment.CurrentDirectory, checkout.LocalRoot + side).Replace('\\', '/');
        return path.StartsWith("../", StringComparison.Ordinal) ? path : "./" + path;
    }

    private string WriteSide(string name, string suffix, ReadOnlySpan<byte> content)
    {
        var side = checkout.FreeName(name, suffix);
        checkout.Disk.Write(side, content, FilePermission.Regular, replace: false);
        return side;
    }

    /// <summary>Copies what lies under a name beside it; answers the name of the copy, or null when nothing
    /// does.</summary>
    // Spec: the backups of merge.c and update.c.
    public string? Keep(string name, string suffix)
    {
        var free = checkout.FreeName(name, suffix);
        switch (checkout.Disk.Find(name))
        {
            case { Kind: DiskKind.Regular } entry:
                checkout.Disk.Write(
                    free, DiskFiles.Read(checkout.Disk, name),
                    entry.IsExecutable ? FilePermission.Executable : FilePermission.Regular, replace: false);
                return free;
            case { Kind: DiskKind.Link }:
                checkout.Disk.Write(free, checkout.Disk.ReadLink(name), FilePermission.Symlink, replace: false);
                return free;
            default:
                return null;
        }
    }
}

/// <summary>Reads whole files of a folder.</summary>
internal static class DiskFiles
{
    public static byte[] Read(DiskFolder disk, string name)
    {
        using var stream = disk.OpenRead(name);
        var content = new byte[stream.Length];
        var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return length == content.Length ? content : content[..length];
    }
}
