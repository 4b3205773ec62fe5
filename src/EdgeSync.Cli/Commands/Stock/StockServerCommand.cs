using System.CommandLine;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>server</c> and <c>ui</c>: one repository for Fossil clients, and its pages.</summary>
// Spec: cmd_webserver in main.c.
internal static class StockServerCommand
{
    private static readonly Option<string?> Port = new("--port", "-P") { HelpName = "TCPPORT" };
    private static readonly Option<bool> LocalHost = new("--localhost");

    // Stock's, for pages and for the program around the server.
    private static readonly string[] Switches =
        ["--acme", "--https", "--nocompress", "--nojail", "--nossl", "--repolist", "--th-trace"];

    private static readonly string[] Values =
    [
        "--baseurl", "--ckout-alias", "--extroot", "--files", "--jsmode", "--mainmenu", "--max-latency", "--notfound",
        "--skin",
    ];

    public static CommandSpec Create()
    {
        var verb = new CommandSpec("server", "Serve a repository to Fossil clients until stopped.", RunAsync)
        {
            Arguments = { Globals.RepoArgument },
            Options = { Port, LocalHost },
        };
        verb.Options.Add(new Option<bool>("--nobrowser"));
        return WithIgnored(verb);
    }

    public static CommandSpec CreateUi()
    {
        var verb = UiCommand.Create();
        verb.Options.Add(new Option<bool>("--localauth"));
        verb.Options.Add(new Option<bool>("--localhost"));
        return WithIgnored(verb);
    }

    private static CommandSpec WithIgnored(CommandSpec verb)
    {
        foreach (var name in Switches) verb.Options.Add(new Option<bool>(name));
        foreach (var name in Values) verb.Options.Add(new Option<string?>(name));
        return verb;
    }

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = context.RepositoryPath;
        var listen = ListenOf(context.Get(Port), context.Get(LocalHost));
        var loader = new SettingsLoader(context, [])
        {
            Preset = [("http.listen", SettingInput.Of(listen)), ("nats.enabled", SettingInput.Of(false))],
            Repository = path,
            ReadsFile = false,
        };
        return NodeCommand.RunAsync(
            context, loader, "leaf", _ => ServeCommand.RequireFile(path), cancellationToken,
            started => new StockServerReport(path, started.Addresses["http"]));
    }

    // PORT, ADDRESS:PORT, or the first free port.
    private static string ListenOf(string? text, bool isLocal)
    {
        var host = isLocal ? "127.0.0.1" : "*";
        if (text is null) return $"{host}:{LocalPort.FirstFree(isLocal)}";
        if (text.Contains(':', StringComparison.Ordinal)) return text;

        return LocalPort.TryParse(text, out var port)
            ? $"{host}:{port}"
            : throw new EdgeSyncException(ErrorKind.Usage, $"not a valid TCP port number: {text}");
    }
}

internal sealed record StockServerReport(string Repository, string Address) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"Listening for HTTP requests on TCP port {new Uri(Address).Port}");
}
