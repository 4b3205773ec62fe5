using System.CommandLine;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Sync;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class OpenCommand
{
    private static readonly Argument<string> RepositoryFile = new("REPOSITORY")
    {
        Description = "Repository file, or the address of a peer: it is cloned first.",
    };
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
        Description = "Open in a folder that has files; prompt before one is replaced."
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

    private static readonly Option<bool> Sync = new("--sync")
    {
        Description = "Pull from the remembered peer first, whatever the setting autosync says."
    };
    private static readonly Option<string?> RepositoryFolder = new("--repodir")
    {
        Description = "Folder of a repository that is cloned (default: that of the checkout).",
        HelpName = "FOLDER",
    };

    public static CommandSpec Create()
    {
        var command = new CommandSpec("open", "Open a checkout of a repository in the current folder.", RunAsync)
        {
            Arguments = { RepositoryFile, Version },
            Options =
            {
                Empty, Force, ForceMissing, Keep, Nested, SetTimes, Folder, RepositoryFolder, CheckoutAutosync.NoSync,
                Sync,
            },
            Notes = "The checkout database is stock Fossil's: both programs work on the checkout in turn. The setting "
                + "'autosync' decides whether the remembered peer is pulled from before.",
            Examples =
            [
                "open ../project.fossil", "open ../project.fossil v1.0 --workdir old", "open project.fossil --keep",
                "open https://fossil-scm.org/home --workdir fossil",
            ],
        };
        PeerOptions.AddTo(command);
        return command;
    }

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.Require(RepositoryFile);
        var peer = path.Contains("://", StringComparison.Ordinal) ? PeerAddress.Parse(path) : null;
        var folder = context.Get(Folder) is { } other ? Directory.CreateDirectory(other).FullName
            : Environment.CurrentDirectory;

        // Spec: cmd_open in db.c: a clone lies in the folder that is opened.
        if (peer is not null)
            path = Path.Combine(
                Directory.CreateDirectory(context.Get(RepositoryFolder) ?? folder).FullName,
                CloneCommand.DefaultPath(peer));
        else if (context.Get(Folder) is not null) path = Path.GetFullPath(path);
        var options = OptionsOf(context, folder, path);
        CheckoutOpening.RequireRoom(options);
        if (peer is not null) await CloneAsync(context, peer, options, cancellationToken);
        else
            await CheckoutAutosync.PullBeforeOpenAsync(
                context, Path.GetFullPath(path, folder), context.Get(Sync), cancellationToken);
        var (checkout, written, kept) = CheckoutOpening.Open(options, context.OpenToWrite);
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

    private static CheckoutOpenOptions OptionsOf(CommandContext context, string folder, string path)
    {
        var question = new Question(context.Output);
        return new CheckoutOpenOptions
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
        };
    }

    private static async Task CloneAsync(
        CommandContext context, PeerUrl peer, CheckoutOpenOptions options, CancellationToken cancellationToken)
    {
        if (File.Exists(options.RepositoryPath))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{options.RepositoryPath} exists already",
                $"edgesync open {options.RepositoryPath}");

        var (url, login) = PeerOptions.ReadLogin(context, peer, savedPassword: null);
        await CloneCommand.CloneAsync(
            context, url, login, options.RepositoryPath, SyncActions.Clone, cancellationToken);
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
