using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>A check-in in words, for the names of builds. Spec: describe_cmd in info.c.</summary>
internal static class DescribeCommand
{
    private const int DigitsDefault = 10, DigitsMin = 6, DigitsMax = 64;

    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in (default: what is checked out, or the newest).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<int> Digits = Choices.Number(
        "--digits", [], "Digits of the hash (default: the setting 'hash-digits').", 0);

    private static readonly Option<bool> Dirty = new("--dirty", "-d")
    {
        Description = "Add -dirty when the checkout has changes."
    };

    private static readonly Option<bool> Long = new("--long") { Description = "Always print all three parts." };

    private static readonly Option<string?> Match = new("--match")
    {
        Description = "Only tags that fit this glob.",
        HelpName = "GLOB",
    };

    public static CommandSpec Create() => new("describe", "Name a check-in by the nearest tag above it.", Run)
    {
        Arguments = { Version },
        Options = { Digits, Dirty, Long, Match },
        Notes = "Prints TAG-COUNT-HASH: the nearest tag of one check-in alone, the check-ins since, and the hash. On "
            + "the tagged check-in the tag is enough; without a tag there is the hash alone.",
        Examples = ["repo describe trunk", "repo describe --match 'v*' --long", "repo describe --dirty"],
    };

    private static ExitCode Run(CommandContext context)
    {
        if (!context.Get(Dirty))
        {
            using var repository = context.OpenToRead();
            Write(context, repository, context.Get(Version) ?? DefaultOf(context, repository), isDirty: false);
            return ExitCode.Ok;
        }

        if (context.Get(Version) is not null)
            throw new EdgeSyncException(ErrorKind.Usage, "cannot use --dirty with specific check-in", "--dirty");

        using var checkout = context.OpenCheckout();
        var isDirty = checkout.Refresh().Any(f => f.HasChange) || checkout.Tables.Merges().Count > 0;
        Write(context, checkout.Repository, "current", isDirty);
        return ExitCode.Ok;
    }

    // Stock knows no other version than that of the checkout.
    private static string DefaultOf(CommandContext context, Repository repository) =>
        context.Output.IsStock ? "current" : repository.Names.DefaultVersion;

    private static void Write(CommandContext context, Repository repository, string name, bool isDirty)
    {
        var found = VersionDescription.Of(
            repository, repository.Names.ResolveCheckin(name), context.Get(Match) ?? "*");
        var digits = context.Get(Digits) is var asked and > 0 ? asked
            : int.TryParse(repository.Settings["hash-digits"], out var set) ? Math.Clamp(set, DigitsMin, DigitsMax)
            : DigitsDefault;
        context.Output.Write(new DescribeReport(
            found.Id.ToString(), found.ToText(digits, context.Get(Long)) + (isDirty ? "-dirty" : ""), found.Tag,
            found.Tag is null ? null : found.CheckinsSince, isDirty));
    }
}

/// <param name="Tag">Null when no tag is above it.</param>
internal sealed record DescribeReport(
    string Hash, string Description, string? Tag, int? CheckinsSince, bool IsDirty) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(DisplayText.OneLine(Description));
}
