using System.ComponentModel;
using System.Diagnostics;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>Starts the person's browser.</summary>
// Spec: fossil_web_browser in util.c.
internal static class Browser
{
    private static readonly string[] Known = ["xdg-open", "sensible-browser", "x-www-browser", "firefox", "chromium"];

    /// <summary>
    /// Opens an address in the browser of the setting <c>web-browser</c>, else of the variable <c>BROWSER</c>, else of
    /// the system. False: there is none, or no screen to show it on.
    /// </summary>
    public static bool TryOpen(Func<string, string?> setting, string address)
    {
        if (CommandOf(setting) is not { } command) return false;

        // It must not end with this command, and what it prints is of no use here.
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe") { ArgumentList = { "/c", "start", "", address } }
            : new ProcessStartInfo("/bin/sh")
            {
                ArgumentList = { "-c", $"{command} \"$1\" </dev/null >/dev/null 2>&1 &", "sh", address },
            };
        try
        {
            using var process = Process.Start(start);
            process?.WaitForExit();
            return process is { ExitCode: 0 };
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static string? CommandOf(Func<string, string?> setting)
    {
        if (setting("web-browser") is { Length: > 0 } own) return own;
        if (Environment.GetEnvironmentVariable("BROWSER") is { Length: > 0 } chosen) return chosen;
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) return "open";

        var hasScreen = ((string[])["DISPLAY", "WAYLAND_DISPLAY"])
            .Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
        return hasScreen ? Known.FirstOrDefault(IsInstalled) : null;
    }

    private static bool IsInstalled(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(
            folder => folder.Length > 0 && File.Exists(Path.Combine(folder, name)));
}
