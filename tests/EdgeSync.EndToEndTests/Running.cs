using System.Diagnostics;

namespace EdgeSync.EndToEndTests;

/// <summary>A daemon that prints for people.</summary>
internal sealed class Running : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private Running(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => _process.HasExited;

    public static Running Start(Edgesync edgesync, string[] command) => new(edgesync.StartAs(command[0], command[1..]));

    /// <summary>The lines up to the one that has the text in it.</summary>
    public async Task<IReadOnlyList<string>> ReadUntilAsync(string text)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(
            TestContext.Current!.Execution.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        var lines = new List<string>();
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            lines.Add(line);
            if (line.Contains(text, StringComparison.Ordinal)) return lines;
        }

        throw new Xunit.Sdk.XunitException(
            $"it ended before it said '{text}':\n{string.Join('\n', lines)}\n{await _errors}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            RunningLeaf.Signal(_process, 15);
            if (!_process.WaitForExit(TimeSpan.FromSeconds(20))) _process.Kill(entireProcessTree: true);
        }

        _process.WaitForExit();
        _process.Dispose();
    }
}
