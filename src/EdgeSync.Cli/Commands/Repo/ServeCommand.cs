using System.CommandLine;
using EdgeSync.Cli.Hosting;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ServeCommand
{
    private static readonly Option<string> Address = new("--addr", "-P", "--serve-http")
    {
        Description = "Where to listen; an address without a host is loopback.",
        HelpName = "ADDR",
        DefaultValueFactory = _ => "127.0.0.1:8080",
    };

    public static Verb Create()
    {
        var verb = new Verb("serve", "Serve a repository to Fossil clients until stopped.", RunAsync)
        {
            Options = { Address },
            Examples = ["repo serve -R project.fossil", "repo serve -R project.fossil -P '*:8080'"],
        };
        ServeOptions.AddTo(verb);
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken) =>
        ServeLoop.RunAsync(context, context.RepositoryPath, ServeOptions.Read(context, context.Require(Address)), cancellationToken);
}
