using System.Diagnostics;
using System.Text;

namespace EdgeSync.Tests.Support;

/// <summary>What a finished program left behind.</summary>
internal sealed record ProgramResult(string CommandLine, int ExitCode, byte[] OutputBytes, string Errors)
{
    public string Output { get; } = Encoding.UTF8.GetString(OutputBytes);

    /// <summary>Both streams, for programs that do not care which one they write to.</summary>
    public string Text => Output + Errors;

    public bool Succeeded => ExitCode == 0;

    public ProgramResult MustSucceed()
    {
        if (ExitCode != 0) throw new Xunit.Sdk.XunitException($"expected exit code 0\n{this}");
        return this;
    }

    public ProgramResult MustFail()
    {
        if (ExitCode == 0) throw new Xunit.Sdk.XunitException($"expected a failure\n{this}");
        return this;
    }

    public override string ToString() =>
        $"$ {CommandLine}\nexit code {ExitCode}\nstdout: {Clip(Output)}\nstderr: {Clip(Errors)}";

    private static string Clip(string text) => text.Length <= 4000 ? text : text[..2000] + "\n[…]\n" + text[^2000..];
}

/// <summary>How to start a program: where, with which environment, and for how long at most.</summary>
internal sealed record ProgramStart(string Program)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(120);

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public string Folder { get; init; } = Path.GetTempPath();

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public byte[] Input { get; init; } = [];

    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    public string CommandLine => string.Join(' ', [Program, .. Arguments]);

    /// <summary>
    /// Runs to the end. A program that outlives its time is killed and fails the test with what it said so far.
    /// </summary>
    public ProgramResult Run()
    {
        using var running = Begin();
        return running.WaitForEnd(Timeout);
    }

    public RunningProgram Begin()
    {
        var start = CleanStart.Of(Program, Arguments);
        start.WorkingDirectory = Folder;
        foreach (var (name, value) in Environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        return new RunningProgram(CommandLine, Process.Start(start)!, Input);
    }
}

/// <summary>A program under way; its output is gathered in the background. Disposing kills it by its own id.</summary>
internal sealed class RunningProgram : IDisposable
{
    private readonly string _commandLine;
    private readonly Process _process;
    private readonly MemoryStream _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Task _gathering;
    private bool _disposed;

    public RunningProgram(string commandLine, Process process, byte[] input)
    {
        _commandLine = commandLine;
        _process = process;
        _gathering = Task.WhenAll(Task.Run(GatherOutput), Task.Run(GatherErrors), Task.Run(() => Feed(input)));
    }

    public int Id => _process.Id;

    public bool HasEnded => _disposed || _process.HasExited;

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
            lock (_errors) return output + _errors;
        }
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

    public ProgramResult WaitForEnd(TimeSpan timeout)
    {
        if (!_process.WaitForExit(timeout))
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

    /// <summary>Asks it to stop as systemd would, and waits for the end.</summary>
    public ProgramResult Terminate(TimeSpan timeout)
    {
        if (!_process.HasExited)
            new ProgramStart("/bin/kill") { Arguments = ["-TERM", $"{_process.Id}"] }.Run();
        return WaitForEnd(timeout);
    }

    public void Dispose()
    {
        Kill();
        _disposed = true;
        _process.Dispose();
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
                _commandLine, _process.HasExited ? _process.ExitCode : -1, output, _errors.ToString());
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
