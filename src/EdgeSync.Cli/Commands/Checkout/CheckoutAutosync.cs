using System.CommandLine;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>The syncs of commands on a checkout, and the warning when a branch has several leaves.</summary>
internal static class CheckoutAutosync
{
    private const string ClientId = "client-id";

    public static Option<bool> NoSync { get; } = new("--nosync")
    {
        Description = "Do not sync with the stored peer, regardless of the setting autosync."
    };

    public static Option<bool> OverrideLock { get; } = new("--override-lock")
    {
        Description = "Commit even if another user has locked the parent."
    };

    /// <summary>The syncs around a commit.</summary>
    /// <param name="context">Of the command.</param>
    /// <param name="checkout">Open, its repository to be written.</param>
    /// <param name="isOff">Nothing is synced.</param>
    /// <param name="mayFork">The parent needs no lock.</param>
    public static CommitSync OfCommit(CommandContext context, WorkingCheckout checkout, bool isOff, bool mayFork)
    {
        var client = checkout.Tables[ClientId] ?? checkout.Repository.Entropy.NextHex(20);
        var sync = CommitSync.Open(checkout.Repository, Options(context, "commit", name => checkout.Settings[name]) with
        {
            IsOff = isOff,
            MayFork = mayFork,
            OverrideLock = context.Get(OverrideLock),
            ClientId = client,
        });
        if (sync.IsOn && !mayFork) checkout.Tables[ClientId] = client;
        return sync;
    }

    /// <summary>
    /// Pulls before an update or a merge. The repository is opened to be written only when there is a peer.
    /// </summary>
    /// <param name="context">Of the command.</param>
    /// <param name="command">Its name in the setting <c>autosync</c>.</param>
    /// <param name="cancellationToken">Ends the exchange.</param>
    /// <returns><c>done</c>, <c>failed</c>, or null when nothing is synced.</returns>
    public static async Task<string?> PullAsync(
        CommandContext context, string command, CancellationToken cancellationToken)
    {
        if (context.Get(FileOptions.DryRun) || context.Get(NoSync)) return null;

        string path;
        Dictionary<string, string?> settings = new(StringComparer.Ordinal);
        using (var checkout = context.OpenCheckout())
        {
            path = checkout.Repository.Path;
            string? Remembered(string name) => settings[name] = checkout.Settings[name];
            if (!CommitSync.Open(checkout.Repository, Options(context, command, Remembered)).IsOn) return null;

            Remembered("autosync-tries");
        }

        using var repository = context.OpenToWrite(path);
        var sync = CommitSync.Open(
            repository, Options(context, command, settings.GetValueOrDefault) with { MayFork = true });
        await sync.PullAsync(default, cancellationToken);
        return sync.Result;
    }

    /// <summary>Pulls before a checkout of a repository is opened.</summary>
    /// <param name="context">Of the command.</param>
    /// <param name="path">Of the repository.</param>
    /// <param name="isAlways">Regardless of the setting <c>autosync</c>.</param>
    /// <param name="cancellationToken">Ends the exchange.</param>
    public static async Task PullBeforeOpenAsync(
        CommandContext context, string path, bool isAlways, CancellationToken cancellationToken)
    {
        if (context.Get(NoSync)) return;

        using var repository = context.OpenToWrite(path);
        string? Setting(string name) => isAlways && name == "autosync" ? "pullonly"
            : repository.Settings[name] ?? GlobalConfig.Get(name);
        var sync = CommitSync.Open(repository, Options(context, "open", Setting) with { MayFork = true });
        await sync.PullAsync(default, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Warns when the branch of a check-in has other open leaves.</summary>
    public static void WarnOfFork(Output output, Repository repository, RecordId checkin)
    {
        var leaves = Forks.OpenLeavesBeside(repository, checkin);
        if (leaves.Count == 0) return;

        output.Flush();
        output.Errors.WriteLine(
            "WARNING: multiple open leaf check-ins on "
                + $"{DisplayText.Name(Branches.Of(repository, checkin) ?? "trunk")}:");
        for (var i = 0; i < leaves.Count; i++)
            output.Errors.WriteLine(
                $"  ({i + 1}) {leaves[i].Date} [{leaves[i].Id.ToShortString()}]"
                    + (leaves[i].Rid == checkin ? " (current)" : ""));
    }

    private static CommitSyncOptions Options(
        CommandContext context, string command, Func<string, string?> setting) => new()
        {
            Command = command,
            Setting = setting,
            // Stock prompts, and without input stops; our own commands must work unattended (ADR 0027).
            MayContinue = () => !context.Output.IsStock
                || Question.Confirm(context.Output, "continue in spite of sync failure (y/N)? "),
            Watch = (actions, peer) => StockSyncPrinter.Watch(context.Output, actions, peer),
            Warn = text => context.Output.Errors.WriteLine($"warning: {DisplayText.OneLine(text)}"),
            Clock = context.Clock,
        };
}
