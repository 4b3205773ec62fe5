using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeSync.Tests.Support;

/// <summary>
/// A program under way; its output is gathered in the background. Waits fail the test with what the program has
/// written. Disposing ends it by its own process id, and what it started with it.
/// </summary>
internal sealed partial class RunningProgram : IDisposable
{
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private readonly ProgramStart _start;
    private readonly Process _process;
    private readonly MemoryStream _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Task _gatheringOutput;
    private readonly Task _gathering;
    private int _linesTakenBytes;
    private bool _disposed;

    public RunningProgram(ProgramStart start, Process process)
    {
        (_start, _process) = (start, process);
        _gatheringOutput = Task.Run(GatherOutput);
        _gathering = Task.WhenAll(_gatheringOutput, Task.Run(GatherErrors), Task.Run(() => Feed(start.Input)));
    }

    public int Id => _process.Id;

    public bool HasEnded => _disposed || _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Processor time of a process that runs.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>What it has written so far, both streams.</summary>
    public string TextSoFar
    {
        get
        {
            string output;
            lock (_output) output = Encoding.UTF8.GetString(_output.ToArray());
            return output + ErrorsSoFar;
        }
    }

    /// <summary>What it has written to standard error so far; all of it once the program has ended.</summary>
    public string ErrorsSoFar
    {
        get
        {
            // A grandchild that inherited the pipe could keep it open for ever.
            if (HasEnded) _gathering.Wait(TimeSpan.FromSeconds(5));
            lock (_errors) return _errors.ToString();
        }
    }

    /// <summary>The next line of its output, or null when it has ended without one.</summary>
    public string? ReadLine(TimeSpan timeout)
    {
        var patience = new Patience(timeout, LookEvery);
        while (true)
        {
            var isWhole = _gatheringOutput.IsCompleted;
            if (TryTakeLine(isWhole, out var line)) return line;
            if (isWhole) return null;

            patience.LookAgain(() => $"a line of {_start.CommandLine}:\n{TextSoFar}");
        }
    }

    /// <summary>The next lines of its output, up to the one that has the text in it.</summary>
    public async Task<IReadOnlyList<string>> ReadUntilAsync(string text)
    {
        var patience = new Patience(TimeSpan.FromMinutes(2), LookEvery);
        var lines = new List<string>();
        while (true)
        {
            var isWhole = _gatheringOutput.IsCompleted;
            while (TryTakeLine(isWhole, out var line))
            {
                lines.Add(line);
                if (line.Contains(text, StringComparison.Ordinal)) return lines;
            }

            if (isWhole) throw new Xunit.Sdk.XunitException($"it ended without a line with '{text}':\n{TextSoFar}");

            await patience.LookAgainAsync(
                () => $"a line with '{text}' of {_start.CommandLine}:\n{TextSoFar}",
                TestContext.Current!.Execution.CancellationToken);
        }
    }

    /// <summary>Until a regular expression matches what it has written; fails when the program has ended.</summary>
    public Task UntilTextAsync(string pattern, TimeSpan timeout, string what = "")
    {
        return Patience.UntilAsync(IsWritten, timeout, Lacking);

        bool IsWritten()
        {
            var hasEnded = HasEnded;
            if (Regex.IsMatch(TextSoFar, pattern)) return true;
            Assert.False(hasEnded, Lacking());
            return false;
        }

        string Lacking() => $"{what} does not write '{pattern}':\n{TextSoFar}";
    }

    /// <summary>
    /// Polls until it has no child processes any more, so that nothing it forked is cut off in mid-work. False when the
    /// time is over.
    /// </summary>
    public bool WaitForChildren(TimeSpan timeout)
    {
        var watch = Stopwatch.StartNew();
        while (!HasEnded && HasChildren())
        {
            if (watch.Elapsed > timeout) return false;
            using var pause = new ManualResetEventSlim();
            pause.Wait(5);
        }

        return true;
    }

