namespace EdgeSync.Tests.Support;

/// <summary>A running <c>fossil server</c> on a loopback port.</summary>
internal sealed class StockServer : IServer
{
    private const int AttemptsMax = 5;

    private readonly RunningProgram _program;

    private StockServer(RunningProgram program, int port) => (_program, Port) = (program, port);

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}/";

    public static string UrlAs(int port, string login, string password) =>
        $"http://{login}:{password}@127.0.0.1:{port}/";

    public string UrlFor(string login, string password) => UrlAs(Port, login, password);

    public static StockServer Begin(StockFossil fossil, string repository, ReadOnlySpan<string> options)
    {
        var said = "";
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            // Between finding a port and using it another program may take it: then another one is tried.
            var port = Ports.Free();
            // As root stock would jail itself into the repository's folder and change its user.
            var program = fossil
                .Start(["server", "--port", $"{port}", "--localhost", "--nojail", .. options, repository])
                .Begin();
            if (Ports.WaitForListener(port, program, TimeSpan.FromSeconds(10))) return new StockServer(program, port);

            said = program.TextSoFar;
            program.Dispose();
        }

        throw new Xunit.Sdk.XunitException($"fossil server on {repository} does not start: {said}");
    }

    /// <summary>
    /// The parent forks a child a connection, and that one still writes after its last reply (statistics, checkpoint):
    /// killed there, it would leave a journal that a read-only reader cannot roll back.
    /// </summary>
    public void Dispose()
    {
        _program.WaitForChildren(TimeSpan.FromSeconds(10));
        _program.Dispose();
    }
}
