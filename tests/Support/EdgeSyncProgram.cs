using System.Collections;
using System.Text.Json;

namespace EdgeSync.Tests.Support;

/// <summary>
/// The <c>edgesync</c> program as users get it: the published file when <c>EDGESYNC_BIN</c> names one, else what was
/// just built beside the tests. Runs have a folder, a home, sockets and state of their own, and none of the caller's
/// settings.
/// </summary>
internal sealed class EdgeSyncProgram : IDisposable
{
    // Variables that would change what the program does; those of the runtime and of temporary folders stay.
    private static readonly string[] s_prefixes =
        ["EDGESYNC_", "LEAF_", "HUB_", "BRIDGE_", "FOSSIL_", "OTEL_", "XDG_", "WATCHDOG_"];

    private static readonly string[] s_names =
    [
        "NOTIFY_SOCKET", "EDITOR", "VISUAL", "GATEWAY_INTERFACE", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    ];

    private readonly TemporaryFolder _folder;
    private readonly bool _isOwnFolder;

    /// <summary>In a folder of its own, which goes with it.</summary>
    public EdgeSyncProgram()
        : this(new TemporaryFolder("program")) => _isOwnFolder = true;

    /// <summary>In a folder that belongs to the caller.</summary>
    public EdgeSyncProgram(TemporaryFolder folder) => _folder = folder;

    /// <summary>The file.</summary>
    public static string Program { get; } = Find();

    /// <summary>The host of a just-in-time build hides the name that it was called by.</summary>
    public static void RequireOneFile() => Skip.Unless(
        System.Environment.GetEnvironmentVariable("EDGESYNC_BIN") is { Length: > 0 },
        "needs the published file: EDGESYNC_BIN");

    public string Folder => _folder.Path;

    /// <summary>A path in the folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Variables of every run from now on, beside <see cref="Environment"/>.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>What a run gets on top of the caller's environment; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment
    {
        get
        {
            var environment = new Dictionary<string, string?>();
            foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
                if (IsForeign((string)variable.Key)) environment[(string)variable.Key] = null;
            environment["HOME"] = _folder.Folder("home");
            environment["USER"] = StockFossil.User;
            environment["TZ"] = "UTC";
            environment["NO_COLOR"] = "1";
            environment["RUNTIME_DIRECTORY"] = this["run"];
            environment["STATE_DIRECTORY"] = this["state"];
            foreach (var (name, value) in Variables) environment[name] = value;
            return environment;
        }
    }

    public ProgramStart Start(params ReadOnlySpan<string> arguments) => StartAs(Program, arguments);

    /// <summary>Another program in the same folder and environment, such as a shell that starts ours.</summary>
    public ProgramStart StartAs(string program, params ReadOnlySpan<string> arguments) =>
        new(program) { Arguments = [.. arguments], Folder = Folder, Environment = Environment };

    /// <summary>Starts a command that runs until it is stopped; disposing stops it in order.</summary>
    /// <param name="command">A program, ours or one that starts ours, with its arguments.</param>
    public RunningProgram BeginDaemon(params string[] command) =>
        (StartAs(command[0], command.AsSpan(1)) with { StopsInOrder = true }).Begin();

    /// <summary>Runs to the end and requires exit code 0.</summary>
    public ProgramResult Run(params ReadOnlySpan<string> arguments) => Start(arguments).Run().MustSucceed();

    /// <summary>Runs to the end, whatever its exit code is.</summary>
    public ProgramResult Try(params ReadOnlySpan<string> arguments) => Start(arguments).Run();

    public ProgramResult RunIn(string where, params ReadOnlySpan<string> arguments) =>
        (Start(arguments) with { Folder = where }).Run().MustSucceed();

    /// <summary>Runs, requires exit code 0, and answers what was printed.</summary>
    public string Ok(params ReadOnlySpan<string> arguments) => Run(arguments).Output;

    /// <summary>Runs with <c>--json</c>, requires exit code 0 and exactly one JSON object.</summary>
    public JsonElement Json(params ReadOnlySpan<string> arguments) => Run([.. arguments, "--json"]).Json();

    /// <summary>Called through a link of the name <c>fossil</c>.</summary>
    public ProgramResult TryAsFossil(string where, params ReadOnlySpan<string> arguments)
    {
        var link = Path.Combine(_folder.Folder("called"), "fossil");
        if (!File.Exists(link)) File.CreateSymbolicLink(link, Program);
        return (StartAs(link, arguments) with { Folder = where }).Run();
    }

    /// <inheritdoc cref="TryAsFossil"/>
    public ProgramResult RunAsFossil(string where, params ReadOnlySpan<string> arguments) =>
        TryAsFossil(where, arguments).MustSucceed();

    public string Write(string name, string text) => _folder.Write(name, text);

    /// <summary>Our own verification; it names every fault it finds.</summary>
    public void MustBeIntact(string repository) => Run("repo", "verify", "-R", repository);

    /// <summary>Serves a repository on loopback until disposed.</summary>
    public RunningLeaf Serve(string repository, params string[] options) => new(this, repository, options);

    public void Dispose()
    {
        if (_isOwnFolder) _folder.Dispose();
    }

    private static bool IsForeign(string name) =>
        s_names.Contains(name, StringComparer.OrdinalIgnoreCase)
        || s_prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    private static string Find()
    {
        if (System.Environment.GetEnvironmentVariable("EDGESYNC_BIN") is { Length: > 0 } published)
        {
            if (!File.Exists(published)) throw new FileNotFoundException($"EDGESYNC_BIN={published}: no such file");
            return Path.GetFullPath(published);
        }

        // …/tests/PROJECT/bin/CONFIGURATION/FRAMEWORK/ lies as deep as where the program itself is built.
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(
            Vectors.RepositoryRoot, "src", "EdgeSync.Cli", "bin", built.Parent!.Name, built.Name,
            OperatingSystem.IsWindows() ? "edgesync.exe" : "edgesync");
    }
}
