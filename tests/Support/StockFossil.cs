using System.Text.RegularExpressions;

namespace EdgeSync.Tests.Support;

/// <summary>
/// The stock <c>fossil</c> program in a home of its own: user <c>tester</c>, UTC, and no shared configuration file.
/// Tests that need it begin with <see cref="SkipWhenMissing"/>.
/// </summary>
internal sealed partial class StockFossil
{
    public const string User = "tester";

    private static readonly Lazy<Version> s_release = new(static () =>
        Version.Parse(
            ReleaseText().Match(
                new ProgramStart(Program!) { Arguments = ["version"] }.Run().MustSucceed().Output).Groups[1].Value));

    private readonly TemporaryFolder _home;

    public StockFossil(TemporaryFolder folder) => _home = folder;

    /// <summary>From <c>EDGESYNC_FOSSIL</c>, else the search path; null when there is none.</summary>
    public static string? Program { get; } = Find();

    /// <summary>Its release, such as 2.21: what differs between releases depends on it.</summary>
    public static Version Release => s_release.Value;

    public static string WhyMissing => "the fossil program is not installed (or EDGESYNC_FOSSIL names no file)";

    public static void SkipWhenMissing() => Skip.When(Program is null, WhyMissing);

    /// <summary>
    /// The folder's contents and this environment belong together: a second fossil needs a second folder.
    /// </summary>
    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["HOME"] = _home.Folder("home"),
        ["FOSSIL_HOME"] = _home.Folder("home"),
        ["XDG_CONFIG_HOME"] = null,
        ["FOSSIL_USER"] = null,
        ["USER"] = User,
        ["TZ"] = "UTC",
        ["LC_ALL"] = "C.UTF-8",
        ["GATEWAY_INTERFACE"] = null,
        ["EDITOR"] = "false",
    };

    public ProgramStart Start(params ReadOnlySpan<string> arguments) =>
        new(Program!) { Arguments = [.. arguments], Folder = _home.Path, Environment = Environment };

    /// <summary>Runs and insists on exit code 0.</summary>
    public ProgramResult Run(params ReadOnlySpan<string> arguments) => Start(arguments).Run().MustSucceed();

    /// <summary>Runs and takes whatever comes.</summary>
    public ProgramResult Try(params ReadOnlySpan<string> arguments) => Start(arguments).Run();

    public ProgramResult RunIn(string folder, params ReadOnlySpan<string> arguments) =>
        (Start(arguments) with { Folder = folder }).Run().MustSucceed();

    /// <summary>
    /// As <see cref="RunIn"/> on a repository that others write, too: stock does not wait for a lock once its
    /// transaction has read, so what a person would do is done, the same again.
    /// </summary>
    public ProgramResult RunInShared(string folder, params ReadOnlySpan<string> arguments)
    {
        var start = Start(arguments) with { Folder = folder };
        var patience = new Patience(TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(50));
        while (true)
        {
            var result = start.Run();
            if (!result.Errors.Contains("database is locked", StringComparison.Ordinal)) return result.MustSucceed();

            patience.LookAgain(() => result.ToString());
        }
    }

    public ProgramResult TryIn(string folder, params ReadOnlySpan<string> arguments) =>
        (Start(arguments) with { Folder = folder }).Run();

    /// <summary>
    /// Stock's own judgement of a repository: every blob expands to its name. It exits with 0 whatever it finds, so the
    /// text counts.
    /// </summary>
    public void MustBeIntact(string repository)
    {
        var result = Run("test-integrity", "-R", repository);
        if (!CleanIntegrity().IsMatch(result.Text))
            throw new Xunit.Sdk.XunitException($"stock finds {repository} damaged\n{result}");
    }

    /// <summary>Serves a repository on loopback until disposed.</summary>
    public StockServer Serve(string repository, params ReadOnlySpan<string> options) =>
        StockServer.Begin(this, repository, options);

    [GeneratedRegex(@"fossil version (\d+\.\d+)")]
    private static partial Regex ReleaseText();

    [GeneratedRegex(@"checked:\s+0 errors")]
    private static partial Regex CleanIntegrity();

    private static string? Find()
    {
        if (System.Environment.GetEnvironmentVariable("EDGESYNC_FOSSIL") is { Length: > 0 } named)
            return File.Exists(named) ? named : null;

        return (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "fossil.exe" : "fossil"))
            .FirstOrDefault(File.Exists);
    }
}
