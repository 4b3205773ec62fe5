using System.CommandLine;
using System.Security.Cryptography;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>
/// The pages of a repository in this person's browser, with all rights. Only who has the link is the owner, where
/// stock's takes every program of this machine for it.
/// </summary>
// Spec: cmd_webserver in main.c.
internal static class UiCommand
{
    private const int KeyBytes = 16;

    private static readonly Option<string?> Port = new("--port", "-P")
    {
        Description = "Port on this machine, 0 for any (default: the first free one from 8080).",
        HelpName = "PORT",
    };

    private static readonly Option<string?> Page = new("--page")
    {
        Description = "Page to begin with, such as /timeline (default: the first page).",
        HelpName = "PAGE",
    };

    private static readonly Option<bool> NoBrowser = new("--nobrowser", "-B")
    {
        Description = "Print the link, and open no browser.",
    };

    public static CommandSpec Create() => new(
        "ui", "Show a repository in the browser, with all rights, until stopped.", RunAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { Port, Page, NoBrowser },
        Examples = ["ui", "ui project.fossil --page /timeline", "ui project.fossil --nobrowser -P 8090"],
    };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var path = RepositoryOf(context.RepositoryPath);
        ServeCommand.RequireFile(path);
        var page = PageOf(context.Get(Page));
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));
        var loader = new SettingsLoader(context, [])
        {
            Preset =
            [
                ("http.listen", SettingInput.Of($"127.0.0.1:{PortOf(context.Get(Port))}")),
                ("nats.enabled", SettingInput.Of(false)),
            ],
            Repository = path,
            ReadsFile = false,
        };
        return NodeCommand.RunAsync(
            context, loader, "leaf", _ => { }, cancellationToken,
            started =>
            {
                var link = $"{started.Addresses["http"].TrimEnd('/')}/ui?key={key}"
                    + (page is null ? "" : $"&page={Uri.EscapeDataString(page)}");
                var isOpened = !context.Get(NoBrowser) && Browser.TryOpen(SettingOf(path), link);
                return new UiReport(path, started.Addresses["http"], link, isOpened);
            },
            ownerKey: key);
    }

    // Stock takes the top folder of a checkout, too.
    private static string RepositoryOf(string path) =>
        !Directory.Exists(path) ? path
        : CheckoutFinder.At(Path.GetFullPath(path)) is { } place && CheckoutFinder.Read(place) is { } checkout
            ? checkout.Repository
            : throw new EdgeSyncException(
                ErrorKind.NotFound, $"{path} is a folder, and no checkout", "name the file of a repository");

    private static int PortOf(string? text) => text is null ? LocalPort.FirstFree(isLocal: true)
        : text == "0" ? 0
        : LocalPort.TryParse(text, out var port) ? port
        : throw new EdgeSyncException(
            ErrorKind.Usage, $"'{text}' is not a port: ui serves only this machine",
            "-P 8090; for other machines: edgesync repo serve -P '*:8080'");

    private static string? PageOf(string? text) => text is null or "" ? null : "/" + text.TrimStart('/');

    private static Func<string, string?> SettingOf(string path) => name =>
    {
        using var repository = Repository.Open(path);
        return repository.Settings[name] ?? GlobalConfig.Get(name);
    };
}

/// <param name="Link">Logs in who opens it.</param>
/// <param name="IsOpened">A browser was started with it.</param>
internal sealed record UiReport(string Repository, string Address, string Link, bool IsOpened) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"serving {Repository} on {Address} (Ctrl-C to stop)");
        output.WriteLine($"  {(IsOpened ? "opened" : "open")} {Link}");
    }
}
