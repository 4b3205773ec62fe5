using System.Diagnostics;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A leaf on a free port of loopback.</summary>
internal sealed class RunningLeaf : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    /// <param name="repository">Null when the settings name it.</param>
    public RunningLeaf(Edgesync edgesync, string? repository, params string[] more)
    {
        string[] named = repository is null ? [] : ["--repo", repository];
        _process = edgesync.Start(["leaf", .. named, "--serve-http", "127.0.0.1:0", "--json", .. more]);
        _errors = _process.StandardError.ReadToEndAsync();
        var line = _process.StandardOutput.ReadLine();
        Assert.True(
            line is not null, $"the leaf did not start: {(line is null ? _errors.GetAwaiter().GetResult() : "")}");
        using var document = JsonDocument.Parse(line!);
        Url = document.RootElement.GetProperty("address").GetString()!;
    }

    public string Url { get; }

    public string Errors => _errors.GetAwaiter().GetResult();

    public string UrlOf(string user) => Url.Replace("://", $"://{user}@", StringComparison.Ordinal);

    public async Task<JsonElement> StatusAsync()
    {
        using var http = new HttpClient();
        using var document = JsonDocument.Parse(
            await http.GetStringAsync(Url + "/status", TestContext.Current!.Execution.CancellationToken));
        return document.RootElement.Clone();
    }

    public Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Asks again and again, for as long as it is sensible to wait.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        var patience = new Patience(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(50));
        while (!await condition())
        {
            Assert.False(_process.HasExited, "the leaf has ended");
            await patience.LookAgainAsync(
                () => "the condition does not hold", TestContext.Current!.Execution.CancellationToken);
        }
    }

    public int Stop(int signal)
    {
        Signal(_process, signal);
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(60)), "the leaf does not stop");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    public static void Signal(Process process, int signal)
    {
        using var kill = Process.Start(
            "kill", [$"-{signal}", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
