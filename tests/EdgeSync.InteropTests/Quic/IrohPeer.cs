using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Quic;

/// <summary>A real iroh endpoint (npm's <c>@number0/iroh</c>), driven by tests/npm/iroh-peer.cjs.</summary>
internal static class IrohPeer
{
    private static readonly string Folder =
        Environment.GetEnvironmentVariable("EDGESYNC_NPM") is { Length: > 0 } given
        ? given
        : Path.Combine(Vectors.RepositoryRoot, "artifacts", "npm");

    public static bool IsInstalled => Directory.Exists(Path.Combine(Folder, "node_modules", "@number0", "iroh"));

    /// <summary>The library of the package; other platforms have another one.</summary>
    public static string NativeFile => Path.Combine(
        Folder, "node_modules", "@number0", "iroh-linux-x64-gnu", "iroh.linux-x64-gnu.node");

    public static void Require()
    {
        Skip.Unless(
            IsInstalled,
            $"needs the packages of tests/npm in {Folder}: scripts/test.sh installs them");
        try
        {
            new ProgramStart("node") { Arguments = ["--version"] }.Run();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.Test("needs node");
        }
    }

    /// <summary>A verb against a ticket; its last line.</summary>
    public static JsonElement Dial(string verb, string ticket, params string[] words)
    {
        var run = Start([verb, ticket, .. words]).Run();
        var line = run.Output.Split('\n').LastOrDefault(l => l.Contains("\"result\"", StringComparison.Ordinal));
        Assert.True(line is not null, run.ToString());
        return Parse(line!);
    }

    /// <summary>The same on a machine of a network of the test; null when it says nothing of it.</summary>
    public static JsonElement? DialFrom(string machine, string verb, string ticket, params string[] words)
    {
        var run = StartOn(machine, [verb, ticket, .. words]).Run();
        var line = run.Output.Split('\n').LastOrDefault(l => l.Contains("\"result\"", StringComparison.Ordinal));
        return line is null ? null : Parse(line);
    }

    /// <summary>What an endpoint on a machine of a network of the test learns of its address.</summary>
    public static JsonElement AddressOn(string machine, params string[] words)
    {
        var run = StartOn(machine, ["address", .. words]).Run();
        var line = run.Output.Split('\n').LastOrDefault(l => l.Contains("\"result\"", StringComparison.Ordinal));
        Assert.True(line is not null, run.ToString());
        return Parse(line!);
    }

    /// <summary>A listener, and its ticket.</summary>
    public static Task<(RunningProgram Program, string Ticket)> ListenAsync(
        CancellationToken cancellationToken, params string[] words) =>
        ListenAsync(Start(["listen", .. words]).Begin(), cancellationToken);

    /// <summary>The same on a machine of a network of the test.</summary>
    public static Task<(RunningProgram Program, string Ticket)> ListenOnAsync(
        string machine, CancellationToken cancellationToken, params string[] words) =>
        ListenAsync(StartOn(machine, ["listen", .. words]).Begin(), cancellationToken);

    private static async Task<(RunningProgram Program, string Ticket)> ListenAsync(
        RunningProgram program, CancellationToken cancellationToken)
    {
        var patience = new Patience(TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
        while (true)
        {
            var line = program.TextSoFar.Split('\n')
                .FirstOrDefault(l => l.Contains("\"listening\"", StringComparison.Ordinal) && l.EndsWith('}'));
            if (line is not null) return (program, Parse(line).GetProperty("ticket").GetString()!);
            await patience.LookAgainAsync(() => program.TextSoFar, cancellationToken);
        }
    }

    public static bool IsOk(JsonElement result) => result.GetProperty("ok").GetBoolean();

    /// <summary>Another script of tests/npm.</summary>
    public static ProgramStart Script(string name, params string[] words) => new("node")
    {
        Arguments = [Path.Combine(Vectors.RepositoryRoot, "tests", "npm", name), Folder, .. words],
    };

    private static ProgramStart Start(string[] words) => new("node") { Arguments = WordsOf(words) };

    private static ProgramStart StartOn(string machine, string[] words) =>
        new("ip") { Arguments = ["netns", "exec", machine, "node", .. WordsOf(words)] };

    private static string[] WordsOf(string[] words) =>
        [Path.Combine(Vectors.RepositoryRoot, "tests", "npm", "iroh-peer.cjs"), Folder, .. words];

    private static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
