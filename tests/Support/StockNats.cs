namespace EdgeSync.Tests.Support;

/// <summary>
/// <c>nats-server</c>, the distribution's or the one that <c>EDGESYNC_NATS_SERVER</c> names, on a loopback port, with a
/// configuration of the test's own.
/// </summary>
internal sealed class StockNats : IDisposable
{
    private const int AttemptsMax = 5;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The program: a path, or a name for the search path.</summary>
    public static string Program { get; } =
        Environment.GetEnvironmentVariable("EDGESYNC_NATS_SERVER") is { Length: > 0 } named ? named : "nats-server";

    private static readonly Lazy<string> s_version = new(static () =>
        new ProgramStart(Program) { Arguments = ["--version"] }.Run().MustSucceed().Output.Trim().Split('v')[^1]);

    private readonly TemporaryFolder _folder;
    private readonly string _configuration;
    private RunningProgram _program;

    private StockNats(TemporaryFolder folder, string configuration, RunningProgram program, int port) =>
        (_folder, _configuration, _program, Port) = (folder, configuration, program, port);

    /// <summary>Its own version text, such as <c>2.9.10</c>.</summary>
    public static string VersionText => s_version.Value;

    /// <summary>What differs between releases depends on it.</summary>
    public static Version Release => Version.Parse(VersionText);

    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    public int ProcessId => _program.Id;

    /// <summary>Everything that it logged.</summary>
    public string Log => _program.TextSoFar;

    /// <param name="configuration">In nats-server's own language, without the listener for clients.</param>
    public static StockNats Start(string configuration = "")
    {
        var folder = new TemporaryFolder();
        var said = "";
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            // Between finding a port and using it another program may take it: then another one is tried.
            var port = Ports.Free();
            var file = Path.Combine(folder.Path, "nats.conf");
            File.WriteAllText(file, $"listen: 127.0.0.1:{port}\n{configuration}\n");
            var program = Begin(file);
            if (Ports.WaitForListener(port, program, StartTimeout)) return new StockNats(folder, file, program, port);

            said = program.TextSoFar;
            program.Dispose();
        }

        folder.Dispose();
        throw new Xunit.Sdk.XunitException($"nats-server does not start: {said}");
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public void Kill() => _program.Kill();

    /// <summary>Begins again on the same port.</summary>
    public void Restart()
    {
        _program.Dispose();
        _program = Begin(_configuration);
        if (!Ports.WaitForListener(Port, _program, StartTimeout))
            throw new Xunit.Sdk.XunitException($"nats-server does not start again: {_program.TextSoFar}");
    }

    /// <summary>Sends one of <see cref="Signals"/>, as <c>User2</c> for lame duck mode.</summary>
    public void Signal(int number) => _program.Signal(number);

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }

    private static RunningProgram Begin(string file) => new ProgramStart(Program) { Arguments = ["-c", file] }.Begin();
}
