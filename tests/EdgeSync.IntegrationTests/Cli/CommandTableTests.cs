using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Cli.Commands;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>
/// Every command of the tree against every common mistake. The commands are enumerated, so a new one is
/// covered by
/// itself: no bug report, no stack trace, nothing created by a slip, and always a next step that can be typed.
/// </summary>
// These tests change the folder of the process.
[NotInParallel]
public sealed class CommandTableTests : IDisposable
{
    private const string Code = "0123456789012345678901234567890123456789";

    private static readonly Lazy<byte[]> Template = new(MakeTemplate);

    private readonly string _before = Environment.CurrentDirectory;
    private readonly string? _stateBefore = Environment.GetEnvironmentVariable("STATE_DIRECTORY");
    private readonly TemporaryFolder _folder = new();

    public CommandTableTests()
    {
        Environment.CurrentDirectory = _folder.Path;
        Environment.SetEnvironmentVariable("STATE_DIRECTORY", _folder["state"]);   // 'up' keeps ports and keys
        Fill(_folder.Path);
    }

    public static TheoryData<string> Commands() =>
        [.. InProcessCli.Leaves(InProcessCli.Tree()).Select(l => string.Join(' ', l.Path))];

    public static TheoryData<string> Groups() =>
        [.. InProcessCli.Groups(InProcessCli.Tree()).Select(g => string.Join(' ', g.Path))];

    public void Dispose()
    {
        Environment.CurrentDirectory = _before;
        Environment.SetEnvironmentVariable("STATE_DIRECTORY", _stateBefore);
        _folder.Dispose();
    }

    [Test]
    [MethodDataSource(nameof(Commands))]
    public void Nothing_empty_is_taken_for_a_value(string name)
    {
        var (path, command) = Find(name);
        var before = Listing();
        foreach (var option in CommandLineFaults.OptionsOf(command)
            .Where(o => o.Arity.MaximumNumberOfValues > 0 && o.ValueType != typeof(bool) && !Emptiness.IsAllowed(o)))
        {
            foreach (var form in (string[][])[[option.Name, ""], [option.Name + "="]])
                MustBeRefused(InProcessCli.Run([.. path, .. ValidWords(command, without: option), .. form]),
                    option.Name, "is empty");
        }

        foreach (var argument in command.Arguments.Where(a => !Emptiness.IsAllowed(a)))
            MustBeRefused(InProcessCli.Run([.. path, .. ValidWords(command, empty: argument)]), argument.HelpName
                ?? argument.Name, "is empty");

        Assert.Equal(before, Listing());
    }

    [Test]
    [MethodDataSource(nameof(Commands))]
    public void A_mistyped_option_is_not_taken_as_a_name(string name)
    {
        var (path, command) = Find(name);
        var before = Listing();

        MustBeRefused(InProcessCli.Run([.. path, "--mistyped"]), "unknown option --mistyped");
        MustBeRefused(InProcessCli.Run([.. path, .. ValidWords(command), "--mistyped"]), "unknown option --mistyped");
        MustBeRefused(InProcessCli.Run([.. path, "--mistyped", .. ValidWords(command)]), "unknown option --mistyped");
        foreach (var option in command.Options.Where(o => o.Arity.MinimumNumberOfValues > 0))
            MustBeRefused(InProcessCli.Run([.. path, .. ValidWords(command, without: option), option.Name,
                "--mistyped"]), option.Name, "--mistyped");

        Assert.Equal(before, Listing());
    }

    [Test]
    [MethodDataSource(nameof(Groups))]
    public void An_unknown_word_has_no_help_page(string name)
    {
        string[] path = name.Length == 0 ? [] : name.Split(' ');

        MustBeRefused(InProcessCli.Run([.. path, "nosuchword", "--help"]), "has no command 'nosuchword'");
        MustBeRefused(InProcessCli.Run([.. path, "help", "nosuchword"]), "has no command 'nosuchword'");
        MustBeRefused(InProcessCli.Run([.. path, "nosuchword"]), "has no command 'nosuchword'");
        // A group that does something by itself needs no word.
        if (InProcessCli.Groups(InProcessCli.Tree()).Single(g => g.Path.SequenceEqual(path)).Command.Action is null)
            MustBeRefused(InProcessCli.Run([.. path]), "needs a command");
    }

