using System.CommandLine;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.History;

internal static class FinfoCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The file, by its name in check-ins." };

    private static readonly Option<bool> Brief = new("--brief", "-b") { Description = "One line for each version." };
    private static readonly Option<bool> Log = new("--log", "-l") { Description = "List the versions (the default)." };
    private static readonly Option<bool> Print = new("--print", "-p") { Description = "Print the file itself." };

    private static readonly Option<string?> Version = new("--revision", "-r")
    {
        Description = "With --print: the check-in.",
        HelpName = "VERSION"
    };

    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Maximum number of versions (0 or less: all).", 0, min: int.MinValue);

    private static readonly Option<int> Offset = Choices.Number("--offset", [], "Leave out so many of the newest.", 0);

    private static readonly Option<string?> Width = new("--width", "-W")
    {
        Description = "Width of lines (0: no limit).",
        HelpName = "N"
    };

    public static CommandSpec Create() => new("finfo", "List the versions of a file, newest first.", Run)
    {
        Arguments = { File },
        Options = { Brief, Log, Print, Version, Limit, Offset, Width },
        IsPaged = true,
        Examples = ["repo finfo README.md", "repo finfo -b -n 5 src/main.c", "repo finfo -p README.md -r v1.0"],
    };

    private static ExitCode Run(CommandContext context)
    {
        var path = context.TreePath(context.Require(File));
        using var repository = context.OpenToRead();
        if (context.Get(Print)) return PrintFile(context, repository, path);

        var versions = FileHistory.List(repository, path, context.Require(Limit), context.Require(Offset));
        if (versions.Count == 0 && context.Require(Offset) == 0)
            throw new EdgeSyncException(ErrorKind.NotFound, $"no history for file: {path}", "edgesync repo ls");

        if (context.Output is { IsStock: true, IsJson: false })
        {
            PrintAsStock(context, path, versions);
            return ExitCode.Ok;
        }

        context.Output.Write(new FinfoReport(path, [
            .. versions.Select(v => new FinfoLine(
                v.Checkin.ToString(), v.File.ToString(), v.Date.ToString(), v.User, v.Comment, v.Branch)),
        ]));
        return ExitCode.Ok;
    }

    private static ExitCode PrintFile(CommandContext context, Repository repository, string path)
    {
        var version = context.Get(Version) ?? repository.Names.DefaultVersion;
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(version));
        using var content = repository.Content.Get(TreeFile.Get(tree, path, version ?? "tip").Id);
        context.Output.Raw.Write(content.Span);
        return ExitCode.Ok;
    }

    // Spec: finfo_cmd in finfo.c.
    private static void PrintAsStock(CommandContext context, string path, IReadOnlyList<FileVersion> versions)
    {
        var output = context.Output.Text;
        var width = StockWidth.Of(context.Get(Width), 22, context.Output);
        if (!context.Get(Brief)) output.Write($"History for {path}\n");
        foreach (var version in versions)
        {
            var (checkin, file) = (version.Checkin.ToString()[..10], version.File.ToString()[..10]);
            var (date, branch) = (version.Date.ToString()[..10], version.Branch ?? "trunk");
            if (context.Get(Brief))
            {
                StockComment.Print(
                    output,
                    $"{checkin} {date} {Cut(version.User, 8),8} {Cut(branch, 8),8} {Cut(version.Comment, 39),-39}",
                    0, width);
                continue;
            }

            output.Write(date + " ");
            StockComment.Print(
                output, $"[{checkin}] {version.Comment} (user: {version.User}, artifact: [{file}], branch: {branch})",
                11, width);
        }
    }

    private static string Cut(string text, int max) => text.Length > max ? text[..max] : text;
}

internal sealed record FinfoLine(
    string Checkin, string File, string Date, string User, string Comment, string? Branch);

internal sealed record FinfoReport(string File, IReadOnlyList<FinfoLine> Versions) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var version in Versions)
            output.WriteLine(
                $"{version.Checkin[..10]}  {DisplayText.Minute(version.Date)}  {DisplayText.Name(version.User)}  "
                    + $"{version.File[..10]}  {DisplayText.OneLine(version.Comment)}");
    }
}
