using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BranchCommand
{
    private static readonly Option<bool> Closed = new("--closed") { Description = "Only closed ones." };
    private static readonly Option<bool> All = new("--all", "-a") { Description = "Open and closed ones." };

    public static Verb Create() => new("branch", "Branches and their newest check-ins.")
    {
        new Verb("ls", "List branches.", RunList) { Options = { Closed, All }, Examples = ["repo branch ls", "repo branch ls --all --json"] },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var closed = context.Get(Closed);
        var all = context.Get(All);
        var branches = Branches.List(repository).Where(b => all || b.IsClosed == closed)
            .Select(b => new BranchEntry(b.Name, b.Tip.ToString(), b.Date.ToString(), b.User, b.IsClosed, b.IsPrivate));
        context.Output.Write(new BranchReport([.. branches]), CliJson.Default.BranchReport);
        return ExitCode.Ok;
    }
}

internal sealed record BranchEntry(string Name, string Tip, string Date, string User, bool IsClosed, bool IsPrivate);

internal sealed record BranchReport(IReadOnlyList<BranchEntry> Branches) : IReport
{
    public void Print(TextWriter output)
    {
        if (Branches.Count == 0) output.WriteLine("no branches found");
        var width = Branches.Count == 0 ? 0 : Branches.Max(b => b.Name.Length);
        foreach (var branch in Branches)
        {
            var marks = (branch.IsClosed ? "  closed" : "") + (branch.IsPrivate ? "  private" : "");
            output.WriteLine($"{branch.Name.PadRight(width)}  {branch.Tip[..10]}  {Text.Minute(branch.Date)}  {branch.User}{marks}");
        }
    }
}
