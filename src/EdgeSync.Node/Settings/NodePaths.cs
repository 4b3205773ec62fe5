using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// The folders of a daemon, and where commands find it: <c>/etc</c>, <c>/var/lib</c> and <c>/run</c> for a system
/// service, the XDG folders for users.
/// <code>
/// state      $STATE_DIRECTORY, /var/lib/edgesync (root), $XDG_STATE_HOME/edgesync, ~/.local/state/edgesync
/// runtime    $RUNTIME_DIRECTORY, /run/edgesync and the folders in it (root), $XDG_RUNTIME_DIR/edgesync, STATE/run
///   PID.sock                    the control socket of a daemon
///   repo-HASH.sock              a link to it, for each of its repositories: HASH of the file's full path
/// settings   $EDGESYNC_CONFIG, $XDG_CONFIG_HOME/edgesync/edgesync.json, /etc/edgesync/edgesync.json
/// </code>
/// </summary>
internal static class NodePaths
{
    /// <summary>Variable that names the settings file.</summary>
    public const string FileVariable = "EDGESYNC_CONFIG";

    private const string SystemRuntimeFolder = "/run/edgesync";

    /// <summary>The length of sun_path, without its terminator.</summary>
    private const int SocketPathMax = 100;

    public static string StateFolder =>
        Variable("STATE_DIRECTORY")?.Split(':')[0]
        ?? (
            IsRoot ? "/var/lib/edgesync" : Path.Combine(
                Variable("XDG_STATE_HOME") ?? Path.Combine(Home, ".local", "state"), "edgesync"));

    /// <summary>The socket folder of this user's daemons.</summary>
    public static string RuntimeFolder => RuntimeFolders.First();

    /// <summary>Folders with sockets, ours first: users find a system service too.</summary>
    public static IEnumerable<string> RuntimeFolders
    {
        get
        {
            if (Variable("RUNTIME_DIRECTORY") is { } given) yield return given.Split(':')[0];
            if (IsRoot) foreach (var folder in SystemFolders) yield return folder;
            if (Variable("XDG_RUNTIME_DIR") is { } user && Directory.Exists(user))
                yield return Path.Combine(user, "edgesync");
            var own = Path.Combine(StateFolder, "run");
            yield return own.Length + 40 <= SocketPathMax
                ? own
                : Path.Combine(Path.GetTempPath(), "edgesync-" + Hash(own));
            if (!IsRoot) foreach (var folder in SystemFolders) yield return folder;
        }
    }

    /// <summary>
    /// The socket folders of system services: each of the shipped units has one of its own.
    /// </summary>
    private static IEnumerable<string> SystemFolders
    {
        get
        {
            yield return SystemRuntimeFolder;
            string[] below;
            try
            {
                below = Directory.GetDirectories(SystemRuntimeFolder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                yield break;   // no service runs here, or none that is visible to this user
            }

            foreach (var folder in below) yield return folder;
        }
    }

    /// <summary>The default file; null when there is none.</summary>
    public static string? SettingsFile => SettingsFiles.FirstOrDefault(File.Exists);

    public static IEnumerable<string> SettingsFiles =>
    [
        Path.Combine(Variable("XDG_CONFIG_HOME") ?? Path.Combine(Home, ".config"), "edgesync", "edgesync.json"),
        "/etc/edgesync/edgesync.json",
    ];

    public static string SocketOf(int processId, string folder) => Path.Combine(folder, $"{processId}.sock");

    public static string SocketOf(string repository, string folder) =>
        Path.Combine(folder, $"repo-{Hash(RealPathOf(repository))}.sock");

    /// <summary>One name for one file, by any links.</summary>
    public static string RealPathOf(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            return new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
        }
        catch (IOException)
        {
            return full;
        }
    }

    /// <summary>Creates the folder for its owner only.</summary>
    public static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(
                folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static bool IsRoot => !OperatingSystem.IsWindows() && Environment.UserName == "root";

    private static string Home =>
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);

    private static string Hash(string text) => Md5Hasher.Compute(Encoding.UTF8.GetBytes(text)).ToString()[..16];

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
