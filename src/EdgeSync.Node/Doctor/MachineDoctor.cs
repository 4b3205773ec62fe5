using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Node.Doctor;

/// <summary>Checks the machine: disk space, clock, limits, the stock program, sockets of dead daemons.</summary>
internal static class MachineDoctor
{
    private const long FreeBytesMin = 64L << 20;
    private const long FreeBytesEnough = 512L << 20;
    private const long OpenFilesEnough = 1024;

    private static readonly TimeSpan ProgramTimeMax = TimeSpan.FromSeconds(5);

    // A build date cannot be in the future.
    private static readonly DateTimeOffset BuiltAfter = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static NodeCheck Disk(string folder)
    {
        var name = $"disk:{folder}";
        try
        {
            var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
            var left = $"{DisplayText.Bytes(free)} left";
            return free < FreeBytesMin ? Fail(name, $"only {left}", "make room: syncing stops before the disk is full")
                : free < FreeBytesEnough ? Warn(name, $"only {left}", "make room")
                : Ok(name, left);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Fail(name, e.Message);
        }
    }

    public static NodeCheck Clock(TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        var text = now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return now < BuiltAfter
            ? Fail(
                "clock", $"it is at {text}, before this program was built",
                "set the clock: timedatectl, or an NTP service")
            : Ok("clock", text);
    }

    public static NodeCheck OpenFiles()
    {
        const string Limits = "/proc/self/limits";
        if (!File.Exists(Limits)) return Ok("open files", "not known on this system");

        // Format: proc(5), "Max open files   SOFT   HARD   files".
        var line = File.ReadLines(Limits).FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal))
            ?? "";
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 5 || !long.TryParse(words[3], out var soft)) return Ok("open files", "not limited");

        return soft >= OpenFilesEnough
            ? Ok("open files", $"up to {soft}")
            : Warn("open files", $"at most {soft}", "LimitNOFILE=65536 in the unit, or ulimit -n");
    }

    /// <summary>The stock program is optional; users often have it as well.</summary>
    public static async Task<NodeCheck> FossilAsync(CancellationToken cancellationToken)
    {
        try
        {
            var start = new ProcessStartInfo("fossil", "version")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true
            };
            using var process = Process.Start(start) ?? throw new System.ComponentModel.Win32Exception();
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limited.CancelAfter(ProgramTimeMax);
            var text = await process.StandardOutput.ReadToEndAsync(limited.Token);
            await process.WaitForExitAsync(limited.Token);
            return Ok("fossil", DisplayText.OneLine(text.Trim()));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return Ok("fossil", "not installed; nothing here needs it");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Warn(
                "fossil", $"'fossil version' does not answer within {ProgramTimeMax.TotalSeconds:F0} s",
                "check that program");
        }
    }

    /// <summary>Sockets in the runtime folders: those of running daemons, and those left by killed ones.</summary>
    public static async Task<IReadOnlyList<NodeCheck>> SocketsAsync(CancellationToken cancellationToken)
    {
        var living = 0;
        var dead = new List<string>();
        foreach (var folder in NodePaths.RuntimeFolders.Distinct().Where(Directory.Exists))
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*.sock"))
            {
                if (Path.GetFileName(path).StartsWith("repo-", StringComparison.Ordinal)) continue;
                if (await IsAnsweringAsync(path, cancellationToken)) living++;
                else dead.Add(path);
            }
        }

        var daemons = Ok("daemons", living == 0 ? "none of this user runs" : $"{living} running");
        return dead.Count == 0
            ? [daemons]
            : [
                daemons,
                Warn(
                    "stale sockets", $"{dead.Count} of daemons that were killed, such as {dead[0]}",
                    $"rm {string.Join(' ', dead.Take(5))}")];
    }

    public static IEnumerable<NodeCheck> Settings(LoadedSettings loaded)
    {
        yield return Ok("settings", loaded.File ?? "no file; flags, variables and defaults");

        var faults = SettingsCheck.SecretFaults(loaded.Settings).ToList();
        foreach (var (path, text) in faults)
            yield return Fail($"secret:{path}", text, "chmod 600 FILE, and chown it to the user of the service");
        if (faults.Count == 0) yield return Ok("secrets", "only their owner can read their files");
        if (loaded.File is { } file && HoldsSecrets(loaded.Settings) && Secrets.FaultOf(file) is not null)
            yield return Warn(
                "settings", $"{file} contains passwords and is readable by other users",
                $"chmod 600 {file}, or move them into files of their own");
    }

    private static bool HoldsSecrets(NodeSettings settings) =>
        settings.Nats.AllRemotes.Any(r => r.Login.Password is not null || r.Login.Token is not null)
        || settings.Telemetry.Headers is not null
        || settings.Nats.Users.Any(u => u.Password is not null)
            || settings.Repositories.Any(r => r.Password is not null);

    private static async Task<bool> IsAnsweringAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
