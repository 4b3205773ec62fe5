using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Archives;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary><c>deconstruct</c> and <c>reconstruct</c>: a repository as a folder of artifacts, and back.</summary>
internal static class ArtifactFolderCommand
{
    private static readonly Argument<string> Target = new("FOLDER") { Description = "Folder to write into." };
    private static readonly Argument<string> NewFile = new("PATH") { Description = "Repository file to create." };
    private static readonly Argument<string> Source = new("FOLDER") { Description = "Folder with the artifacts." };

    private static readonly Option<int> Prefix = Choices.Number(
        "--prefixlength", ["-L"], "Digits of the hash in the names of folders.",
        ArtifactFolderOptions.PrefixLengthDefault, max: 9);

    private static readonly Option<bool> First = new("--keep-rid1", "-K")
    {
        Description = "Note in .rid1, or read there, which artifact is the first."
    };

    private static readonly Option<bool> Private = new("--private") { Description = "Private artifacts too." };

    private static readonly Option<bool> KeepPrivate = new("--keep-private", "-P")
    {
        Description = "Note in .private, or read there, which artifacts are private."
    };

    public static CommandSpec CreateDeconstruct() => new(
        "deconstruct", "Write every artifact into a file of its own.", RunDeconstruct)
    {
        Arguments = { Target },
        Options = { Prefix, First, Private, KeepPrivate },
        Notes = "A file is named by the hash of the artifact, AA/BBBB... 'edgesync repo reconstruct new.fossil out' "
            + "and stock read the folder.",
        Examples = ["repo deconstruct out", "repo deconstruct out --keep-private --keep-rid1"],
    };

    public static CommandSpec CreateReconstruct() => new(
        "reconstruct", "Create a repository from a folder of artifacts.", RunReconstruct)
    {
        Arguments = { NewFile, Source },
        Options = { First, KeepPrivate },
        Notes = "Every file below the folder is taken for an artifact, unless its name begins with a dot. The project "
            + "gets a new project code.",
        Examples = ["repo reconstruct new.fossil out", "repo reconstruct new.fossil out --keep-private --keep-rid1"],
    };

    private static ExitCode RunDeconstruct(CommandContext context)
    {
        var folder = context.Require(Target);
        using var repository = context.OpenToRead();
        var count = ArtifactFolder.Write(repository, folder, new ArtifactFolderOptions
        {
            PrefixLength = context.Get(Prefix),
            HasPrivate = context.Get(Private),
            KeepsPrivate = context.Get(KeepPrivate),
            KeepsFirst = context.Get(First),
        });
        context.Output.Write(new DeconstructReport(folder, count));
        return ExitCode.Ok;
    }

    private static Task<ExitCode> RunReconstruct(CommandContext context, CancellationToken cancellationToken)
    {
        var (path, folder) = (context.Require(NewFile), context.Require(Source));
        if (!Directory.Exists(folder))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{folder} is not a directory",
                "name a folder that exists");

        var password = CreateRepository(context, path);
        try
        {
            using var repository = context.OpenToWrite(path);
            var count = ArtifactFolder.Read(
                repository, folder,
                new ArtifactFolderOptions { KeepsFirst = context.Get(First), KeepsPrivate = context.Get(KeepPrivate) },
                cancellationToken);
            context.Output.Write(new ReconstructReport(
                path, count, repository.ProjectCode, repository.ServerCode, SystemUser.Name, password));
        }
        catch
        {
            File.Delete(path);
            throw;
        }

        return Task.FromResult(ExitCode.Ok);
    }

    private static string CreateRepository(CommandContext context, string path)
    {
        using var repository = Repository.CreateForClone(path, new RepositoryCreateOptions
        {
            AdminUser = SystemUser.Name,
            Clock = context.Clock,
            ProjectCode = SystemEntropy.Instance.NextHex(40),
        });
        using var transaction = repository.Begin();
        var password = repository.Users.SetPassword(SystemUser.Name);
        transaction.Commit();
        return password;
    }
}

internal sealed record DeconstructReport(string Folder, int Artifacts) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"wrote {DisplayText.Number(Artifacts)} artifacts to {DisplayText.Name(Folder)}");

    public void PrintAsStock(TextWriter output)
    {
        // Stock draws its progress alone.
    }
}

internal sealed record ReconstructReport(
    string Repository, int Artifacts, string ProjectCode, string ServerCode, string User, string Password) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"created repository: {Repository}, {DisplayText.Number(Artifacts)} artifacts");
        output.WriteLine($"project-code: {ProjectCode}");
        output.WriteLine($"server-code:  {ServerCode}");
        output.WriteLine($"first user:   {User} (password, shown once: {Password})");
    }

    public void PrintAsStock(TextWriter output)
    {
        output.Write($"project-id: {ProjectCode}\n");
        output.Write($"server-id: {ServerCode}\n");
        output.Write($"admin-user: {User} (initial password is \"{Password}\")\n");
    }
}
