using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace EdgeSync.Tests.Support;

/// <summary>What a finished program left behind.</summary>
internal sealed record ProgramResult(string CommandLine, int ExitCode, byte[] OutputBytes, string Errors)
{
    public string Output { get; } = Encoding.UTF8.GetString(OutputBytes);

    /// <summary>Both streams, for programs that do not care which one they write to.</summary>
    public string Text => Output + Errors;

    public bool Succeeded => ExitCode == 0;

    /// <summary>The one JSON object that it printed.</summary>
    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(OutputBytes);
        return document.RootElement.Clone();
    }

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

    /// <summary>Disposing the running program sends SIGTERM first, and kills it when that does not help.</summary>
    public bool StopsInOrder { get; init; }

    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    public string CommandLine => string.Join(' ', [Program, .. Arguments]);

    /// <summary>
    /// Runs to the end. A program that exceeds its time is killed and fails the test with its output so far.
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

        return new RunningProgram(this, Process.Start(start)!);
    }
}
