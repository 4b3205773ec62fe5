using System.CommandLine;
using System.Diagnostics;
using EdgeSync.Node.Joining;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>
/// A systemd unit that runs a saved node: of the system for root, of the user otherwise. Writing it starts nothing; the
/// commands that do are printed, or run on request.
/// </summary>
internal static class ServiceUnit
{
    public static Option<bool> Install { get; } = new("--install-service")
    {
        Description = "Write a systemd unit (of the system as root, otherwise of the user) and print how to start it.",
    };

    public static Option<bool> Enable { get; } = new("--enable-service")
    {
        Description = "As --install-service, and run the commands that start it now and at boot.",
    };

    public static bool IsAsked(CommandContext context) => context.Get(Install) || context.Get(Enable);

    /// <summary>Writes the unit, and starts it on request.</summary>
    /// <returns>The unit's file, and the commands that are left to run.</returns>
    /// <exception cref="EdgeSyncException">It cannot be written, or a command fails.</exception>
    public static ServiceReport Write(CommandContext context, NodeFolder folder, string repository)
    {
        if (!OperatingSystem.IsLinux())
            throw new EdgeSyncException(
                ErrorKind.Usage, "services are written for systemd, which is Linux only",
                "edgesync leaf --config FILE, from the system's own service manager");

        var isSystem = Environment.UserName == "root";
        var name = $"edgesync-{folder.Name}.service";
        var file = Path.Combine(isSystem ? "/etc/systemd/system" : UserFolder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(
            file, TextOf(Environment.ProcessPath ?? "/usr/local/bin/edgesync", folder, repository, isSystem));
        string[][] commands = isSystem
            ? [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", name]]
            : [
                ["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", name],
                ["loginctl", "enable-linger"]];
        if (!context.Get(Enable))
            return new ServiceReport("installed", file, [.. commands.Select(c => string.Join(' ', c))]);

        foreach (var command in commands) Run(context, command);
        return new ServiceReport("enabled", file, []);
    }

    /// <summary>The text of the unit.</summary>
    internal static string TextOf(string program, NodeFolder folder, string repository, bool isSystem)
    {
        var places = $"{Quoted(Path.GetDirectoryName(Path.GetFullPath(repository))!)} {Quoted(NodePaths.StateFolder)}";
        var sandbox = isSystem
            ? $"""
              RuntimeDirectory=edgesync/{folder.Name}
              RuntimeDirectoryMode=0700
              ProtectSystem=strict
              ReadWritePaths={places}
              PrivateTmp=yes
              PrivateDevices=yes
              ProtectKernelTunables=yes
              ProtectKernelModules=yes
              ProtectControlGroups=yes
              RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
              RestrictSUIDSGID=yes
              LockPersonality=yes
              SystemCallArchitectures=native
              SystemCallFilter=@system-service

              """
            : "";
        return $"""
            # Written by edgesync; 'edgesync up' and 'edgesync join' with --install-service rewrite it.
            [Unit]
            Description=EdgeSync of {Escaped(repository)}
            Wants=network-online.target
            After=network-online.target time-sync.target
            StartLimitIntervalSec=120
            StartLimitBurst=5

            [Service]
            Type=notify
            NotifyAccess=main
            WatchdogSec=60
            ExecStart={Quoted(program)} leaf --config {Quoted(folder.SettingsFile)}
            ExecReload=/bin/kill -HUP $MAINPID
            TimeoutStopSec=40
            Restart=on-failure
            RestartSec=2
            RestartPreventExitStatus=2 8
            NoNewPrivileges=yes
            UMask=0077
            {sandbox}
            [Install]
            WantedBy={(isSystem ? "multi-user.target" : "default.target")}

            """;
    }

    private static string UserFolder => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } given
            ? given
            : Path.Combine(
                Environment.GetFolderPath(
                    Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".config"),
        "systemd", "user");

    // Spec: systemd.syntax(7) and systemd.unit(5): quotes and backslashes, and % for specifiers.
    private static string Quoted(string word) =>
        "\""
            + Escaped(word).Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("$", "$$", StringComparison.Ordinal)
            + "\"";

    private static string Escaped(string text) =>
        text.Replace("%", "%%", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static void Run(CommandContext context, string[] command)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
            context.Output.Errors.Write(process.StandardOutput.ReadToEnd());
            process.WaitForExit();
            if (process.ExitCode == 0) return;

            throw new EdgeSyncException(
                ErrorKind.System, $"'{string.Join(' ', command)}' ended with {process.ExitCode}",
                "run it by hand to see its messages");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot run {command[0]}: {e.Message}", "the unit is written; start it by hand", e);
        }
    }
}

/// <param name="Status"><c>installed</c> or <c>enabled</c>.</param>
/// <param name="Unit">The file that was written.</param>
/// <param name="Commands">The commands to start it, now and at boot; empty when they were run.</param>
internal sealed record ServiceReport(string Status, string Unit, IReadOnlyList<string> Commands)
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"  service: {Unit} ({Status})");
        if (Commands.Count == 0) return;

        output.WriteLine("  to start it now and at boot:");
        foreach (var command in Commands) output.WriteLine($"    {command}");
    }
}
