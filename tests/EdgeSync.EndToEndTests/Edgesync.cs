using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// The program, driven from outside: <c>EDGESYNC_BIN</c> names the file (the test command gives the published one),
/// otherwise the one that was built with these tests.
/// </summary>
internal sealed class Edgesync : IDisposable
{
    public static string Binary { get; } = Environment.GetEnvironmentVariable("EDGESYNC_BIN") is { Length: > 0 } given
        ? Path.GetFullPath(given)
        : Path.Combine(
            Vectors.RepositoryRoot, "src", "EdgeSync.Cli", "bin", Metadata("Configuration"),
            Metadata("TargetFramework"), "edgesync");

    /// <summary>The host of a just-in-time build hides the name that it was called by.</summary>
    public static void RequireOneFile() => Skip.Unless(
        Environment.GetEnvironmentVariable("EDGESYNC_BIN") is { Length: > 0 },
        "needs the published file: EDGESYNC_BIN");

    public string Folder { get; } = Directory.CreateTempSubdirectory("edgesync-e2e-").FullName;

    /// <summary>Environment of every run from now on.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Runs to the end, in the temporary folder, with no terminal and an own home.</summary>
    public Outcome Run(params string[] arguments) => RunWith(null, arguments);

    public Outcome RunWith(byte[]? input, params string[] arguments)
    {
        using var process = Start(arguments);
        using var output = new MemoryStream();
        var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
        var errors = process.StandardError.ReadToEndAsync();
        if (input is not null) process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill();
            throw new TimeoutException($"edgesync {string.Join(' ', arguments)} did not end in two minutes.");
        }

        reading.GetAwaiter().GetResult();
        return new Outcome(process.ExitCode, output.ToArray(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Runs and requires exit code 0; answers what was printed.</summary>
    public string Ok(params string[] arguments)
    {
        var outcome = Run(arguments);
        Assert.True(
            outcome.Code == 0,
            $"edgesync {string.Join(' ', arguments)} ended with {outcome.Code}:\n{outcome.Text}{outcome.Errors}");
        return outcome.Text;
    }

    /// <summary>Runs with <c>--json</c>, requires exit code 0 and exactly one JSON object.</summary>
    public JsonElement Json(params string[] arguments)
    {
        using var document = JsonDocument.Parse(Ok([.. arguments, "--json"]));
        return document.RootElement.Clone();
    }

    public Process Start(params string[] arguments) => StartAs(Binary, arguments);

    public Process StartAs(string program, params string[] arguments)
    {
        var start = CleanStart.Of(program, arguments);
        start.WorkingDirectory = Folder;
        start.Environment["HOME"] = Folder;
        start.Environment["USER"] = "tester";
        start.Environment.Remove("EDGESYNC_REPO");
        foreach (var (name, value) in Variables) start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    public string Write(string name, string text)
    {
        var path = this[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Metadata(string key) => typeof(Edgesync).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == key).Value!;
}

/// <summary>How one run ended.</summary>
internal sealed record Outcome(int Code, byte[] Output, string Errors)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Output);
}
