using System.Diagnostics;
using System.Text;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A daemon of any kind, ready, with its web pages on a free port.</summary>
internal sealed class RunningNode : IDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    /// <summary>Among the arguments: no web address is added.</summary>
    public const string WithoutWeb = "(without web)";

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly HttpClient _http = new();

    /// <param name="arguments">The command, such as <c>leaf --repo a.fossil</c>; a web address is added where none is
    /// asked for.</param>
    public RunningNode(Edgesync edgesync, params string[] arguments)
    {
        // A place of its own for sockets and state, so that daemons of other tests are not seen.
        edgesync.Variables.TryAdd("RUNTIME_DIRECTORY", edgesync["run"]);
        edgesync.Variables.TryAdd("STATE_DIRECTORY", edgesync["state"]);
        var web = arguments[0] == "hub" ? "--http-port" : "--serve-http";
        string[] added = arguments.Contains(web) || arguments.Contains(WithoutWeb)
            ? []
            : [web, arguments[0] == "hub" ? "0" : "127.0.0.1:0"];
        _process = edgesync.Start([.. arguments.Where(a => a != WithoutWeb), .. added, "--json", "-v"]);
        _process.ErrorDataReceived += (_, line) =>
        {
            // Our own looks at the status page would hide the rest of the log.
            if (line.Data?.Contains("path=/status", StringComparison.Ordinal) == true) return;
            lock (_errors) _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        var report = _process.StandardOutput.ReadLine();
        if (report is null)
        {
            _process.WaitForExit();
            throw new Xunit.Sdk.XunitException($"edgesync {string.Join(' ', arguments)} did not start:\n{Errors}");
        }

        using var document = JsonDocument.Parse(report);
        Report = document.RootElement.Clone();
    }

    /// <summary>What it printed once it was ready.</summary>
    public JsonElement Report { get; }

    public int ProcessId => _process.Id;

    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

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

    /// <summary>Looks until it is so, and answers how long that took.</summary>
    public async Task<TimeSpan> UntilAsync(Func<RunningNode, Task<bool>> condition, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        var patience = new Patience(PatienceMax, LookEvery);
        while (!await condition(this))
            await patience.LookAgainAsync(() => $"{what}:\n{Errors}", TestContext.Current!.Execution.CancellationToken);

        return Stopwatch.GetElapsedTime(begin);
    }

    public Task<TimeSpan> UntilCheckinsAsync(long count) =>
        UntilAsync(async node => await node.CheckinsAsync() >= count, $"{count} check-ins are here");

    /// <summary>Until <paramref name="count"/> others of the project are known to be here.</summary>
    public Task<TimeSpan> UntilPeersAsync(int count) => UntilAsync(
        async node => (await node.StatusAsync()).GetProperty("repositories")[0].GetProperty("peers").EnumerateArray()
        .Count(p => p.TryGetProperty("route", out _)) >= count,
        $"{count} peers are here");

    public bool WaitForEnd(TimeSpan patience) => _process.WaitForExit(patience);

    public int ExitCode => _process.ExitCode;

    public void Signal(int signal) => RunningLeaf.Signal(_process, signal);

    public int Stop(int signal = 15)
    {
        Signal(signal);
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(60)), $"it does not stop:\n{Errors}");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            // An orderly end first: a hub ends the server that it supervises.
            RunningLeaf.Signal(_process, 15);
            if (!_process.WaitForExit(TimeSpan.FromSeconds(20))) _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
        _http.Dispose();
    }
}
