using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// What all nodes of one fleet stand on: its folder, its programs, its cables, and the project they share.
/// </summary>
internal sealed class FleetEnvironment(
    TemporaryFolder folder, Proxy.FaultProxy proxy, FleetLayout layout, Guard guard = Guard.Open)
{
    /// <summary>Capabilities of every user: fleets measure what cables do, not access.</summary>
    public const string Everything = "ghijknorswyz";

    // Each program under way holds some threads that wait for it; the cables must not wait for those.
    static FleetEnvironment() =>
        ThreadPool.SetMinThreads(workerThreads: 16 * FleetOptions.LeavesMax, completionPortThreads: 16);

    public TemporaryFolder Folder => folder;

    public FleetLayout Layout => layout;

    public Proxy.FaultProxy Proxy => proxy;

    public Proxy.FaultLog Log => proxy.Log;

    public FleetGuard Guard { get; } = new(folder, guard);

    public EdgeSyncProgram EdgeSync { get; } = new(folder);

    public StockFossil Fossil { get; } = new(folder);

    public static string? NatsServer { get; } = Find("EDGESYNC_NATS_SERVER", "nats-server");

    /// <summary>The project that every repository starts from.</summary>
    public string Origin { get; private set; } = "";

    public string ProjectCode { get; private set; } = "";

    /// <summary>A first repository with a few check-ins, without a server.</summary>
    public void MakeOrigin()
    {
        // The first stock program in a home makes its settings; two at once would stumble over each other.
        if (StockFossil.Program is not null) Fossil.Run("settings", "autosync", "off", "--global");
        Origin = folder["origin.fossil"];
        ProjectCode = System.Text.Json.JsonDocument.Parse(
            EdgeSync.Run("repo", "new", Origin, "--user", StockFossil.User, "--json").Output)
            .RootElement.GetProperty("project_code").GetString()!;
        var tree = folder.Folder("origin");
        for (var i = 0; i < 3; i++)
        {
            File.WriteAllText(Path.Combine(tree, $"base-{i}.txt"), $"base {i}\n");
            EdgeSync.RunIn(
                tree, "repo", "ci", "-R", Origin, "-m", $"base {i}", "--user", StockFossil.User, $"base-{i}.txt");
        }
    }

    /// <summary>
    /// All users have all rights; the stock program does not sync by itself after each commit, and its server leaves
    /// no process behind that dozes in the background.
    /// </summary>
    public void Open(string repository)
    {
        EdgeSync.Run("repo", "user", "update", "nobody", "--cap", Everything, "-R", repository);
        EdgeSync.Run("repo", "config", "set", "autosync", "off", "-R", repository);
        EdgeSync.Run("repo", "config", "set", "backoffice-disable", "1", "-R", repository);
    }

    private static string? Find(string variable, string program)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
            return File.Exists(named) ? named : null;

        // Debian puts it where only root looks.
        return (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/usr/local/sbin").Split(':')
            .Select(where => Path.Combine(where, program)).FirstOrDefault(File.Exists);
    }
}
