namespace EdgeSync.Tests.Support;

/// <summary>
/// The <c>edgesync</c> program as users get it: the published file when <c>EDGESYNC_BIN</c> names one, else what was
/// just built beside the tests.
/// </summary>
internal sealed class EdgeSyncProgram(TemporaryFolder folder)
{
    public static string Program { get; } = Find();

    /// <summary>A home of its own, and none of the caller's settings.</summary>
    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["HOME"] = folder.Folder("home"),
        ["USER"] = StockFossil.User,
        ["TZ"] = "UTC",
        ["NO_COLOR"] = "1",
        ["XDG_CONFIG_HOME"] = null,
        ["XDG_STATE_HOME"] = null,
        ["XDG_CACHE_HOME"] = null,
    };

    public ProgramStart Start(params ReadOnlySpan<string> arguments) =>
        new(Program) { Arguments = [.. arguments], Folder = folder.Path, Environment = Environment };

    public ProgramResult Run(params ReadOnlySpan<string> arguments) => Start(arguments).Run().MustSucceed();

    public ProgramResult Try(params ReadOnlySpan<string> arguments) => Start(arguments).Run();

    public ProgramResult RunIn(string where, params ReadOnlySpan<string> arguments) =>
        (Start(arguments) with { Folder = where }).Run().MustSucceed();

    /// <summary>Called through a link of the name <c>fossil</c>.</summary>
    public ProgramResult TryAsFossil(string where, params ReadOnlySpan<string> arguments)
    {
        var link = Path.Combine(folder.Folder("called"), "fossil");
        if (!File.Exists(link)) File.CreateSymbolicLink(link, Program);
        return new ProgramStart(link) { Arguments = [.. arguments], Folder = where, Environment = Environment }.Run();
    }

    /// <inheritdoc cref="TryAsFossil"/>
    public ProgramResult RunAsFossil(string where, params ReadOnlySpan<string> arguments) =>
        TryAsFossil(where, arguments).MustSucceed();

    /// <summary>Our own judgement; it names every fault it finds.</summary>
    public void MustBeIntact(string repository) => Run("repo", "verify", "-R", repository);

    /// <summary>Serves a repository on loopback until disposed.</summary>
    public EdgeSyncServer Serve(string repository, params ReadOnlySpan<string> options) =>
        EdgeSyncServer.Begin(this, repository, options);

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

/// <summary>A running leaf on a loopback port.</summary>
internal sealed class EdgeSyncServer : IServer
{
    private const int AttemptsMax = 5;

    private readonly RunningProgram _program;

    private EdgeSyncServer(RunningProgram program, int port) => (_program, Port) = (program, port);

    public int Port { get; }

    public int ProcessId => _program.Id;

    public string Url => $"http://127.0.0.1:{Port}/";

    public string Log => _program.TextSoFar;

    public string UrlFor(string login, string password) => StockServer.UrlAs(Port, login, password);

    public static EdgeSyncServer Begin(EdgeSyncProgram edgesync, string repository, ReadOnlySpan<string> options)
    {
        var said = "";
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var port = Ports.Free();
            var program = edgesync
                .Start(["leaf", "--repo", repository, "--serve-http", $"127.0.0.1:{port}", .. options])
                .Begin();
            if (Ports.WaitForListener(port, program, TimeSpan.FromSeconds(20)))
                return new EdgeSyncServer(program, port);

            said = program.TextSoFar;
            program.Dispose();
        }

        throw new Xunit.Sdk.XunitException($"edgesync leaf on {repository} does not start: {said}");
    }

    /// <summary>As a power cut would.</summary>
    public void Kill() => _program.Kill();

    /// <summary>As systemd would: it has ended when this returns, with its exit code.</summary>
    public ProgramResult Stop() => _program.Terminate(TimeSpan.FromSeconds(20));

    public void Dispose()
    {
        // An orderly stop, so that the repository file is whole without its journal when the test looks at it.
        if (!_program.HasEnded) _program.Terminate(TimeSpan.FromSeconds(20));
        _program.Dispose();
    }
}
