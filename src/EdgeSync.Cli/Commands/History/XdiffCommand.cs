using System.Buffers;
using System.CommandLine;
using System.Text;
using EdgeSync.Fossil.Diff;

namespace EdgeSync.Cli.Commands.History;

internal static class XdiffCommand
{
    private static readonly Argument<string> Left = new("FILE1") { Description = "The older file." };

    private static readonly Argument<string> Right = new("FILE2") { Description = "The newer file." };

    public static CommandSpec Create()
    {
        var command = new CommandSpec("xdiff", "Show the difference between two files of the disk.", Run)
        {
            Arguments = { Left, Right },
            IsPaged = true,
            Examples = ["repo xdiff old.txt new.txt", "repo xdiff -y -w old.c new.c"],
        };
        foreach (var option in DiffOptionSet.All) command.Options.Add(option);
        return command;
    }

    private static ExitCode Run(CommandContext context)
    {
        var (left, right) = (context.Require(Left), context.Require(Right));
        var format = DiffOptionSet.Read(context);
        var (from, to) = (InputFile.ReadAll(left), InputFile.ReadAll(right));
        var text = new ArrayBufferWriter<byte>();
        if (context.Output.IsJson)
        {
            var counts = FileDiff.Write(
                from, to, format with { Layout = DiffLayout.Unified, IsColoured = false }, text);
            var file = new DiffFile(
                right, "changed", null, counts.Inserted, counts.Deleted, counts.IsBinary,
                Encoding.UTF8.GetString(text.WrittenSpan));
            context.Output.Write(new DiffReport(left, right, [file]));
            return ExitCode.Ok;
        }

        if (!context.Get(DiffOptionSet.Brief))
            FileDiffText.PutNames(text, Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right), format);
        FileDiff.Write(from, to, format, text);
        context.Output.Raw.Write(text.WrittenSpan);
        return ExitCode.Ok;
    }
}