    [Test]
    [MethodDataSource(nameof(Commands))]
    public void Every_page_prints_and_every_example_parses(string name)
    {
        var (path, command) = Find(name);

        var page = InProcessCli.Run([.. path, "--help"]);
        var json = InProcessCli.Run([.. path, "--help", "--json"]);

        Assert.Equal((ExitCode.Ok, ExitCode.Ok), (page.Code, json.Code));
        Assert.DoesNotContain("System.", page.Output, StringComparison.Ordinal);
        Assert.All(page.Output.Split('\n'), line =>
            Assert.True(line.Length <= 120 || line.Contains("edgesync ", StringComparison.Ordinal), line));
        using var document = System.Text.Json.JsonDocument.Parse(json.Output);
        Assert.Equal("edgesync " + name, document.RootElement.GetProperty("command").GetString());
        Assert.NotEmpty(((CommandSpec)command).Examples);
        Assert.All(((CommandSpec)command).Examples, e =>
            Assert.Null(Advice.FaultOf("edgesync " + e
            .Replace("$(date +%F)", "2026", StringComparison.Ordinal), command)));
    }

    [Test]
    [MethodDataSource(nameof(Commands))]
    public void A_missing_file_or_one_of_the_wrong_kind_is_reported(string name)
    {
        var (path, command) = Find(name);
        using var taken = TakePort();
        foreach (var repository in (string[])["missing.fossil", "notes.txt", "folder", "other.db"])
            MustBeKind(InProcessCli.Run([.. path, "-R", repository, .. WordsOf(command, taken), .. ShortWait(command)]),
                command);

        foreach (var option in command.Options.Where(o => o.HelpName is "FILE" or "FOLDER" or "PATH"))
        {
            // A daemon has two dozen such options, and each run opens its ports: one value for each has to do.
            foreach (var value in (string[])(Daemon(command, taken).Any() ? ["missing/missing.txt"]
                : ["missing/missing.txt", "folder", "notes.txt"]))
                MustBeKind(InProcessCli.Run([.. path, "-R", "a.fossil", .. WordsOf(command, taken, option),
                    .. ShortWait(command), option.Name, value]), command);
        }

        if (command.Arguments.Count > 0)
            MustBeKind(InProcessCli.Run([.. path, "-R", "a.fossil", .. command.Arguments
                .Select(_ => "missing/missing.txt"), .. Required(command), .. Daemon(command, taken),
                .. ShortWait(command)]), command);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_folder.Path), f =>
            Path.GetFileName(f).StartsWith('-'));
    }

    [Test]
    [MethodDataSource(nameof(Commands))]
    public void A_read_only_folder_is_reported(string name)
    {
        var (path, command) = Find(name);
        using var disk = SmallDisk.Mount(Directory.CreateDirectory(_folder["disk"]).FullName, 8);
        Fill(_folder["disk"]);
        disk.MakeReadOnly();
        Environment.CurrentDirectory = _folder["disk"];
        using var taken = TakePort();

        MustBeKind(InProcessCli.Run([.. path, "-R", "a.fossil", .. WordsOf(command, taken), .. ShortWait(command)]),
            command);

        Environment.CurrentDirectory = _folder.Path;
    }

    [Test]
    [Arguments("leaf", "--serve-http")]
    [Arguments("sync start", "--serve-http")]
    [Arguments("repo serve", "--serve-http")]
    [Arguments("hub serve", "--serve-http")]
    [Arguments("leaf", "--nats-leaf-port")]
    [Arguments("leaf", "--nats-monitor-port")]
    public void A_port_in_use_is_reported(string name, string option)
    {
        using var taken = TakePort();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        string[] other = option == "--nats-monitor-port" ? ["--nats-client-port", "0"] : [];

        var run = InProcessCli.Run([.. name.Split(' '), "-R", "a.fossil", .. other, option, option == "--serve-http"
            ? $"127.0.0.1:{port}" : $"{port}"]);

        Assert.True(run.Code == ExitCode.Failed, run.ToString());
        Assert.Contains($"cannot listen on 127.0.0.1:{port}: the address is in use", run.Errors,
            StringComparison.Ordinal);
        MustBeKind(run, Find(name).Command);
    }

    private static (string[] Path, Command Command) Find(string name) =>
        InProcessCli.Leaves(InProcessCli.Tree()).Single(l => string.Join(' ', l.Path) == name);

    private static void MustBeRefused(CliRun run, params string[] said)
    {
        Assert.True(run.Code == ExitCode.Usage, run.ToString());
        Assert.Empty(run.Output);
        Assert.All(said, text =>
            Assert.True(run.Errors.Contains(text, StringComparison.Ordinal), $"no '{text}' in:\n{run}"));
        Assert.True(run.Hint is { } hint && Advice.FaultOf(hint, null) is null, run.ToString());
    }

    private static void MustBeKind(CliRun run, Command command)
    {
        Assert.True(run.Code != ExitCode.Bug, run.ToString());
        Assert.False(run.Errors.Contains("   at ", StringComparison.Ordinal), run.ToString());
        Assert.DoesNotContain("System.", run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter '", run.Errors, StringComparison.Ordinal);
        if (run.Code is ExitCode.Ok || run.Errors.Length == 0) return;

        Assert.True(run.Hint is not null || run.Output.Length > 0, run.ToString());
        if (run.Hint is { } hint) Assert.True(Advice.FaultOf(hint, command) is null,
            $"{Advice.FaultOf(hint, command)}\n{run}");
    }

    /// <summary>Words with which the command would do its work on <c>a.fossil</c>.</summary>
    private static IEnumerable<string> ValidWords(Command command, Option? without = null, Argument? empty = null) =>
    [
        .. command.Arguments
            .Where(a => a.Arity.MinimumNumberOfValues > 0 || a == empty
            || command.Arguments.IndexOf(a) < command.Arguments.IndexOf(empty!))
            .Select(a => a == empty ? "" : ValueOf(a.Name)),
        .. Required(command, without),
    ];

    private static IEnumerable<string> Required(Command command, Option? without = null) =>
        command.Options.Where(o => o.Required && o != without)
            .SelectMany(o => (string[])[o.Name, ValueOf(o.HelpName ?? o.Name)]);

    private static IEnumerable<string> WordsOf(Command command, TcpListener taken, Option? without = null) =>
        [.. ValidWords(command, without), .. Daemon(command, taken, without)];

    // A daemon that nothing else stops is stopped by a port that is taken.
    private static IEnumerable<string> Daemon(Command command, TcpListener taken, Option? without = null)
    {
        var isDaemon = command.Options
            .FirstOrDefault(o => o.Name is "--serve-http" or "--bind" || o.Aliases.Contains("--serve-http"));
        if (isDaemon is null || isDaemon == without) return [];

        IEnumerable<string> words = [isDaemon.Name, taken.LocalEndpoint.ToString()!];
        return command.Options.Any(o => o.Name == "--fossil-url")
            ? [.. words, "--fossil-url", "http://127.0.0.1:1/", "--project", Code, "--nats-leaf-port", "0"] : words;
    }

    // Nor is a router asked, which may never answer.
    private static IEnumerable<string> ShortWait(Command command) =>
    [
        .. command.Options.Any(o => o.Name == "--timeout") ? (string[])["--timeout", "1s"] : [],
        .. command.Options.Any(o => o.Name == "--no-port-mapping") ? (string[])["--no-port-mapping"] : [],
    ];

    private static string ValueOf(string name) => name switch
    {
        "FILE" or "FILES" or "SOURCE" or "TARGET" or "DELTA" => "notes.txt",
        "PATH" => "new.out",
        "URL" => "http://127.0.0.1:1/",
        "VERSION" or "ARTIFACT" => "tip",
        "NAME" => "tip",
        "KEY" => "project-name",
        "SQL" => "SELECT 1",
        "SHELL" => "bash",
        "HASHES" => Code,
        "LETTERS" => "oi",
        _ => "word",
    };

    private static TcpListener TakePort()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private string[] Listing() =>
        [.. Directory.EnumerateFileSystemEntries(_folder.Path).Order(StringComparer.Ordinal)
            .Select(f => File.Exists(f)
            ? $"{f} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}" : f)];

    private static void Fill(string folder)
    {
        File.WriteAllBytes(Path.Combine(folder, "a.fossil"), Template.Value);
        File.WriteAllText(Path.Combine(folder, "notes.txt"), new string('x', 500));
        Directory.CreateDirectory(Path.Combine(folder, "folder"));
        using var other = Database.Open(Path.Combine(folder, "other.db"),
            new DatabaseOptions { Access = DatabaseAccess.Create });
        other.Execute("CREATE TABLE t(a)");
    }

    private static byte[] MakeTemplate()
    {
        using var folder = new TemporaryFolder();
        Repository.Create(folder["a.fossil"],
            new RepositoryCreateOptions { AdminUser = "tester", ProjectName = "Table" }, out _).Dispose();
        return File.ReadAllBytes(folder["a.fossil"]);
    }
}
