using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class NewCommand
{
    private static readonly Argument<string> File = new("PATH") { Description = "File to create." };
    private static readonly Option<string?> User = new("--user", "-u")
    {
        Description = "First user, with all capabilities (default: your login).",
        HelpName = "LOGIN"
    };
    private static readonly Option<string?> Name = new("--project-name")
    {
        Description = "Name of the project.",
        HelpName = "NAME"
    };
    private static readonly Option<string?> About = new("--project-description")
    {
        Description = "Description of the project.",
        HelpName = "TEXT"
    };
    private static readonly Option<string?> Code = new("--project", "--project-code")
    {
        Description = "Join an existing project: 40 hex digits (default: random).",
        HelpName = "HEX"
    };
    private static readonly Option<bool> Sha1 = new("--sha1")
    {
        Description = "Name artifacts by SHA1, for peers older than Fossil 2.0."
    };

    public static CommandSpec Create() => new("new", "Create a repository.", Run)
    {
        Arguments = { File },
        Options = { User, Name, About, Code, Sha1 },
        Examples = ["repo new project.fossil", "repo new project.fossil --user alice --project-name 'Our project'"],
    };

    /// <summary>A new project in a new file, with all defaults.</summary>
    public static NewReport CreateUsual(CommandContext context, string path)
    {
        var options = new RepositoryCreateOptions { AdminUser = SystemUser.Name, Clock = context.Clock };
        using var repository = Repository.Create(path, options, out var password);
        return new NewReport(path, repository.ProjectCode, repository.ServerCode, options.AdminUser, password);
    }

    private static ExitCode Run(CommandContext context)
    {
        var path = context.Require(File);
        var user = context.Get(User) ?? SystemUser.Name;
        using var repository = Repository.Create(path, new RepositoryCreateOptions
        {
            AdminUser = user,
            ProjectName = context.Get(Name),
            ProjectDescription = context.Get(About),
            ProjectCode = context.Get(Code),
            HashPolicy = context.Get(Sha1) ? HashPolicy.Sha1 : HashPolicy.Sha3,
            Clock = context.Clock,
        }, out var password);
        context.Output.Write(new NewReport(path, repository.ProjectCode, repository.ServerCode, user, password));
        return ExitCode.Ok;
    }
}

internal sealed record NewReport(
    string Path, string ProjectCode, string ServerCode, string User, string Password) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"created repository: {Path}");
        output.WriteLine($"project-code: {ProjectCode}");
        output.WriteLine($"server-code:  {ServerCode}");
        output.WriteLine($"first user:   {User} (password, shown once: {Password})");
    }
}
