using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class OpenCommand
{
    private static readonly Argument<string> RepositoryFile = new("REPOSITORY") { Description = "Repository file." };
    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in (default: the newest of the main branch).",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Option<bool> Empty = new("--empty")
    {
        Description = "Open without files: the first commit makes a new root."
    };
    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "Open in a folder that has files; ask before one is replaced."
    };
    private static readonly Option<bool> ForceMissing = new("--force-missing")
    {
        Description = "Open without the files whose content is missing."
    };
    private static readonly Option<bool> Keep = new("--keep", "-k") { Description = "Leave all files as they are." };
    private static readonly Option<bool> Nested = new("--nested") { Description = "Open inside another checkout." };
    private static readonly Option<bool> SetTimes = new("--setmtime")
    {
        Description = "Give each file the time of the check-in that last changed it."
    };
    private static readonly Option<string?> Folder = new("--workdir")
    {
        Description = "Folder of the checkout, created when it is not there (default: the current one).",
        HelpName = "FOLDER",
    };

    public static CommandSpec Create() => new("open", "Open a checkout of a repository in the current folder.", Run)
    {
        Arguments = { RepositoryFile, Version },
        Options = { Empty, Force, ForceMissing, Keep, Nested, SetTimes, Folder },
        Notes = "The checkout database is stock Fossil's: both programs work on the checkout in turn.",
        Examples =
        [
            "open ../project.fossil", "open ../project.fossil v1.0 --workdir old", "open project.fossil --keep",
        ],
    };

    private static ExitCode Run(CommandContext context)
    {
        var path = context.Require(RepositoryFile);
        var folder = context.Get(Folder) is { } other ? Directory.CreateDirectory(other).FullName
            : Environment.CurrentDirectory;
        if (context.Get(Folder) is not null) path = Path.GetFullPath(path);
        var question = new Question(context.Output);
        var (checkout, written, kept) = CheckoutOpening.Open(
            new CheckoutOpenOptions
            {
                Folder = folder,
                RepositoryPath = path,
                Version = context.Get(Version),
                IsEmpty = context.Get(Empty),
                KeepsFiles = context.Get(Keep),
                IsForced = context.Get(Force),
                IsNested = context.Get(Nested),
                LacksContent = context.Get(ForceMissing),
                SetsTimes = context.Get(SetTimes),
                MayReplace = name => question.Ask($"overwrite {DisplayText.Name(name)}"),
            },
            context.OpenToWrite);
        using (checkout)
        {
            context.Output.Write(new OpenReport(
                checkout.Repository.Path, checkout.LocalRoot,
                checkout.Version.IsNone ? null
                    : CheckinDescription.Of(checkout.Repository, checkout.Version, withFamily: false),
                written, kept));
        }

        return ExitCode.Ok;
    }
}

internal sealed record OpenReport(
    string Repository, string LocalRoot, CheckinDescription? Checkout, IReadOnlyList<string> Written,
    IReadOnlyList<string> Kept) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var name in Written) output.WriteLine(DisplayText.Name(name));
        foreach (var name in Kept) output.WriteLine($"kept: {DisplayText.Name(name)} has another content");
        output.WriteLine($"repository:   {Repository}");
        output.WriteLine($"local-root:   {LocalRoot}");
        if (Checkout is { } checkin) CheckinPrinting.Print(output, "checkout:", checkin);
    }
}

/// <summary>A check-in in stock's lines.</summary>
internal static class CheckinPrinting
{
    private const int HashDigits = 40;

    public static void Print(TextWriter output, string label, CheckinDescription checkin)
    {
        Line(label, checkin.Hash, checkin.Date);
        foreach (var other in checkin.Family) Line(other.Relation + ":", other.Hash, other.Date);
        if (checkin.Tags is { } tags) output.WriteLine($"tags:         {tags}");
        if (checkin.Comment is { } comment) output.WriteLine($"comment:      {DisplayText.OneLine(comment)}");

        void Line(string name, string hash, string date) =>
            output.WriteLine($"{name,-13} {Short(hash)} {date}{(date.Length > 0 ? " UTC" : "")}");
    }

    /// <summary>As many digits as stock shows.</summary>
    public static string Short(string hash) => hash.Length > HashDigits ? hash[..HashDigits] : hash;
}
