using System.CommandLine;
using EdgeSync.Node.Sync;
using EdgeSync.Node.Web;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>
/// Stock's <c>http</c>, which handles one request of a standard input, and <c>test-http</c>, which the other end of an
/// <c>ssh://</c> address runs.
/// </summary>
// Spec: cmd_http and cmd_test_http in main.c.
internal static class StockHttpCommand
{
    private static readonly Option<string?> In = new("--in") { HelpName = "FILE" };
    private static readonly Option<string?> Out = new("--out") { HelpName = "FILE" };
    private static readonly Option<string?> Address = new("--ipaddr") { HelpName = "ADDR" };
    private static readonly Option<bool> LocalAuth = new("--localauth");
    private static readonly Option<bool> IsTest = new("--test");

    // What they change is a page, a redirect or a job behind the reply, and none of them is here.
    private static readonly string[] Switches =
        ["--acme", "--https", "--nocompress", "--nodelay", "--nojail", "--nossl", "--repolist", "--th-trace"];

    private static readonly string[] Values =
        ["--baseurl", "--ckout-alias", "--extroot", "--files", "--host", "--jsmode", "--mainmenu", "--notfound"];

    public static CommandSpec Create() => WithIgnored(new CommandSpec(
        "http", "Handle one HTTP request of standard input.", RunAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { In, Out, Address, LocalAuth },
    });

    public static CommandSpec CreateTest() => WithIgnored(new CommandSpec(
        "test-http", "Handle HTTP requests of standard input, with every right.", RunTestAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { IsTest },
    });

    private static CommandSpec WithIgnored(CommandSpec command)
    {
        foreach (var name in Switches) command.Options.Add(new Option<bool>(name));
        foreach (var name in Values) command.Options.Add(new Option<string?>(name));
        return command;
    }

    private static async Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var address = context.Get(Address) ?? Environment.GetEnvironmentVariable("REMOTE_HOST") ?? "127.0.0.1";
        await using var input = InputFile.OpenRead(context.Get(In) ?? "-");
        await using var file = context.Get(Out) is { } path ? new FileStream(path, FileMode.Create) : null;
        using var repository = Open(context);
        // Stock's setting localauth asks for a login even there.
        var isOwner = context.Get(LocalAuth) && address is "127.0.0.1" or "::1"
            && !repository.Settings.Boolean("localauth", otherwise: false);
        await ServeAsync(context, repository, input, file, (address, isOwner, true), cancellationToken);
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> RunTestAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var connection = Environment.GetEnvironmentVariable("SSH_CONNECTION")?.Split(' ')[0];
        var isSession = !context.Get(IsTest) && !string.IsNullOrEmpty(connection);
        await using var input = InputFile.OpenRead("-");
        using var repository = Open(context);
        await ServeAsync(
            context, repository, input, null, (isSession ? connection! : "127.0.0.1", true, !isSession),
            cancellationToken);
        return ExitCode.Ok;
    }

    private static Repository Open(CommandContext context)
    {
        var path = context.RepositoryPath;
        return Repository.Open(path, FileTransport.AccessTo(path) with { Clock = context.Clock });
    }

    private static async Task ServeAsync(
        CommandContext context, Repository repository, Stream input, Stream? output,
        (string Address, bool IsOwner, bool IsOnce) client, CancellationToken cancellationToken)
    {
        using var exchange = new StreamExchange(
            repository, new StreamExchangeOptions(client.Address, client.IsOwner, client.IsOnce, context.Clock));
        await exchange.ServeAsync(input, output ?? context.Output.Raw, cancellationToken);
    }
}
