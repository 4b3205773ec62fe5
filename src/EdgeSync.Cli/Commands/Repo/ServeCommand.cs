using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Settings;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ServeCommand
{
    private static readonly Option<string> Address = new("--serve-http", "-P", "--addr")
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

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.RepositoryPath;
        var run = new NodeRunOptions
        {
            Errors = context.Output.Errors,
            Clock = context.Clock,
            StopCause = () => Stopping.Cause?.ToString().ToLowerInvariant(),
            Started = started =>
            {
                context.Output.Write(new ServeReport(path, started.Addresses["http"]));
                context.Output.Flush();
            },
        };
        await ServeLoop.RunAsync(path, ServeOptions.Read(context, context.Require(Address)), run, cancellationToken);
        return ExitCode.Ok;
    }
}

internal sealed record ServeReport(string Repository, string Address) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"serving {Repository} on {Address} (Ctrl-C to stop)");
        output.WriteLine("  " + ListenAddress.CloneLine(Address));
    }
}
