using System.Buffers;
using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Diff;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.History;

/// <summary>The check-in of each line: <c>annotate</c>, and <c>blame</c> (<c>praise</c>) with users.</summary>
internal static class AnnotateCommand
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The file, by its name in the check-in."
    };

    private static readonly Option<string?> Version = new("--version", "-r", "--revision")
    {
        Description = "Check-in (default: the one checked out, or the newest).",
        HelpName = "VERSION"
    };

    private static readonly Option<string?> Limit = new("--limit", "-n")
    {
        Description = "Versions to look at, 3 at least; none: all (the default).",
        HelpName = "N"
    };

    private static readonly Option<bool> Log = new("--log", "-l") { Description = "List the versions first." };

    private static readonly Option<bool> FileVersions = new("--filevers")
    {
        Description = "Hashes of the file's content, not of check-ins."
    };

    private static readonly Option<bool> IgnoreAll = new("--ignore-all-space", "-w")
    {
        Description = "White space does not count."
    };

    private static readonly Option<bool> IgnoreTrailing = new("--ignore-trailing-space", "-Z")
    {
        Description = "White space at the end of lines does not count."
    };

    public static CommandSpec CreateAnnotate() => Create("annotate", "Show which check-in brought each line.", false);

    public static CommandSpec CreateBlame() => Create("blame", "Show the check-in, user and date of each line.", true);

    private static CommandSpec Create(string name, string summary, bool hasUser) =>
        new(name, summary, context => Run(context, hasUser))
        {
            Arguments = { File },
            Options = { Version, Limit, Log, FileVersions, IgnoreAll, IgnoreTrailing },
            IsPaged = true,
            Examples = [$"repo {name} README.md", $"repo {name} src/main.c -r v1.0 -w"],
        };

    private static ExitCode Run(CommandContext context, bool hasUser)
    {
        var path = context.TreePath(context.Require(File));
        using var repository = context.OpenToRead();
        var checkin = repository.Names.ResolveCheckin(context.Get(Version) ?? repository.Names.DefaultVersion);
        var options = new DiffOptions(
            context.Get(IgnoreTrailing), context.Get(IgnoreAll), StripsTrailingCr: true);
        var file = FileHistory.Annotate(repository, path, checkin, LimitOf(context.Get(Limit)), options);
        if (context.Output.IsJson)
        {
            context.Output.Write(ReportOf(path, repository.Content.NameOf(checkin), file));
            return ExitCode.Ok;
        }

        var text = new ArrayBufferWriter<byte>(64 * 1024);
        if (context.Get(Log)) PutLog(file, text);
        for (var i = 0; i < file.Lines.Count; i++)
        {
            var (line, at) = file.Lines[i];
            var version = at < 0 ? null : file.Versions[at];
            FileDiffText.Put(text, context.Output.IsStock
                ? StockMark(
                    version, context.Get(FileVersions), hasUser, i + 1) : OwnMark(version, context.Get(FileVersions)));
            Printed.Put(text, line, context.Output.IsTerminal);
            text.Write("\n"u8);
            if (text.WrittenCount < 32 * 1024) continue;

            context.Output.Raw.Write(text.WrittenSpan);
            text.ResetWrittenCount();
        }

        context.Output.Raw.Write(text.WrittenSpan);
        return ExitCode.Ok;
    }

    private static int LimitOf(string? text) => text switch
    {
        null or "none" => 0,
        _ when int.TryParse(text, out var number) && number > 0 => number,
        // Seconds: all versions take less than any useful number of them.
        [.., 's'] => 0,
        _ => throw new EdgeSyncException(
            ErrorKind.Usage, $"--limit: '{text}' is not a whole number, and not 'none'",
            "edgesync repo annotate --help"),
    };

    // Spec: annotate_cmd in diff.c.
    private static string StockMark(FileVersion? version, bool isFile, bool hasUser, int line)
    {
        if (version is null) return hasUser ? new string(' ', 10 + 26) + " " : $"{new string(' ', 21)} {line,5}: ";

        var mark = $"{HashOf(version, isFile)} {version.Date.ToString()[..10]} ";
        var user = version.User.Length > 13 ? version.User[..13] : version.User;
        return mark + (hasUser ? $"{user,13}: " : $"{line,5}: ");
    }

    private static string OwnMark(FileVersion? version, bool isFile) => version is null
        ? $"{"",-10}  {"",-12}  {"",-10} | "
        : $"{HashOf(version, isFile)}  {DisplayText.Name(version.User),-12}  {version.Date.ToString()[..10]} | ";

    private static string HashOf(FileVersion version, bool isFile) =>
        (isFile ? version.File : version.Checkin).ToString()[..10];

    private static void PutLog(AnnotatedFile file, ArrayBufferWriter<byte> output)
    {
        for (var i = 0; i < file.Versions.Count; i++)
        {
            var version = file.Versions[i];
            FileDiffText.Put(
                output, $"version {i + 1,3}: {version.Date.ToString()[..10]} {HashOf(version, false)} "
                    + $"file {HashOf(version, true)}\n");
        }

        FileDiffText.Put(output, new string('-', 51) + "\n");
    }

    private static AnnotateReport ReportOf(string path, ArtifactId checkin, AnnotatedFile file) => new(
        path, checkin.ToString(),
        [
            .. file.Versions.Select(v => new AnnotatedVersion(
                v.Checkin.ToString(), v.File.IsEmpty ? null : v.File.ToString(), v.Date.ToString(), v.User)),
        ],
        [
            .. file.Lines.Select(l => new AnnotatedText(
                l.Version < 0 ? null : l.Version, Encoding.UTF8.GetString(l.Text))),
        ]);
}

/// <summary>Content on its way to stdout.</summary>
internal static class Printed
{
    /// <summary>A line of a file; control characters are shown on a terminal.</summary>
    public static void Put(IBufferWriter<byte> output, ReadOnlySpan<byte> line, bool isTerminal)
    {
        if (isTerminal) FileDiffText.Put(output, DisplayText.Visible(Encoding.UTF8.GetString(line)));
        else output.Write(line);
    }
}

internal sealed record AnnotatedVersion(string Checkin, string? File, string Date, string User);

/// <param name="Version">An index into the versions; absent where the limit left it open.</param>
internal sealed record AnnotatedText(int? Version, string Text);

internal sealed record AnnotateReport(
    string File, string Checkin, IReadOnlyList<AnnotatedVersion> Versions, IReadOnlyList<AnnotatedText> Lines) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var line in Lines) output.WriteLine(line.Text);
    }
}
