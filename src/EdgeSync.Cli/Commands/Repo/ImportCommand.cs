using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Git;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ImportCommand
{
    private static readonly Argument<string> Target = new("PATH")
    {
        Description = "The new repository; with --incremental an existing one."
    };

    private static readonly Argument<string> Source = new("FILE")
    {
        Description = "A stream of 'git fast-export'; - is standard input."
    };

    // Stock reads standard input by default.
    private static readonly Argument<string?> SourceOrInput = new("INPUT-FILE") { Arity = ArgumentArity.ZeroOrOne };

    private static readonly Option<bool> Git = new("--git") { Description = "From git, the only source there is." };
    private static readonly Option<bool> Incremental = new("--incremental", "-i")
    {
        Description = "Into an existing repository."
    };

    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Replace an existing file." };
    private static readonly Option<string?> MarksIn = new("--import-marks")
    {
        Description = "Marks that an earlier run has written.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> MarksOut = new("--export-marks")
    {
        Description = "Write marks for the next run.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> Trunk = new("--rename-trunk")
    {
        Description = "Name of the main branch (default: trunk).",
        HelpName = "NAME"
    };

    private static readonly Option<string?> Master = new("--rename-master")
    {
        Description = "Name of the branch that git calls master (default: master).",
        HelpName = "NAME"
    };

    private static readonly Option<string?> Branch = new("--rename-branch")
    {
        Description = "Pattern for the names of branches; % is the name.",
        HelpName = "PATTERN"
    };

    private static readonly Option<string?> Tag = new("--rename-tag")
    {
        Description = "Pattern for the names of tags; % is the name.",
        HelpName = "PATTERN"
    };

    private static readonly Option<bool> Author = new("--use-author")
    {
        Description = "The author is the user of a check-in, not the committer."
    };

    private static readonly Option<string[]> Attribute = new("--attribute")
    {
        Description = "'EMAIL USER': the user of a mail address; may be repeated.",
        HelpName = "WORDS"
    };

    private static readonly Option<string?> Admin = new("--admin-user", "-A")
    {
        Description = "The first user of the new repository (default: your login).",
        HelpName = "LOGIN"
    };

    public static CommandSpec Create() => Create(Source);

    public static CommandSpec CreateStock() => Create(SourceOrInput);

    private static CommandSpec Create(Argument source) => new(
        "import", "Make a repository of a git history.", RunAsync)
    {
        Arguments = { Target, source },
        Options =
        {
            Git, Incremental, Force, MarksIn, MarksOut, Trunk, Master, Branch, Tag, Author, Attribute, Admin,
        },
        Notes = "One transaction: an import that fails leaves nothing behind.",
        Examples =
        [
            "repo import --git project.fossil history.txt",
            "repo import --git --incremental project.fossil more.txt --import-marks fossil.marks",
        ],
    };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.Require(Target);
        using var source = InputFile.OpenRead(
            (context.Output.IsStock ? context.Get(SourceOrInput) : context.Get(Source)) ?? "-");
        var options = OptionsOf(context);
        string? password = null;
        if (!context.Get(Incremental)) password = CreateRepository(context, path, options.TrunkName);
        try
        {
            using var repository = context.OpenToWrite(path);
            var result = GitImporter.Run(repository, source, options, cancellationToken);
            var login = context.Get(Admin) ?? context.UserName;
            context.Output.Write(new ImportReport(
                repository.Path, result.Checkins, result.Blobs, result.Tags, repository.ProjectCode,
                repository.ServerCode, password is null ? null : login, password));
        }
        catch when (password is not null)
        {
            File.Delete(path);
            throw;
        }

        return Task.FromResult(ExitCode.Ok);
    }

    private static string CreateRepository(CommandContext context, string path, string trunk)
    {
        if (context.Get(Force)) File.Delete(path);
        var user = context.Get(Admin) ?? context.UserName;
        using var repository = Repository.CreateForClone(path, new RepositoryCreateOptions
        {
            AdminUser = user,
        });
        using var transaction = repository.Begin();
        repository.Settings.Set("project-code", repository.Entropy.NextHex(40));
        repository.Settings.Set("main-branch", trunk);
        var password = repository.Users.SetPassword(user);
        transaction.Commit();
        return password;
    }

    private static GitImportOptions OptionsOf(CommandContext context)
    {
        var progress = new Progress(context.Output, "importing");
        return new GitImportOptions
        {
            TrunkName = context.Get(Trunk) ?? "trunk",
            MasterName = context.Get(Master) ?? "master",
            UsesAuthor = context.Get(Author),
            Users = UsersOf(context.Get(Attribute) ?? []),
            BranchAffix = AffixOf("--rename-branch", context.Get(Branch)),
            TagAffix = AffixOf("--rename-tag", context.Get(Tag)),
            MarksToRead = context.Get(MarksIn),
            MarksToWrite = context.Get(MarksOut),
            Progress = text => progress.Report(() => text),
        };
    }

    private static Dictionary<string, string> UsersOf(string[] words)
    {
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var word in words)
        {
            if (word.Split(' ', 2) is not [var email, { Length: > 0 } user])
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"--attribute: '{word}' is not 'EMAIL USER'", "--attribute 'a@b.org alice'");
            }

            users[email] = user.Trim();
        }

        return users;
    }

    private static (string Before, string Behind) AffixOf(string option, string? pattern)
    {
        if (pattern is null) return ("", "");
        return pattern.Split('%') is [var before, var behind]
            ? (before, behind)
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"{option}: '{pattern}' needs one %, which stands for the name", $"{option} git-%");
    }
}

/// <param name="User">The first user of a new repository.</param>
/// <param name="Password">Shown this once.</param>
internal sealed record ImportReport(
    string Repository, long Checkins, long Contents, long Tags, string ProjectCode, string ServerCode, string? User,
    string? Password) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine(
            $"imported {DisplayText.Number(Checkins)} check-ins, {DisplayText.Number(Contents)} contents and "
                + $"{DisplayText.Number(Tags)} tags into {Repository}");
        if (Password is not null) output.WriteLine($"user {User}, password (shown once): {Password}");
    }

    public void PrintAsStock(TextWriter output)
    {
        output.WriteLine(" ok");
        if (Password is null) return;

        output.WriteLine($"project-id: {ProjectCode}");
        output.WriteLine($"server-id:  {ServerCode}");
        output.WriteLine($"admin-user: {User} (password is \"{Password}\")");
    }
}