    /// <summary>False when it still runs at the end of the time.</summary>
    public bool TryWaitForEnd(TimeSpan timeout)
    {
        var patience = new Patience(timeout, LookEvery);
        while (!_process.WaitForExit(LookEvery))
            if (!patience.TryLookAgain()) return false;

        return true;
    }

    public ProgramResult WaitForEnd(TimeSpan timeout)
    {
        if (!TryWaitForEnd(timeout))
        {
            Kill();
            throw new Xunit.Sdk.XunitException($"still running after {timeout.TotalSeconds:0} s\n{Result()}");
        }

        // A grandchild that inherited the pipes could keep them open for ever; what came until now must do.
        _gathering.Wait(TimeSpan.FromSeconds(5));
        return Result();
    }

    /// <summary>As <c>kill -9</c>: no clean-up runs in the program.</summary>
    public void Kill()
    {
        if (HasEnded) return;
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit(10_000);
    }

    /// <summary>Sends one of <see cref="Signals"/>; a program that has ended gets none.</summary>
    public void Signal(int number)
    {
        if (!HasEnded) _ = SendSignal(_process.Id, number);
    }

    /// <summary>Stops it as systemd would, and waits for the end.</summary>
    public ProgramResult Terminate(TimeSpan timeout)
    {
        Signal(Signals.Terminate);
        return WaitForEnd(timeout);
    }

    public void Dispose()
    {
        if (_start.StopsInOrder && !HasEnded)
        {
            Signal(Signals.Terminate);
            TryWaitForEnd(StopMax);
        }

        Kill();
        _disposed = true;
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int number);

    // The last line may lack its line feed; before the end of the output it is not whole.
    private bool TryTakeLine(bool isWhole, out string line)
    {
        lock (_output)
        {
            var rest = _output.GetBuffer().AsSpan(_linesTakenBytes, (int)_output.Length - _linesTakenBytes);
            var length = rest.IndexOf((byte)'\n');
            line = "";
            if (length < 0 && (!isWhole || rest.IsEmpty)) return false;

            _linesTakenBytes += length < 0 ? rest.Length : length + 1;
            line = Encoding.UTF8.GetString(length < 0 ? rest : rest[..length]);
            return true;
        }
    }

    private bool HasChildren()
    {
        var parent = $" {_process.Id} ";
        return Directory.Exists("/proc")
            && Directory.EnumerateDirectories("/proc").Any(folder => IsRunningChild(folder, parent));
    }

    // Format: proc(5), "PID (NAME) STATE PPID …"; a name may hold anything, so it is skipped to its last parenthesis.
    private static bool IsRunningChild(string folder, string parent)
    {
        if (!char.IsAsciiDigit(Path.GetFileName(folder)[0])) return false;
        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            var rest = text[(text.LastIndexOf(')') + 1)..];   // " STATE PPID …"
            return rest[1] != 'Z' && rest.AsSpan(2).StartsWith(parent);
        }
        catch (IOException)
        {
            return false;   // it ended meanwhile
        }
    }

    private ProgramResult Result()
    {
        byte[] output;
        lock (_output) output = _output.ToArray();
        lock (_errors)
            return new ProgramResult(
                _start.CommandLine, _process.HasExited ? _process.ExitCode : -1, output, _errors.ToString());
    }

    private void GatherOutput()
    {
        var buffer = new byte[16_384];
        var stream = _process.StandardOutput.BaseStream;
        for (int count; (count = stream.Read(buffer)) > 0;)
            lock (_output) _output.Write(buffer, 0, count);
    }

    private void GatherErrors()
    {
        var buffer = new char[4096];
        for (int count; (count = _process.StandardError.Read(buffer)) > 0;)
            lock (_errors) _errors.Append(buffer, 0, count);
    }

    private void Feed(byte[] input)
    {
        try
        {
            _process.StandardInput.BaseStream.Write(input);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading everything; that is its business.
        }
    }
}

/// <summary>Numbers of signals on Linux.</summary>
internal static class Signals
{
    public const int Hangup = 1, Interrupt = 2, User1 = 10, User2 = 12, Terminate = 15, Continue = 18, Stop = 19;
}
