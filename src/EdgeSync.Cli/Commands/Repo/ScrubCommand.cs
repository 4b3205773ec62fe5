using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ScrubCommand
{
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Do not prompt." };
    private static readonly Option<bool> Private = new("--private") { Description = "Remove private branches only." };
    private static readonly Option<bool> Verily = new("--verily")
    {
        Description = "Also private branches, addresses, logs, and what is known of users."
    };

    public static CommandSpec Create() =>
        new("scrub", "Remove passwords and other secrets from a repository, for good.", RunAsync)
        {
            Arguments = { Globals.RepoArgument },
            Options = { Force, Private, Verily },
            Notes = "For a copy that is given away: all logins to it fail until passwords are set again.",
            Examples = ["repo scrub copy.fossil --force", "repo scrub --verily"],
        };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var repository = context.OpenToWrite();
        var question = new Question(context.Output, context.Get(Force) ? true : null);
        if (!question.Ask("Scrubbing the repository will permanently delete information.\n"
            + "Changes cannot be undone.  Continue"))
            throw new EdgeSyncException(ErrorKind.Conflict, "nothing was removed", "--force does not ask");

        var scope = context.Get(Verily) ? ScrubScope.Everything
            : context.Get(Private) ? ScrubScope.Private : ScrubScope.Secrets;
        var (hasRemoved, needsRebuild) = RepositoryScrub.Run(repository, scope);
        if (needsRebuild) RebuildCommand.Rebuild(context, repository, cancellationToken);
        context.Output.Write(new ScrubReport(repository.Path, hasRemoved ? "scrubbed" : "already_scrubbed"));
        return Task.FromResult(ExitCode.Ok);
    }
}

/// <summary>What a scrub found.</summary>
/// <param name="Repository">The file.</param>
/// <param name="Status"><c>scrubbed</c>, or <c>already_scrubbed</c> when it held nothing that goes.</param>
internal sealed record ScrubReport(string Repository, string Status) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Status} {Repository}");

    public void PrintAsStock(TextWriter output)
    {
        // Stock is silent.
    }
}
