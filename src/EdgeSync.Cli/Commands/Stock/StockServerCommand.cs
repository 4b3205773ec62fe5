using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>server</c>: one repository for Fossil clients; there are no pages.</summary>
// Spec: cmd_webserver in main.c.
internal static class StockServerCommand
{
    private const int PortDefault = 8080;
    private const int PortsTried = 100;

    private static readonly Option<string?> Port = new("--port", "-P") { HelpName = "TCPPORT" };
    private static readonly Option<bool> LocalHost = new("--localhost");

    // Stock's, for pages and for the program around the server.
    private static readonly string[] Switches =
        ["--acme", "--https", "--nobrowser", "--nocompress", "--nojail", "--nossl", "--repolist", "--th-trace"];

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
        if (text is null) return $"{host}:{FreePort(isLocal)}";
        if (text.Contains(':', StringComparison.Ordinal)) return text;

        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? $"{host}:{port}"
            : throw new EdgeSyncException(ErrorKind.Usage, $"not a valid TCP port number: {text}");
    }

    private static int FreePort(bool isLocal)
    {
        for (var port = PortDefault; port < PortDefault + PortsTried; port++)
        {
            try
            {
                using var listener = new TcpListener(isLocal ? IPAddress.Loopback : IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // It is taken.
            }
        }

        throw new EdgeSyncException(
            ErrorKind.System,
            $"unable to open listening socket on any port in the range {PortDefault}..{PortDefault + PortsTried - 1}");
    }
}

internal sealed record StockServerReport(string Repository, string Address) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"Listening for HTTP requests on TCP port {new Uri(Address).Port}");
}
