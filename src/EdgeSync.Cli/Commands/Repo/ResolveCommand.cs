using System.CommandLine;
using EdgeSync.Cli.Printing;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ResolveCommand
{
    private static readonly Argument<string> Name = new("NAME")
    {
        Description = "Hash or prefix, tip, branch, tag, root:BRANCH or date."
    };

    public static CommandSpec Create() => new("resolve", "Show the artifact that a name means.", Run)
    {
        Arguments = { Name },
        Notes = "Names are those of Fossil: 4 or more digits of a hash, tip, a branch or tag, root:BRANCH, a date or "
            + "time.",
        Examples = ["repo resolve trunk", "repo resolve 3f6c19d2", "repo resolve 2024-01-31T12:00"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var rid = repository.Names.Resolve(context.Require(Name));
        context.Output.Write(new ResolveReport(rid.Value, repository.Content.NameOf(rid).ToString()));
        return ExitCode.Ok;
    }
}

internal sealed record ResolveReport(long Rid, string Uuid) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"rid:  {Rid}");
        output.WriteLine($"uuid: {Uuid}");
    }
}
