using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class DeltaCommand
{
    private static readonly Argument<string> Source = new("SOURCE")
    {
        Description = "File that the delta is based on."
    };
    private static readonly Argument<string> Target = new("TARGET") { Description = "File that the delta produces." };
    private static readonly Argument<string> Delta = new("DELTA") { Description = "Delta file." };

    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE",
    };

    public static CommandSpec Create() =>
        new("delta", "Create and apply Fossil deltas, byte for byte as the stock program.")
    {
        new CommandSpec("create", "Write the delta that turns SOURCE into TARGET.", RunCreate)
        {
            Arguments = { Source, Target },
            Options = { To },
            Examples = ["repo delta create old.txt new.txt -o change.delta"],
        },
        new CommandSpec("apply", "Apply DELTA to SOURCE and write the result.", RunApply)
        {
            Arguments = { Source, Delta },
            Options = { To },
            Examples = ["repo delta apply old.txt change.delta -o new.txt"],
        },
    };

    private static ExitCode RunCreate(CommandContext context) => Finish(
        context,
        DeltaEncoder.Encode(InputFile.ReadAll(context.Require(Source)), InputFile.ReadAll(context.Require(Target))));

    private static ExitCode RunApply(CommandContext context)
    {
        var source = InputFile.ReadAll(context.Require(Source));
        var name = context.Require(Delta);
        if (!DeltaApplier.TryApply(source, InputFile.ReadAll(name), Array.MaxLength, out var target, out var fault))
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"{name} is not a delta for {context.Require(Source)}: {fault}");

        return Finish(context, target);
    }

    private static ExitCode Finish(CommandContext context, byte[] result)
    {
        var file = context.Get(To);
        if (context.Output.IsJson)
        {
            if (file is null)
                throw new EdgeSyncException(
                    ErrorKind.Usage, "--json needs --output: stdout cannot carry both", "--output FILE");

            InputFile.WriteAll(file, result, context.Output);
            context.Output.Write(new DeltaReport(file, result.Length));
            return ExitCode.Ok;
        }

        InputFile.WriteAll(file, result, context.Output);
        return ExitCode.Ok;
    }
}

internal sealed record DeltaReport(string Output, int Bytes) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"wrote {Output}");
}
