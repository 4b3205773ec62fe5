using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Checkout;

internal static class CommitCommand
{
    private static readonly Option<string?> Message = new("--comment", "-m", "--message")
    {
        Description = "What changed (default: an editor is opened).",
        HelpName = "TEXT",
    };
    private static readonly Option<string?> MessageFile = new("--message-file", "-M")
    {
        Description = "File to read the comment from.",
        HelpName = "FILE",
    };
    private static readonly Option<string?> Branch = new("--branch", "-b")
    {
        Description = "Start a branch of this name.",
        HelpName = "NAME",
    };
    private static readonly Option<string?> BranchColor = new("--branchcolor")
    {
        Description = "Colour of the new branch on the timeline.",
        HelpName = "COLOR",
    };
    private static readonly Option<string?> Color = new("--bgcolor")
    {
        Description = "Colour of this check-in on the timeline.",
        HelpName = "COLOR",
    };
    private static readonly Option<string[]> TagNames = new("--tag")
    {
        Description = "Tag for this check-in; may be repeated.",
        HelpName = "NAME",
    };
    private static readonly Option<bool> Close = new("--close")
    {
        Description = "Close the branch with this check-in."
    };
    private static readonly Option<bool> Integrate = new("--integrate")
    {
        Description = "Close the branches that were merged."
    };
    private static readonly Option<bool> AllowConflict = new("--allow-conflict")
    {
        Description = "Commit even if conflict markers are left."
    };
    private static readonly Option<bool> AllowEmpty = new("--allow-empty")
    {
        Description = "Commit even if nothing changed."
    };
    private static readonly Option<bool> AllowFork = new("--allow-fork")
    {
        Description = "Commit even if this creates a fork."
    };
    private static readonly Option<bool> AllowOlder = new("--allow-older")
    {
        Description = "Commit even if the parent is not older."
    };
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "All of these but conflicts." };
    private static readonly Option<bool> Delta = new("--delta") { Description = "Write a delta manifest." };
    private static readonly Option<bool> Baseline = new("--baseline") { Description = "Write a full manifest." };
    private static readonly Option<bool> Private = new("--private")
    {
        Description = "Send it only to peers that request private artifacts."
    };
    private static readonly Option<bool> Hash = new("--hash") { Description = "Read every file, whatever its time." };
    private static readonly Option<bool> NoWarnings = new("--no-warnings")
    {
        Description = "Commit files of any encoding and line ends, without a question."
    };
    private static readonly Option<bool> IgnoreOversize = new("--ignore-oversize")
    {
        Description = "Commit files of any size, without a question."
    };
    private static readonly Option<bool> NoPrompt = new("--no-prompt")
    {
        Description = "Answer every question with no."
    };
    private static readonly Option<string?> Date = new("--date-override")
    {
        Description = "Time of the check-in, ISO 8601 (default: now).",
        HelpName = "TIME",
    };
    private static readonly Option<string?> UserOverride = new("--user-override")
    {
        Description = "User name to record (default: your login).",
        HelpName = "LOGIN",
    };
    private static readonly Option<string?> Mimetype = new("--mimetype")
    {
        Description = "Mimetype of the comment.",
        HelpName = "TYPE",
    };

    public static CommandSpec Create() => new("commit", "Commit the changes of the checkout.", RunAsync)
    {
        Arguments = { FileOptions.Paths },
        Options =
        {
            Message, MessageFile, Branch, BranchColor, Color, TagNames, Close, Integrate, AllowConflict, AllowEmpty,
            AllowFork, AllowOlder, Force, Delta, Baseline, Private, Hash, NoWarnings, IgnoreOversize, NoPrompt, Date,
            UserOverride,
            AuthorOptions.User, Mimetype, FileOptions.DryRun, CheckoutAutosync.NoSync,
            CheckoutAutosync.OverrideLock,
        },
        Notes = "Named files alone are committed; a merge is committed as a whole. The setting 'autosync' decides "
            + "whether the remembered peer is pulled from before, and synced with after. Without a checkout, "
            + "'repo ci' commits files into a repository.",
        Examples = ["commit -m 'Better words'", "commit -m 'Try it' --branch experiment src", "commit --dry-run"],
    };

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        if (context.Get(Delta) && context.Get(Baseline))
            throw new EdgeSyncException(
                ErrorKind.Usage, "--delta and --baseline exclude each other", "edgesync commit --help");

        using var checkout = context.OpenCheckoutToWrite();
        CheckoutCommit.RequireAllowed(checkout);
        var (repository, parent, isDryRun) = (checkout.Repository, checkout.Version, context.Get(FileOptions.DryRun));
        var checkin = OptionsOf(context) with { Parent = parent };
        var sync = CheckoutAutosync.OfCommit(
            context, checkout, isDryRun || context.Get(CheckoutAutosync.NoSync) || IsPrivate(repository, checkin),
            mayFork: parent.IsNone || checkin.AllowsFork || checkin.Branch is not null);
        var parentId = parent.IsNone ? default : repository.Content.NameOf(parent);
        await sync.PullAsync(parentId, cancellationToken);
        if (!isDryRun) RequirePlace(context, checkout, checkin);
        using var prepared = Prepare(context, checkout, checkin);
        var comment = CommentOf(context, checkout, prepared, checkin);
        var changes = prepared.Chosen.Select(f => new FileAction(WordOf(f), f.Name)).ToList();
        if (isDryRun)
        {
            context.Output.Write(new CommitReport(true, null, null, checkin.Branch, changes, null));
            return ExitCode.Ok;
        }

        if (IsWritten(context)) await sync.PullAgainAsync(parentId, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        var made = CheckoutCommit.Run(checkout, prepared, comment);
        ControlClient.NotifyChanged(repository.Path);
        var report = new CommitReport(
            false, made.Id.ToString(), made.Rid.Value, CheckinDescription.BranchOf(repository, made.Rid), changes,
            null);

        // Stock names the check-in before it sends it.
        var isEarly = context.Output is { IsStock: true, IsJson: false };
        if (isEarly) context.Output.Write(report);
        await sync.PushAsync(cancellationToken);
        if (!isEarly) context.Output.Write(report with { Autosync = sync.Result });
        WarnOfFork(context, repository, parent, made.Rid);
        return ExitCode.Ok;
    }

    // Stock looks at the files before it refuses: the rows say what it saw.
    private static void RequirePlace(CommandContext context, WorkingCheckout checkout, CommitOptions checkin)
    {
        try
        {
            checkout.Repository.RequirePlace(checkin);
        }
        catch (EdgeSyncException)
        {
            try
            {
                checkout.Refresh(context.Get(Hash));
            }
            catch (EdgeSyncException)
            {
                // The refusal is what the person asked for; what the files look like is noted by the next command.
            }

            throw;
        }
    }

    private static PreparedCommit Prepare(CommandContext context, WorkingCheckout checkout, CommitOptions checkin)
    {
        var question = new WarningQuestion(
            context.Output,
            context.Get(NoWarnings) ? WarningAnswer.Commit : context.Get(NoPrompt) ? WarningAnswer.Abandon : null);
        return CheckoutCommit.Prepare(checkout, new CheckoutCommitOptions
        {
            Checkin = checkin,
            Paths = context.NamesOf(checkout, context.Get(FileOptions.Paths)),
            Integrates = context.Get(Integrate),
            AllowsConflict = context.Get(AllowConflict),
            UsesHash = context.Get(Hash),
            MayCommit = (name, warning) => question.Ask(
                checkout.Display(name, Environment.CurrentDirectory), warning, FileSizeMax(checkout)),
            IgnoresSize = context.Get(IgnoreOversize) || context.Get(NoWarnings),
        });
    }

    private static long FileSizeMax(WorkingCheckout checkout) => CheckoutCommit.FileSizeMaxOf(checkout);

    private static bool IsPrivate(Repository repository, CommitOptions checkin) => checkin.IsPrivate
        || (!checkin.Parent.IsNone && repository.Content.IsPrivate(checkin.Parent));

    // Stock's two warnings: the parent now has two children on its branch, or the branch has several ends.
    private static void WarnOfFork(CommandContext context, Repository repository, RecordId parent, RecordId made)
    {
        if (DetailedTimeline.SameBranchChildrenOf(repository, parent) <= 1)
        {
            CheckoutAutosync.WarnOfFork(context.Output, repository, made);
            return;
        }

        context.Output.Flush();
        if (context.Output.IsStock) context.Output.Text.WriteLine("**** warning: a fork has occurred *****");
        else context.Output.Errors.WriteLine("warning: a fork has occurred; 'edgesync leaves' lists the ends");
    }

    private static CommitOptions OptionsOf(CommandContext context)
    {
        var isForced = context.Get(Force);
        return new CommitOptions
        {
            User = context.Get(UserOverride) ?? context.UserName,
            Date = DateOption.Read(context.Get(Date)),
            Branch = context.Get(Branch),
            BranchColor = context.Get(BranchColor),
            Color = context.Get(Color),
            Tags = context.Get(TagNames) ?? [],
            Closes = context.Get(Close),
            Mimetype = context.Get(Mimetype),
            IsPrivate = context.Get(Private),
            Form = context.Get(Delta) ? ManifestForm.Delta
                : context.Get(Baseline) ? ManifestForm.Full : ManifestForm.Automatic,
            AllowsEmpty = context.Get(AllowEmpty) || isForced,
            AllowsFork = context.Get(AllowFork) || isForced,
            AllowsOlder = context.Get(AllowOlder) || isForced,
            AllowsSameBranch = isForced,
        };
    }

    // The comment is being written.
    private static bool IsWritten(CommandContext context) =>
        context.Get(Message) is null && context.Get(MessageFile) is null && !context.Get(NoPrompt);

    // The editor starts only when all other checks have passed.
    private static string CommentOf(
        CommandContext context, WorkingCheckout checkout, PreparedCommit prepared, CommitOptions checkin)
    {
        var comment = context.Get(Message)
            ?? (context.Get(MessageFile) is { } file ? CommentEditor.ReadFile(file)
                : context.Get(FileOptions.DryRun) || context.Get(NoPrompt) ? ""
                : CommentEditor.Ask(checkout, prepared.Chosen, checkin));
        return !string.IsNullOrWhiteSpace(comment) || context.Get(FileOptions.DryRun)
            ? comment
            : throw new EdgeSyncException(ErrorKind.Usage, "the comment is empty", "say what changed: -m TEXT");
    }

    private static string WordOf(Fossil.Checkout.TrackedFile file) =>
        file.IsDeleted ? "DELETED" : file.IsAdded ? "ADDED" : file.IsRenamed ? "RENAMED" : "EDITED";
}

/// <param name="Checkin">Null for a dry run.</param>
/// <param name="Autosync"><c>done</c> or <c>failed</c>; null when nothing was synced.</param>
internal sealed record CommitReport(
    bool IsDryRun, string? Checkin, long? Rid, string? Branch, IReadOnlyList<FileAction> Files, string? Autosync)
    : IReport
{
    public void Print(TextWriter output)
    {
        if (IsDryRun)
            foreach (var file in Files) output.WriteLine($"{file.Action,-10} {DisplayText.Name(file.Name)}");
        else output.WriteLine($"New_Version: {Checkin}");
    }
}
