using System.Diagnostics;
using System.Text.Json;

namespace EdgeSync.Tests.Support;

/// <summary>A daemon of any kind, ready, with its web pages on a free port.</summary>
internal class RunningNode : IDisposable
{
    /// <summary>Among the arguments: no web address is added.</summary>
    public const string WithoutWeb = "(without web)";

    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private readonly RunningProgram _program;
    private readonly HttpClient _http = new();

    /// <param name="arguments">
    /// The command, such as <c>leaf --repo a.fossil</c>; a web address is added where none is given.
    /// </param>
    public RunningNode(EdgeSyncProgram edgesync, params string[] arguments)
        : this(edgesync.Start([.. WithWeb(arguments), "--json", "-v"]))
    {
    }

    /// <param name="start">Prints one JSON object when it is ready.</param>
    public RunningNode(ProgramStart start)
    {
        _program = (start with { StopsInOrder = true }).Begin();
        try
        {
            var report = _program.ReadLine(PatienceMax);
            if (report is null)
                throw new Xunit.Sdk.XunitException($"it did not start: {_program.WaitForEnd(PatienceMax)}");

            using var document = JsonDocument.Parse(report);
            Report = document.RootElement.Clone();
        }
        catch
        {
            _program.Dispose();
            throw;
        }
    }

    /// <summary>What it printed once it was ready.</summary>
    public JsonElement Report { get; }

    public int ProcessId => _program.Id;

    /// <summary>
    /// What it has logged, all of it once it has ended; without our own requests of the status page, which would hide
    /// the rest.
    /// </summary>
    public string Errors => string.Join(
        '\n', _program.ErrorsSoFar.Split('\n').Where(l => !l.Contains("path=/status", StringComparison.Ordinal)));

    public int ExitCode => _program.ExitCode;

    public string Address(string what) => Report.GetProperty("addresses").GetProperty(what).GetString()!;

    public async Task<JsonElement> StatusAsync()
    {
        using var document = JsonDocument.Parse(
            await _http.GetByteArrayAsync(
                Address("http") + "/status", TestContext.Current!.Execution.CancellationToken));
        return document.RootElement.Clone();
    }

    public async Task<long> CheckinsAsync() =>
        (await StatusAsync()).GetProperty("repositories")[0].GetProperty("checkins").GetInt64();

    /// <summary>Waits until the condition holds, and returns how long it took. Fails when the node has ended.</summary>
    public async Task<TimeSpan> UntilAsync(Func<RunningNode, Task<bool>> condition, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        await Patience.UntilAsync(
            async () => await condition(this) || !IsAlive(what), PatienceMax, () => $"{what}:\n{Errors}");
        return Stopwatch.GetElapsedTime(begin);
    }

    /// <inheritdoc cref="UntilAsync(Func{RunningNode, Task{bool}}, string)"/>
    public Task UntilAsync(Func<bool> condition) =>
        UntilAsync(_ => Task.FromResult(condition()), "the condition holds");

    /// <inheritdoc cref="UntilAsync(Func{RunningNode, Task{bool}}, string)"/>
    public Task UntilAsync(Func<Task<bool>> condition) => UntilAsync(_ => condition(), "the condition holds");

    public Task<TimeSpan> UntilCheckinsAsync(long count) =>
        UntilAsync(async node => await node.CheckinsAsync() >= count, $"{count} check-ins are here");

    /// <summary>Until <paramref name="count"/> other nodes of the project are known to be here.</summary>
    public Task<TimeSpan> UntilPeersAsync(int count) => UntilAsync(
        async node => (await node.StatusAsync()).GetProperty("repositories")[0].GetProperty("peers").EnumerateArray()
        .Count(p => p.TryGetProperty("route", out _)) >= count,
        $"{count} peers are here");

    public bool WaitForEnd(TimeSpan patience) => _program.TryWaitForEnd(patience);

    public void Signal(int signal) => _program.Signal(signal);

    /// <summary>As a power cut would.</summary>
    public void Kill() => _program.Kill();

    /// <summary>Sends the signal, waits for the end, and answers the exit code.</summary>
    public int Stop(int signal = Signals.Terminate)
    {
        _program.Signal(signal);
        return _program.WaitForEnd(PatienceMax).ExitCode;
    }

    public void Dispose()
    {
        _program.Dispose();
        _http.Dispose();
    }

    private static string[] WithWeb(string[] arguments)
    {
        var web = arguments[0] == "hub" ? "--http-port" : "--serve-http";
        if (arguments.Contains(WithoutWeb)) return [.. arguments.Where(a => a != WithoutWeb)];
        return arguments.Contains(web) ? arguments : [.. arguments, web, arguments[0] == "hub" ? "0" : "127.0.0.1:0"];
    }

    private bool IsAlive(string what)
    {
        Assert.False(_program.HasEnded, $"the node has ended before {what}:\n{Errors}");
        return true;
    }
}

/// <summary>A leaf with one repository on a free port of loopback, at the default log level.</summary>
internal sealed class RunningLeaf : RunningNode, IServer
{
    /// <param name="repository">Null when the settings name it.</param>
    public RunningLeaf(EdgeSyncProgram edgesync, string? repository, params string[] more)
        : base(edgesync.Start(
            [
                "leaf", .. repository is null ? (string[])[] : ["--repo", repository], "--serve-http", "127.0.0.1:0",
                "--json", .. more,
            ]))
    {
    }

    public string Url => Report.GetProperty("address").GetString()!;

    public int Port => new Uri(Url).Port;

    public string UrlOf(string user) => Url.Replace("://", $"://{user}@", StringComparison.Ordinal);

    public string UrlFor(string login, string password) => StockServer.UrlAs(Port, login, password);
}
